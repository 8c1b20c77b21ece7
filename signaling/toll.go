package signaling

import (
	"context"
	"log/slog"
	"maps"
	"sync"

	"sbc/signaling/b2bua"
	"sbc/signaling/registrar"
	"sbc/signaling/sip"
	"sbc/telemetry"
)

// A talker is a user of a peer who calls.
type talker struct {
	peer int
	user string
}

// talkers count the calls of users that have a bound. All shards share them; no
// entry is without a call.
type talkers struct {
	mu sync.Mutex
	n  map[talker]int // Guarded by mu.
}

// take counts one more call, unless that is more than most.
func (t *talkers) take(who talker, most int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n[who] >= most {
		return false
	}
	if t.n == nil {
		t.n = map[talker]int{}
	}
	t.n[who]++
	return true
}

// copy returns the counts as they are now, for a Try.
func (t *talkers) copy() *talkers {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &talkers{n: maps.Clone(t.n)}
}

func (t *talkers) give(who talker) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n[who]--; t.n[who] <= 0 {
		delete(t.n, who)
	}
}

// toll refuses a call that the peer's tolls forbid, and tells the operator: that
// somebody tries is worth a look.
func (s *Shard) toll(flow b2bua.Flow, peer int, m *sip.Message, number []byte, urgent bool) *b2bua.Refusal {
	if m.Method() != sip.INVITE || urgent {
		return nil
	}
	no := s.opt.Calls.Toll(s.now, peer, number)
	if no == nil {
		return nil
	}
	s.bites(peer, s.callerOf(flow, m), no.Cause, number)
	return refusal(no)
}

// bites logs a call that a toll guard has refused.
func (s *Shard) bites(peer int, user, cause string, number []byte) {
	if !s.mayWarn() {
		return
	}
	s.log.LogAttrs(context.Background(), slog.LevelWarn, "a toll guard has refused a call", slog.String("cause", cause), slog.String("peer", s.rules.Peers()[peer].Name),
		slog.String("user", telemetry.Escape(user)), slog.String("number", telemetry.Escape(string(number))))
}

// callerOf returns the user that a call is from: who has registered by its flow, or
// who it says.
func (s *Shard) callerOf(flow b2bua.Flow, m *sip.Message) string {
	if b := s.opt.where.at(flow); b != nil && b.user != "" {
		return b.user
	}
	user := registrar.AppendUser(nil, m.Bytes(m.FromURI().User))
	return string(user[:min(len(user), b2bua.NameMax)])
}

// crowded takes one of the calls that the caller may have.
func (s *Shard) crowded(r *record, peer int) *b2bua.Refusal {
	most, no := s.rules.Crowded(peer)
	if most == 0 || r.talker != nil || r.call.Urgent || peer != r.call.From {
		return nil
	}
	who := talker{peer, r.call.Caller}
	if b := s.opt.where.at(r.call.Flow(b2bua.A)); b != nil && b.user != "" {
		who.user = b.user
	}
	if !s.opt.talkers.take(who, most) {
		s.bites(peer, who.user, no.Cause, []byte(r.call.Callee))
		return refusal(no)
	}
	r.talker = &who
	return nil
}
