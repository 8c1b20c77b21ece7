package signaling

import (
	"strings"
	"time"

	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/edit"
	"sbc/signaling/ident"
	"sbc/signaling/registrar"
	"sbc/signaling/sip"
	"sbc/signaling/transaction"
)

// Endpoints are user agents that register through us with a peer. Name, Domain
// and Contact are those of the rules and listeners.
type Endpoints struct {
	Peer int // which endpoints of the rules they are
	registrar.Endpoints
}

// clock is the time that people and files know.
func (s *Shard) clock() time.Time { return s.opt.Start.Add(s.now) }

// newRegistrar returns the registrar of the shard, nil if nobody registers.
func (s *Shard) newRegistrar() *registrar.Registrar {
	if len(s.opt.Endpoints) == 0 {
		return nil
	}
	o := registrar.Options{Rand: s.rand, Of: s.of, Key: s.opt.BindingKey, Token: s.token}
	for _, l := range s.opt.Listeners {
		o.Listeners = append(o.Listeners, registrar.Listener{Name: l.transport() + " " + l.Addr.String(), Stream: l.TCP})
	}
	o.Endpoints = s.endpointsList()
	return registrar.New(o)
}

// endpointsList returns the endpoints as the registrar wants them.
func (s *Shard) endpointsList() (list []registrar.Endpoints) {
	for _, e := range s.opt.Endpoints {
		p := s.rules.Peers()[e.Peer]
		e.Name, e.Domain = p.Name, p.Domain
		if !p.Here() {
			e.Contact = s.opt.contactFor(&s.rules.Peers()[p.Endpoints.To])
		}
		list = append(list, e.Endpoints)
	}
	return list
}

// contactFor returns what a peer finds behind the @ in a Contact of ours.
func (o *Options) contactFor(p *policy.Peer) string {
	for _, ip4 := range []bool{true, false} {
		if p.Target.Addr.IsValid() && p.Target.Addr.Is4() != ip4 {
			continue
		}
		if i, ok := o.listenerFor(p.Realm, p.Target.First(), ip4); ok {
			l := &o.Listeners[i]
			if l.TCP {
				return l.Host + ";transport=" + strings.ToLower(l.transport())
			}
			return l.Host
		}
	}
	return ""
}

// restore takes the records of an earlier process that are of this shard.
func (s *Shard) restore(records map[uint64][]byte) {
	for serial, record := range records {
		if !s.has(serial) {
			continue
		}
		do, err := s.registrar.Restore(s.clock(), record)
		if err != nil {
			s.log.Warn("a stored binding cannot be read, its phone is reached when it registers again", "err", err)
			s.keep(serial, nil)
			continue
		}
		s.bind(do)
	}
}

// token appends the user part that stands for a binding on the registrar's side.
func (s *Shard) token(dst []byte, serial uint64) []byte {
	return s.tokens.Append(dst, ident.Token, ident.ID{Serial: serial, Shard: uint8(serial)})
}

// registers handles a REGISTER if it is for endpoints of the realm: of others
// nobody hears that somebody registers here.
func (s *Shard) registers(flow b2bua.Flow, realm int, m *sip.Message) bool {
	if s.registrar == nil {
		return false
	}
	if d := s.rules.Domain(realm, m.Bytes(m.ToURI().Host)); d != nil {
		s.registerHere(flow, d, m)
		return true
	}
	ep, ok := s.endpointsFor(realm, m)
	if ok {
		s.register(flow, ep, m)
	}
	return ok
}

// endpointsFor returns the endpoints of a realm that register for the domain of
// a request.
func (s *Shard) endpointsFor(realm int, m *sip.Message) (ep int, ok bool) {
	uri, err := sip.ParseURI(m.Raw, m.To().URI)
	if err != nil {
		return 0, false
	}
	host := string(m.Bytes(uri.Host))
	for i := range s.opt.Endpoints {
		p := &s.rules.Peers()[s.opt.Endpoints[i].Peer]
		if p.Realm == realm && !p.Gone && !p.Here() && strings.EqualFold(p.Domain, host) {
			return i, true
		}
	}
	return 0, false
}

// register handles a REGISTER of an endpoint, known or not: whoever it is, only
// what its registrar says counts.
func (s *Shard) register(flow b2bua.Flow, ep int, m *sip.Message) {
	key := b2bua.Server(transaction.ServerKey(s.secret(flow), m))
	peer := s.opt.Endpoints[ep].Peer
	if tx := s.servers[key]; tx != nil {
		s.metrics.Retransmission(true)
		s.stepServer(tx, transaction.Event{Is: transaction.Request})
		return
	}
	if r := b2bua.CheckBegin(m); r != nil {
		s.stateless(flow, m, r)
		return
	}
	if s.closing || len(s.servers) >= transactionsMax {
		s.stateless(flow, m, &b2bua.Refusal{Status: 503, Cause: "capacity", Fields: retryAfter})
		return
	}
	v := s.registrar.Register(s.clock(), ep, registrar.Flow(flow), m)
	s.bind(v.Effects)
	switch {
	case v.Status >= 300: // nothing is kept of a flood
		s.sendStateless(flow, m, &b2bua.Refusal{Status: v.Status, Fields: string(v.Fields)})
		no := &b2bua.Refusal{Status: v.Status, Cause: v.Cause}
		s.refused(peer, no)
		s.deny(flow, m, no, nil)
	case v.Status > 0: // asked again, the registrar says the same
		s.answerStateless(flow, m, &sip.Response{Status: v.Status, Fields: v.Fields})
	default:
		s.relayRegister(flow, peer, m, s.newServer(key, s.answerBy(flow, m), peer, m), &v)
	}
}

// relayRegister sends a REGISTER on to the registrar.
func (s *Shard) relayRegister(flow b2bua.Flow, peer int, m *sip.Message, tx *server, v *registrar.Verdict) {
	home := s.rules.Peers()[peer].Endpoints.To
	p := &s.rules.Peers()[home]
	var targets []b2bua.Target
	for _, addr := range s.rules.Resolved(home) {
		if listener, ok := s.opt.listenerTo(p, addr); ok {
			targets = append(targets, b2bua.Target{
				Peer: home, Host: hostOf(p), Flow: b2bua.Flow{Listener: listener, Remote: addrPort(addr, orDefault(p.Target.Port))},
				URI: append([]byte(nil), m.Bytes(m.RequestURI())...), Rule: edit.Reason(s.rules.Peers()[peer].Ref.String()),
			})
		}
	}
	if len(targets) == 0 {
		s.bind(s.registrar.Answered(s.clock(), v.Key, nil).Effects)
		s.refuse(tx, flow, m, &b2bua.Refusal{Status: 503, Cause: "no_target", Fields: retryAfter})
		return
	}
	s.step(&b2bua.Event{Is: b2bua.Begin, Msg: m, Flow: flow, Peer: peer, Server: tx.key, Targets: targets,
		Register: &b2bua.Registration{Key: v.Key, Fields: v.Fields, Bare: v.Bare}})
	s.pending(tx)
}

// registered is b2bua.Options.Registered.
func (s *Shard) registered(key uint64, m *sip.Message, status int) b2bua.Registration {
	if status == 0 {
		s.registrar.Forget(key)
		return b2bua.Registration{}
	}
	r := s.registrar.Answered(s.clock(), key, m)
	s.bind(r.Effects)
	if r.Wrong {
		s.failed(b2bua.Flow(r.Flow), true)
	}
	return b2bua.Registration{Key: key, Status: r.Status, Own: r.Own, Fields: r.Fields}
}

// bind carries out what the registrar asks for.
func (s *Shard) bind(do []registrar.Effect) {
	for i := range do {
		switch e := &do[i]; e.Do {
		case registrar.Reach:
			b, _ := s.registrar.Lookup(s.clock(), e.Serial)
			peer := s.opt.Endpoints[e.Endpoints].Peer
			s.spare(b2bua.Flow(e.Flow), true)
			s.opt.where.enter(b2bua.Flow(e.Flow), peer, placeOf(peer, e.AOR).user, e.Serial, routesOf(b.ServiceRoute))
			if s.rules.Peers()[peer].Here() {
				s.opt.where.settle(placeOf(peer, e.AOR), located{serial: e.Serial, flow: b2bua.Flow(e.Flow), contact: b.Contact, path: routesOf(b.Path)})
			}
		case registrar.Unreach:
			s.opt.where.leave(b2bua.Flow(e.Flow), e.Serial)
			if s.opt.where.at(b2bua.Flow(e.Flow)) == nil {
				s.spare(b2bua.Flow(e.Flow), false)
			}
			s.opt.where.depart(placeOf(s.opt.Endpoints[e.Endpoints].Peer, e.AOR), e.Serial)
		case registrar.Moved:
			s.notices = append(s.notices, Notice{Is: HasMoved, Flow: b2bua.Flow(e.Old), To: b2bua.Flow(e.Flow)})
		case registrar.Save:
			s.keep(e.Serial, e.Record)
		case registrar.Delete:
			s.keep(e.Serial, nil)
		case registrar.KeepAlive:
			s.keepAlive(e)
		}
	}
	if next, ok := s.registrar.Next(); ok {
		// Rounded up, so that what is due for many is done in one go.
		at := (next.Sub(s.opt.Start) + bindingGrain - 1) / bindingGrain * bindingGrain
		if !s.rebinding.IsSet() || s.rebinding.At() != at {
			s.set(&s.rebinding, alarm{owner: bindings{}}, at-s.now)
		}
	}
}

// Ours: 100 ms. What expires with a binding, and when it is kept alive, counts in
// seconds.
const bindingGrain = 100 * time.Millisecond

// bindings own the timer of the registrar.
type bindings struct{}

func (bindings) fire(s *Shard, _ uint8) { s.bind(s.registrar.Advance(s.clock())) }

func (s *Shard) keep(serial uint64, record []byte) {
	if s.opt.Keep != nil {
		s.opt.Keep(serial, record)
	}
}

// binding finds the endpoint that the token in a Request-URI stands for, for a
// request of a peer. token is false if there is none in it.
func (s *Shard) binding(peer int, m *sip.Message) (t b2bua.Target, r *b2bua.Refusal, token bool) {
	if s.registrar == nil {
		return t, nil, false
	}
	id, like := s.tokenOf(m)
	if !like {
		return t, nil, false
	}
	b, state := s.lookup(id.Serial)
	if state == registrar.Unknown || s.rules.Peers()[s.opt.Endpoints[b.Endpoints].Peer].Endpoints.To != peer {
		return t, &b2bua.Refusal{Status: 404, Cause: "token"}, true
	}
	if state == registrar.Unreachable {
		return t, &b2bua.Refusal{Status: 480, Cause: "unreachable"}, true
	}
	at := s.opt.Endpoints[b.Endpoints].Peer
	p := &s.rules.Peers()[at]
	return b2bua.Target{
		Peer: at, Flow: b2bua.Flow(b.Flow), Host: p.Domain, URI: []byte(b.Contact), Routes: routesOf(b.Path),
		Rule: edit.Reason("the binding of " + b.AOR),
	}, nil, true
}

// lookup finds the binding of a serial.
func (s *Shard) lookup(serial uint64) (registrar.Binding, registrar.State) {
	if s.opt.lookup != nil {
		return s.opt.lookup(serial)
	}
	return s.registrar.Lookup(s.clock(), serial)
}

// qualifies answers an OPTIONS that asks whether an endpoint is there: by what
// is known of its binding.
func (s *Shard) qualifies(tx *server, flow b2bua.Flow, peer int, m *sip.Message) bool {
	_, no, token := s.binding(peer, m)
	switch {
	case no != nil:
		s.refuse(tx, flow, m, no)
	case token:
		s.options(tx, flow, m)
	}
	return token
}

// routesOf makes Route lines of those of Path or Service-Route.
func routesOf(lines string) (routes []byte) {
	for line := range strings.Lines(lines) {
		_, value, _ := strings.Cut(line, ":")
		routes = append(append(routes, "Route:"...), value...)
	}
	return routes
}

// tokenOf reads the token in a Request-URI, or what is written like one: then id
// names no binding.
func (s *Shard) tokenOf(m *sip.Message) (id ident.ID, like bool) {
	uri, err := sip.ParseURI(m.Raw, m.RequestURI())
	if err != nil {
		return id, false
	}
	user := m.Bytes(uri.User)
	id, _ = s.tokens.Read(ident.Token, user)
	return id, ident.Like(user)
}
