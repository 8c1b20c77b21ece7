package signaling

import (
	"sbc/nat"
	"sbc/signaling/b2bua"
	"sbc/signaling/registrar"
	"sbc/signaling/transport"
)

// tell gives a notice to all shards.
func (e *Engine) tell(n Notice) {
	for _, w := range e.workers {
		w.inbox.ask(func(s *Shard) { s.Notice(e.now(), n) })
	}
}

// keepsAlive handles what an endpoint sends to keep its NAT open, and reports
// whether that was all there was in it: a STUN request is answered with the
// address that it came from (RFC 5626 section 5.4), but to those alone who have
// registered. What else is short is left to the parser, which counts it.
func (e *Engine) keepsAlive(u *transport.UDP, in transport.Packet) bool {
	if len(e.options().Endpoints) == 0 {
		return false
	}
	stun := nat.IsSTUN(in.Bytes)
	if !stun && len(in.Bytes) > len("\r\n\r\n") {
		return false
	}
	flow := b2bua.Flow{Listener: uint16(u.ID()), Remote: in.Src}
	b := e.options().where.at(flow)
	if b == nil {
		return stun
	}
	if b.hear(e.now()) {
		e.heard(flow, b)
	}
	if stun {
		e.answerSTUN(u, in)
	}
	return stun
}

// heard tells the shards of the bindings behind a flow that something came.
func (e *Engine) heard(flow b2bua.Flow, b *behind) {
	for _, serial := range b.bindings {
		w := e.workers[e.sorter.index(uint8(serial))]
		w.inbox.ask(func(s *Shard) { s.bind(s.registrar.Heard(s.clock(), registrar.Flow(flow))) })
	}
}

// answerSTUN answers a Binding request (RFC 8489 section 6.3.1).
func (e *Engine) answerSTUN(u *transport.UDP, in transport.Packet) {
	m := nat.STUN(in.Bytes)
	if m.Check(&nat.BindingServer) != nat.STUNFine || m.Class() != nat.ClassRequest {
		return
	}
	u.WriteBatch([]transport.Datagram{{Dst: in.Src, Bytes: nat.AppendBindingResponse(nil, m, in.Src)}})
}
