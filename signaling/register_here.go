package signaling

import (
	"slices"

	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/registrar"
	"sbc/signaling/sip"
	"sbc/signaling/transaction"
)

// registerHere handles a REGISTER for a domain whose bindings are kept here. Who
// sends it has to prove that the address-of-record is his (RFC 3261 section 10.3
// steps 3 and 4).
func (s *Shard) registerHere(flow b2bua.Flow, d *policy.Domain, m *sip.Message) {
	key := b2bua.Server(transaction.ServerKey(s.secret(flow), m))
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
	if ok, fields := s.registrar.Admit(s.clock(), registrar.Flow(flow)); !ok {
		s.stateless(flow, m, &b2bua.Refusal{Status: 503, Cause: "register_rate", Fields: string(fields)})
		return
	}
	user, ok := s.proved(flow, d, m)
	if !ok {
		return
	}
	peer := d.Who[user]
	ep := slices.IndexFunc(s.opt.Endpoints, func(e Endpoints) bool { return e.Peer == peer })
	if s.buffer = registrar.AppendUser(s.buffer[:0], m.Bytes(m.ToURI().User)); ep < 0 || string(s.buffer) != user {
		s.stateless(flow, m, &b2bua.Refusal{Status: 403, Cause: "aor", Why: "it has proved to be user " + user + ", whose address-of-record this is not"})
		return
	}
	v := s.registrar.Bind(s.clock(), ep, registrar.Flow(flow), m)
	s.bind(v.Effects)
	if v.Status >= 300 {
		s.stateless(flow, m, &b2bua.Refusal{Status: v.Status, Cause: v.Cause, Fields: string(v.Fields)})
		return
	}
	// A retransmission has credentials that were used: it gets the same answer.
	s.respond(s.newServer(key, s.answerBy(flow, m), peer, m), flow, m, &sip.Response{Status: v.Status, Fields: v.Fields})
}
