package signaling

import (
	"net/netip"
	"time"

	"sbc/firewall"
	"sbc/policy/limit"
	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
)

// Known says whether a datagram is from a peer, or came by a flow that somebody
// registered by. Any goroutine may call it; it takes no lock.
func (o *Options) Known(realm int, src netip.AddrPort, listener uint16) firewall.Class {
	if _, ok := o.Rules.Known(realm, src); ok {
		return firewall.Peer
	}
	if o.where.at(b2bua.Flow{Listener: listener, Remote: src}) != nil {
		return firewall.Registered
	}
	return firewall.Unknown
}

// admits asks the guard whether a datagram is to be looked at. Where strangers are
// answered, everybody is listened to.
func (e *Engine) admits(listener uint16, src netip.AddrPort, b []byte) (firewall.Class, bool) {
	o := e.options()
	realm := o.Listeners[listener].Realm
	if e.guard == nil || o.Realms[realm].Trust {
		return firewall.Unknown, true
	}
	v := e.guard.Verdict(e.now(), realm, listener, src, b)
	return v.Class, !v.Drop
}

// A pass is what the guard says of a message once it is read.
type pass uint8

const (
	mayPass   pass = iota
	isRefused      // with 503: its peer has a right to an answer
	isDropped
)

// Ours: 503s a second to peers over their rate. Who sends in a peer's name makes us
// answer the peer no more than that.
var refusals = limit.Rate{Per: 10 * time.Millisecond, Burst: 100}

// passes says what becomes of a message of somebody known. What belongs to
// something of ours, by a tag or branch that nobody guesses, has a share of its
// own: a flood in a peer's name hurts what begins, not what is there.
func (e *Engine) passes(class firewall.Class, flow b2bua.Flow, m *sip.Message, err error) pass {
	if e.guard == nil || class != firewall.Peer && class != firewall.Registered {
		return mayPass
	}
	o, now := e.options(), e.now()
	peer, ok := o.Rules.Known(o.Listeners[flow.Listener].Realm, flow.Remote)
	if !ok {
		var c certified
		c, ok = o.where.certified(flow.Conn)
		peer = c.peer
	}
	if b := o.where.at(flow); !ok && b != nil {
		peer, ok = b.peer, true
	}
	switch {
	case !ok:
		return mayPass
	case err == nil && e.sorter.Ours(m):
		if !e.guard.Existing(now, peer) {
			return isDropped
		}
		return mayPass
	case class == firewall.Registered && !e.guard.NewBy(now, flow.Remote):
		return isDropped
	case e.guard.New(now, peer):
		return mayPass
	}
	if ok, _ := e.busy.Take(now, refusals); ok && err == nil && m.IsRequest() && m.Method() != sip.ACK {
		return isRefused
	}
	return isDropped
}

// OverRate refuses a request of a peer that has had its share of new ones.
func (s *Shard) OverRate(now time.Duration, flow b2bua.Flow, m *sip.Message) {
	s.now, s.tap.came, s.hand = max(s.now, now), flow, m
	defer s.survive(m)
	s.calls.Begin()
	s.stateless(flow, m, &b2bua.Refusal{Status: 503, Cause: "rate", Fields: retryAfter})
}

// noted tells the guard who asks for what, of whom nothing is known.
func (s *Shard) noted(flow b2bua.Flow, m *sip.Message) {
	if s.opt.guard == nil {
		return
	}
	s.opt.guard.Asked(s.now, firewall.From{Realm: s.opt.Listeners[flow.Listener].Realm, Listener: flow.Listener, Src: flow.Remote},
		firewall.Request{Method: m.Method(), User: askedFor(m), Agent: agentOf(m), Head: m.Raw})
}

// suspect tells the guard what a stranger did.
func (s *Shard) suspect(flow b2bua.Flow, m *sip.Message, o firewall.Offences) {
	if s.opt.guard == nil {
		return
	}
	switch m.Method() {
	case sip.INVITE:
		o |= firewall.StrangerInvite
	case sip.REGISTER:
		o |= firewall.StrangerRegister
	case sip.OPTIONS:
		o |= firewall.StrangerOptions
	default:
		o |= firewall.StrangerOther
	}
	o |= s.opt.guard.Judge(m.Method(), askedFor(m), agentOf(m))
	s.opt.guard.Saw(s.now, flow.Remote.Addr(), o, s.stream(flow))
}

// failed tells the guard that somebody's credentials were wrong. proven: they
// answered a challenge that went to where they came from.
func (s *Shard) failed(flow b2bua.Flow, proven bool) {
	if s.opt.guard != nil {
		s.opt.guard.Saw(s.now, flow.Remote.Addr(), firewall.DigestFailure, proven || s.stream(flow))
	}
}

// malformed tells the guard that what a stranger sent is no message.
func (s *Shard) malformed(flow b2bua.Flow) {
	if s.opt.guard != nil {
		s.opt.guard.Saw(s.now, flow.Remote.Addr(), firewall.Malformed, s.stream(flow))
	}
}

// spare tells the guard that somebody is behind a flow, or is not any more.
func (s *Shard) spare(flow b2bua.Flow, on bool) {
	if s.opt.guard != nil {
		at := &s.opt.Listeners[flow.Listener]
		s.opt.guard.Registered(firewall.Spared{Remote: flow.Remote, Local: at.Addr, TCP: at.TCP}, on)
	}
}

// askedFor returns the user part of whom a request is for, or who registers.
func askedFor(m *sip.Message) []byte {
	if m.Method() == sip.REGISTER {
		return m.Bytes(m.ToURI().User)
	}
	uri, err := sip.ParseURI(m.Raw, m.RequestURI())
	if err != nil {
		return nil
	}
	return m.Bytes(uri.User)
}

func agentOf(m *sip.Message) []byte {
	f, ok := m.First(sip.FieldUserAgent)
	if !ok {
		return nil
	}
	return m.Bytes(f.Value)
}

// guarding owns the timer that lets the guard's bans end, and connections with
// their beginning. One shard has it.
type guarding struct{}

// Ours: bans count in minutes.
const guardEvery = time.Second

func (guarding) fire(s *Shard, _ uint8) {
	s.opt.guard.Advance(s.now)
	if s.opt.cutBanned != nil {
		s.opt.cutBanned()
	}
	s.set(&s.guardTimer, alarm{owner: guarding{}}, guardEvery)
}
