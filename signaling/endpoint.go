package signaling

import (
	"slices"

	"sbc/signaling/b2bua"
	"sbc/signaling/registrar"
	"sbc/signaling/sip"
	"sbc/signaling/transaction"
)

// endpoint returns the endpoints that are behind a flow by which something came,
// as the policy knows them.
func (s *Shard) endpoint(flow b2bua.Flow) (peer int, ok bool) {
	if s.registrar == nil {
		return 0, false
	}
	b := s.opt.where.at(flow)
	if b == nil {
		return 0, false
	}
	if b.hear(s.now) {
		if slices.ContainsFunc(b.bindings, func(serial uint64) bool { return !s.has(serial) }) {
			s.notices = append(s.notices, Notice{Is: WasHeard, Flow: flow})
		} else {
			s.bind(s.registrar.Heard(s.clock(), registrar.Flow(flow)))
		}
	}
	return b.peer, true
}

// has reports whether a binding is one of the shard's.
func (s *Shard) has(serial uint64) bool { return int(uint8(serial))%s.of == s.index }

// home lets what an endpoint sends to its registrar take the route that this
// has given it (RFC 3608 section 5).
func (s *Shard) home(flow b2bua.Flow, peer int, targets []b2bua.Target) {
	e := s.rules.Peers()[peer].Endpoints
	if e == nil {
		return
	}
	b := s.opt.where.at(flow)
	for i := range targets {
		if b != nil && targets[i].Peer == e.To {
			targets[i].Routes = b.route
		}
	}
}

// lost answers a request within a dialog of ours that comes from where none of
// its ends is: an endpoint whose NAT gave it another port, or one who knows too
// much. Who knows our tag is no scanner.
func (s *Shard) lost(flow b2bua.Flow, m *sip.Message) bool {
	if s.registrar == nil || m.Method() == sip.ACK || !s.calls.Has(m) {
		return false
	}
	s.stateless(flow, m, &b2bua.Refusal{Status: 481, Cause: "dialog_source"})
	return true
}

// keepAlive sends an OPTIONS whose answer shows that the way to an endpoint is
// open. It is not sent again: who sends it knows better when to try once more.
func (s *Shard) keepAlive(e *registrar.Effect) {
	b, state := s.registrar.Lookup(s.clock(), e.Serial)
	if state == registrar.Unknown {
		return
	}
	flow := b2bua.Flow(e.Flow)
	if at := s.opt.where.at(flow); at != nil {
		at.expect(s.now)
	}
	id, request := s.calls.Ping(flow, b.Contact)
	tx := &client{id: id, flow: flow, method: sip.OPTIONS, bytes: request, pings: e.Serial}
	tx.other = transaction.NewClientNonInvite(true, tx.bytes)
	s.clients[id] = tx
	s.stepClient(tx, transaction.Event{Is: transaction.Start}, nil)
}
