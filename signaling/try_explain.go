package signaling

import (
	"fmt"

	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
)

// from says who the request is from, as Message finds it out.
func (x *trial) from() error {
	s, src := x.s, &x.rep.Source
	sender := s.sender(x.flow, &x.m)
	peer, known := s.rules.Peer(x.realm, sender)
	if known {
		by, _ := s.rules.Source(x.realm, sender)
		src.By, src.Prefix, src.Resolved = "source", by.String(), len(s.rules.Peers()[peer].Sources) == 0 && !s.rules.Peers()[peer].Target.Addr.IsValid()
	} else if peer, known = s.certified(x.flow); known {
		src.By = "certificate"
	} else if peer, known = s.endpoint(x.flow); known {
		src.By = "registration"
	}
	if !known {
		return x.unknown()
	}
	x.peer = peer
	x.named()
	if x.unread == nil && s.proves(x.flow, peer, &x.m) {
		return x.provesToBe(&s.rules.Peers()[peer])
	}
	return nil
}

// provesToBe says what is asked of a sender who registered from where it is.
func (x *trial) provesToBe(p *policy.Peer) error {
	d := x.s.rules.Domain(p.Realm, []byte(p.Domain))
	if d == nil || p.Gone {
		return nil
	}
	user := x.t.Proven
	if from := x.user(); user == "" && d.Has(from, x.peer) {
		user = from
	}
	if _, there := d.Who[user]; user != "" && !there {
		return noUser(user, d)
	}
	x.rep.Source.Challenge = &TryChallenge{Domain: d.Host, Rule: d.Ref.String(), Proven: true, User: user}
	return nil
}

// unknown says what is asked of a sender whose source says nothing.
func (x *trial) unknown() error {
	s, src := x.s, &x.rep.Source
	if peer, former := s.rules.Known(x.realm, s.sender(x.flow, &x.m)); former {
		src.Former = s.rules.Peers()[peer].Name
	}
	if x.unread != nil {
		return nil
	}
	d := s.claimed(x.realm, &x.m)
	if d == nil {
		return nil
	}
	user := x.t.Proven
	if user == "" {
		user = x.user()
	}
	peer, there := d.Who[user]
	if !there && x.t.Proven != "" {
		return noUser(user, d)
	}
	src.Challenge = &TryChallenge{Domain: d.Host, Rule: d.Ref.String(), Proven: there}
	if there {
		src.Challenge.User, src.By, x.peer = user, "proof", peer
		x.named()
	}
	return nil
}

func noUser(user string, d *policy.Domain) error {
	return &TryError{fmt.Sprintf("nobody can prove to be user %q: there is none in domain %s (%s)", user, d.Host, d.Ref)}
}

// user returns the user of From.
func (x *trial) user() string { return string(x.m.Bytes(x.m.FromURI().User)) }

func (x *trial) named() {
	p := &x.s.rules.Peers()[x.peer]
	x.rep.Source.Peer, x.rep.Source.Rule = p.Name, p.Ref.String()
}

// where says where the request goes, as routed finds it out.
func (x *trial) where() {
	s, m := x.s, &x.m
	uri, err := wantedURI(m)
	if x.peer < 0 || err != nil {
		return
	}
	x.rep.Emergency = s.urgent(x.realm, m, uri)
	var targets []b2bua.Target
	if t, no, token := s.binding(x.peer, m); no != nil {
		x.rep.Targets = append(x.rep.Targets, TryTarget{Peer: t.Host, Problem: explanations[no.Cause].why})
	} else if token {
		targets = append(targets, t)
	} else if m.Method() == sip.OPTIONS && !toUser(m) {
		return // it is for ourselves
	} else {
		targets = x.routes(queryOf(x.peer, m, uri))
	}
	x.limits(targets)
}

// routes says which routes match, and returns where the one leads.
func (x *trial) routes(q policy.Query) (targets []b2bua.Target) {
	s, r := x.s, &x.rep
	for _, a := range s.rules.Explain(q) {
		route := TryRoute{Name: a.Route.Name, Rule: a.Route.Ref.String(), Hit: a.Missed == policy.Fits, Field: a.Field, Want: a.Want, Have: a.Have, Absent: a.Absent}
		if !route.Hit {
			route.Missed = a.Missed.String()
		}
		r.Routes = append(r.Routes, route)
	}
	d, no := s.rules.Route(q)
	if no != nil {
		return nil
	}
	r.Number = &TryNumber{Before: string(q.User), After: string(d.User), Rule: d.Route.Ref.String()}
	for _, peer := range d.Peers {
		one := d
		one.Peers = []int{peer}
		list := s.targets(&one)
		if s.home(x.flow, x.peer, list); len(list) == 0 {
			r.Targets = append(r.Targets, TryTarget{Peer: s.rules.Peers()[peer].Name, Problem: x.unreached(&one, peer)})
		}
		targets = append(targets, list...)
		for i := range list {
			r.Targets = append(r.Targets, x.target(&list[i]))
		}
	}
	return targets
}

func (x *trial) target(t *b2bua.Target) TryTarget {
	return TryTarget{Peer: x.s.rules.Peers()[t.Peer].Name, Address: t.Flow.Remote.String(), Listener: x.listener(t.Flow.Listener)}
}

// unreached says why no address of a peer can be had.
func (x *trial) unreached(d *policy.Decision, peer int) string {
	p := &x.s.rules.Peers()[peer]
	switch {
	case p.Here():
		if no := x.s.nobody(d); no.Status == 404 {
			return "no such user is in its domain"
		}
		return "nobody is registered there now"
	case len(x.s.rules.Resolved(peer)) == 0:
		return "its name is not resolved"
	}
	return "no listener of its realm is of its transport and address family"
}

// limits says what the peers and realms of a call have of their limits, and which
// targets have no room for it.
func (x *trial) limits(targets []b2bua.Target) {
	s, r := x.s, &x.rep
	if len(r.Targets) == 0 {
		for i := range targets {
			r.Targets = append(r.Targets, x.target(&targets[i]))
		}
	}
	if x.m.Method() != sip.INVITE {
		return
	}
	all := TryLimit{Of: "all", Calls: s.opt.Calls.Total(), Most: s.rules.Options().Calls}
	all.judge()
	r.Limits = append(r.Limits, all)
	x.limitsOf(x.peer)
	for i := range targets {
		full := x.limitsOf(targets[i].Peer)
		if full == "" || r.Emergency {
			continue
		}
		for n := range r.Targets {
			if t := &r.Targets[n]; t.Address == targets[i].Flow.Remote.String() && t.Peer == s.rules.Peers()[targets[i].Peer].Name {
				t.Problem = "no room: see " + full
			}
		}
	}
}

// limitsOf adds those of a peer and its realm, once, and names the one that
// leaves no room.
func (x *trial) limitsOf(peer int) (full string) {
	p := &x.s.rules.Peers()[peer]
	ofPeer, ofRealm := x.s.opt.Calls.Uses(x.now, peer)
	kind := "peer"
	if p.Endpoints != nil {
		kind = "endpoints"
	}
	for _, one := range []struct {
		of  string
		use policy.Use
	}{
		{fmt.Sprintf("%s %q", kind, p.Name), ofPeer}, {fmt.Sprintf("realm %q", x.s.opt.Realms[p.Realm].Name), ofRealm},
	} {
		l := limitInfo(one.of, &one.use)
		if l.Full != "" && full == "" {
			full = l.Of
		}
		known := false
		for i := range x.rep.Limits {
			known = known || x.rep.Limits[i].Of == l.Of
		}
		if !known {
			x.rep.Limits = append(x.rep.Limits, l)
		}
	}
	return full
}

func limitInfo(of string, u *policy.Use) TryLimit {
	l := TryLimit{
		Of: of, Rule: u.Ref.String(), Calls: u.Calls, Most: u.Limits.Calls, Lines: u.Lines, LinesMost: u.Limits.Lines,
		Kbits: u.Kbits, KbitsMost: u.Limits.Kbits, Every: u.Limits.Rate.Per.Seconds(), Wait: u.Wait.Seconds(),
	}
	l.judge()
	return l
}

// judge says which limit leaves no room for a call with a line of audio, in the
// order in which they are looked at.
func (l *TryLimit) judge() {
	over := func(have, more, most int) bool { return most > 0 && have+more > most }
	switch {
	case l.Wait > 0:
		l.Full = "rate"
	case over(l.Calls, 1, l.Most):
		l.Full = "calls"
	case over(l.Lines, 1, l.LinesMost):
		l.Full = "lines"
	case over(l.Kbits, policy.Kbits(false), l.KbitsMost):
		l.Full = "bandwidth"
	}
}
