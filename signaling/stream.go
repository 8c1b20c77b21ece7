package signaling

import (
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/edit"
	"sbc/signaling/registrar"
	"sbc/signaling/sip"
	"sbc/signaling/transaction"
	"sbc/telemetry"
)

// streams say with which peers TCP has worked, where nothing in the file says
// that they speak it. All shards share them.
type streams struct {
	works []atomic.Bool // by peer
}

// listenerFor returns the first listener of a realm for a transport, as targets
// name it, and an address family.
func (o *Options) listenerFor(realm int, transport string, ip4 bool) (uint16, bool) {
	for i := range o.Listeners {
		l := &o.Listeners[i]
		if l.Realm == realm && l.Addr.Addr().Is4() == ip4 && strings.EqualFold(l.transport(), transport) {
			return uint16(i), true
		}
	}
	return 0, false
}

// listenerTo returns the listener by which the first request to a peer goes:
// by the transport that its target names, or UDP before TCP where it names
// none.
func (o *Options) listenerTo(p *policy.Peer, addr netip.Addr) (uint16, bool) {
	listener, ok := o.listenerFor(p.Realm, p.Target.First(), addr.Is4())
	if !ok && p.Target.Transport == "" {
		return o.listenerFor(p.Realm, policy.TCP, addr.Is4())
	}
	return listener, ok
}

// stream tells whether what goes by a flow arrives, or the connection breaks:
// such a transport sends nothing twice.
func (s *Shard) stream(flow b2bua.Flow) bool { return s.opt.Listeners[flow.Listener].TCP }

// carrier names the transport of a flow for the metrics.
func (s *Shard) carrier(flow b2bua.Flow) telemetry.Transport {
	if s.stream(flow) {
		return telemetry.TCP
	}
	return telemetry.UDP
}

// openPeer returns the peer that listens at the far end of a flow, if its target
// names no transport.
func (s *Shard) openPeer(flow b2bua.Flow) (int, bool) {
	peer, ok := s.rules.Known(s.opt.Listeners[flow.Listener].Realm, flow.Remote)
	if !ok {
		return 0, false
	}
	t := &s.rules.Peers()[peer].Target
	return peer, t.Transport == "" && flow.Remote.Port() == orDefault(t.Port)
}

// streamFor is b2bua.Options.Stream.
func (s *Shard) streamFor(flow b2bua.Flow) (b2bua.Flow, bool) {
	peer, ok := s.openPeer(flow)
	if !ok || !s.opt.streams.works[peer].Load() {
		return b2bua.Flow{}, false
	}
	listener, ok := s.opt.listenerFor(s.opt.Listeners[flow.Listener].Realm, policy.TCP, flow.Remote.Addr().Is4())
	return b2bua.Flow{Listener: listener, Remote: flow.Remote}, ok
}

// streamed notes whether TCP works with the peer to which a request went: only
// one for which we had to find the way ourselves says so.
func (s *Shard) streamed(tx *client, works bool) {
	if !tx.fresh || !s.stream(tx.flow) {
		return
	}
	if peer, ok := s.openPeer(tx.flow); ok && s.opt.streams.works[peer].Load() != works {
		s.opt.streams.works[peer].Store(works)
	}
}

// Broke handles that the connection of f is gone. Nobody knows whether what was
// asked by it and has no response yet has arrived: it goes once more, by a new
// connection, where it is the same transaction still (RFC 3261 section 17.2.3),
// and if that breaks too it has failed. To fail at once would leave a phone
// ringing for a caller who was told that nobody is there. Who made the connection
// itself is away until it makes another one.
func (s *Shard) Broke(f b2bua.Flow) {
	if s.registrar != nil {
		s.bind(s.registrar.Broke(registrar.Flow(f)))
	}
	var lost []b2bua.Client
	leads := s.leads(f)
	for id, tx := range s.clients {
		if tx.conn == f.Conn && tx.unheard() {
			lost = append(lost, id)
		}
	}
	slices.Sort(lost)
	for _, id := range lost {
		switch tx := s.clients[id]; {
		case tx == nil:
		case !leads:
			tx.away = true
			s.fail(tx)
		case tx.again:
			s.fail(tx)
		default:
			tx.again, tx.conn = true, 0
			s.metrics.Retransmission(false)
			s.send(tx.flow, tx.bytes, tx)
		}
	}
}

// leads reports whether another connection can be opened to the far end of f:
// not where an endpoint made the one that there was.
func (s *Shard) leads(f b2bua.Flow) bool {
	peer, ok := s.rules.Known(s.opt.Listeners[f.Listener].Realm, f.Remote)
	return ok && orDefault(s.rules.Peers()[peer].Target.Port) == f.Remote.Port()
}

// unheard reports whether no response has come yet.
func (tx *client) unheard() bool {
	state := tx.state()
	return state == transaction.Calling || state == transaction.Trying
}

// byDatagram sends a request that could not go by a stream in the way that it
// would have gone if it were shorter (RFC 3261 section 18.1.1).
func (s *Shard) byDatagram(tx *client) bool {
	if !tx.instead.Remote.IsValid() {
		return false
	}
	var m sip.Message
	if m.Parse(tx.bytes) != nil {
		return false
	}
	at, via := &s.opt.Listeners[tx.instead.Listener], m.Via()
	b, err := m.AppendTo(nil, []edit.Edit{
		{Start: via.Transport.Start, End: via.Transport.End, New: []byte(at.transport())},
		{Start: via.Host.Start, End: via.Params.Start, New: []byte(at.Host)},
	})
	if err != nil {
		return false
	}
	s.timers.Stop(&tx.retry)
	s.timers.Stop(&tx.timeout)
	tx.flow, tx.instead, tx.fresh, tx.bytes = tx.instead, b2bua.Flow{}, false, b
	if tx.method == sip.INVITE {
		tx.invite = transaction.NewClientInvite(false, tx.bytes)
	} else {
		tx.other = transaction.NewClientNonInvite(false, tx.bytes)
	}
	s.stepClient(tx, transaction.Event{Is: transaction.Start}, nil)
	return true
}
