package signaling

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"sbc/signaling/b2bua"
	"sbc/signaling/ident"
	"sbc/signaling/registrar"
	"sbc/signaling/sip"
	"sbc/telemetry"
)

// A trial is a Try under way, in a shard of its own.
type trial struct {
	t     *Try
	s     *Shard
	turns []turn // of the shards that have the calls
	now   time.Duration
	realm int
	flow  b2bua.Flow
	m     sip.Message

	unread error // what Parse said of it
	peer   int   // that it is from; below 0: nobody
	rep    TryReport
}

// run tries t as the shards of turns would decide now.
func (t Try) run(now time.Duration, turns []turn) (TryReport, error) {
	if err := t.check(); err != nil {
		return TryReport{}, err
	}
	s, err := scratch(turns)
	if err != nil {
		return TryReport{}, err
	}
	x := &trial{t: &t, s: s, turns: turns, now: now, peer: -1}
	x.rep = TryReport{Routes: []TryRoute{}, Targets: []TryTarget{}, Limits: []TryLimit{}, Leaks: []string{}}
	s.now = now
	if err := x.arrive(); err != nil {
		return TryReport{}, err
	}
	x.unread = x.write()
	x.rep.Request = string(x.m.Raw)
	if err := x.from(); err != nil {
		return TryReport{}, err
	}
	if x.unread == nil {
		x.where()
	}
	x.feed()
	if s.stats.panics > 0 {
		return TryReport{}, errors.New("bug: the request would end in a panic, which the border would survive; please report it")
	}
	x.collect()
	return x.rep, nil
}

// arrive finds the listener by which the request would come: where its sender
// has registered that one, else the first that fits.
func (x *trial) arrive() error {
	o, t := x.s.opt, x.t
	x.realm = -1
	var names []string
	for i := range o.Realms {
		names = append(names, o.Realms[i].Name)
		if o.Realms[i].Name == t.Realm {
			x.realm = i
		}
	}
	if x.realm < 0 {
		return &TryError{fmt.Sprintf("no realm %q; there are %s", t.Realm, strings.Join(names, ", "))}
	}
	first, ok := o.listenerFor(x.realm, t.Transport, t.Source.Addr().Is4())
	if !ok {
		return &TryError{fmt.Sprintf("realm %s does not listen for %s of the family of %s", t.Realm, strings.ToUpper(t.Transport), t.Source.Addr())}
	}
	x.flow = b2bua.Flow{Listener: first, Remote: t.Source}
	if x.s.stream(x.flow) {
		x.flow.Conn = math.MaxUint64 // a connection of its own
	}
	for i := range o.Listeners {
		if l := &o.Listeners[i]; l.Realm == x.realm && strings.EqualFold(l.transport(), t.Transport) {
			if f, ok := o.where.under.flowOf(uint16(i), t.Source); ok {
				x.flow = f
				break
			}
		}
	}
	if peer, ok := o.Rules.Named(x.realm, []string{t.Name}); ok && t.Name != "" && o.Listeners[x.flow.Listener].TLS != nil {
		o.where.certify(x.flow.Conn, certified{names: []string{t.Name}, peer: peer, rules: o.Rules})
	}
	x.rep.Source = TrySource{Source: t.Source.String(), Realm: t.Realm, Listener: x.listener(x.flow.Listener), By: "nobody"}
	return nil
}

// listener names one of ours.
func (x *trial) listener(i uint16) string {
	l := &x.s.opt.Listeners[i]
	return strings.ToLower(l.transport()) + " " + l.Addr.String()
}

// write makes the request up. The error is that of Parse.
func (x *trial) write() error {
	l := &x.s.opt.Listeners[x.flow.Listener]
	host := hostText(x.t.Source.Addr())
	if b := x.s.opt.where.at(x.flow); b != nil {
		host = x.s.rules.Peers()[b.peer].Domain // whose accounts they are
	}
	from, to := tryURI(x.t.From, host), tryURI(x.t.To, l.Host)
	if uri := x.contact(to); uri != "" {
		x.rep.ContactOf, to = to, uri
	}
	raw := []byte(x.t.request(to, from, x.mediaPort()))
	if x.s.stream(x.flow) {
		_, err := x.m.ParseStream(raw)
		return err
	}
	return x.m.Parse(raw)
}

// mediaPort returns a port for the media of the sender. It may have our own
// address.
func (x *trial) mediaPort() (port uint16) {
	for _, port = range []uint16{10000, 20000, 40000, 60000} {
		if own, _ := x.s.ownPort(x.realm, netip.AddrPortFrom(x.t.Source.Addr(), port)); !own {
			break
		}
	}
	return port
}

// contact returns what the peer at the source calls who registered with it
// through us by: it was never told another address of theirs. Empty: nobody.
func (x *trial) contact(to string) (uri string) {
	s := x.s
	user, host, ok := strings.Cut(strings.TrimPrefix(to, "sip:"), "@")
	peer, known := s.rules.Peer(x.realm, x.t.Source)
	if !ok || !known {
		return ""
	}
	for ep, e := range s.opt.Endpoints {
		p := &s.rules.Peers()[e.Peer]
		if p.Here() || p.Endpoints.To != peer || !strings.EqualFold(p.Domain, host) {
			continue
		}
		for _, turn := range x.turns {
			turn(func(real *Shard) {
				for _, b := range real.registrar.Find(real.clock(), ep, string(registrar.AppendUser(nil, []byte(user))), strings.ToLower(host)) {
					if uri == "" || b.State == registrar.Reachable {
						uri = "sip:" + string(s.tokens.Append(nil, ident.Token, ident.ID{Serial: b.Serial, Shard: uint8(b.Serial)})) + "@" + s.opt.contactFor(&s.rules.Peers()[peer])
					}
				}
			})
		}
	}
	return uri
}

// feed gives the request to the shard.
func (x *trial) feed() {
	c := x.rep.Source.Challenge
	if x.unread != nil || c == nil || !c.Proven {
		x.s.Message(x.now, x.flow, &x.m, x.unread)
		return
	}
	s := x.s
	s.tap.came, s.hand = x.flow, &x.m
	defer s.survive(&x.m)
	s.calls.Begin()
	if d := s.rules.Domain(x.realm, []byte(c.Domain)); c.User != "" && d.Who[c.User] != x.peer {
		s.stateless(x.flow, &x.m, impostor(c.User))
		return
	}
	s.requested(x.flow, x.peer, &x.m, true)
}

// collect reports what the shard has made of the request.
func (x *trial) collect() {
	s, r := x.s, &x.rep
	var ladder []LadderEntry
	if calls := s.ring.Calls(); len(calls) > 0 {
		ladder = s.ladder(calls[0])
	}
	for i := range ladder {
		if ladder[i].Kind == telemetry.Leak.String() {
			r.Leaks = append(r.Leaks, ladder[i].Label)
		}
	}
	for _, o := range s.Out() {
		var m sip.Message
		switch err := m.Parse(o.Bytes); {
		case m.IsRequest() && err == nil:
			x.sent(&o, &m, ladder)
		case m.Status() >= 200:
			r.Answer = &TryAnswer{Status: m.Status(), Reason: string(m.Bytes(m.ReasonPhrase()))}
			r.OK = m.Status() < 300
		}
	}
	if list := s.refusals(""); len(list) > 0 && !r.OK {
		r.Refusal = &list[len(list)-1]
	}
}

// sent reports on the request that would go out.
func (x *trial) sent(o *Outbound, m *sip.Message, ladder []LadderEntry) {
	sent := &TrySent{To: o.Flow.Remote.String(), Listener: x.listener(o.Flow.Listener), Octets: len(o.Bytes), Changes: []ChangeInfo{}}
	for i := range ladder {
		if e := &ladder[i]; e.Kind == telemetry.Out.String() && e.Leg == b2bua.B.String() {
			sent.Message, sent.Changes = e.Message, e.Changes
		}
	}
	for _, c := range x.s.calls.All() {
		if c.To >= 0 {
			sent.Peer = x.s.rules.Peers()[c.To].Name
		}
	}
	for i := range x.rep.Targets {
		t := &x.rep.Targets[i]
		if t.Taken = t.Problem == "" && t.Peer == sent.Peer && t.Address == sent.To; t.Taken {
			t.Listener = sent.Listener // a large request goes by another
			break
		}
	}
	x.rep.Sent, x.rep.OK = sent, true
}
