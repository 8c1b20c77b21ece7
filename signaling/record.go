package signaling

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/dchest/siphash"

	"sbc/mediarelay"
	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/ident"
	"sbc/signaling/sip"
	"sbc/signaling/transaction"
	"sbc/telemetry"
)

// A record is what the engine holds for one call.
type record struct {
	call     *b2bua.Call
	timers   [b2bua.Timers]timer
	streams  []mediarelay.Stream   // by media line; nil: it has none
	counted  [][2]mediarelay.Stats // what the metrics have of each stream
	media    []MediaInfo           // of streams that were closed
	rtcpKey  [16]byte
	places   []policy.Place  // that are taken
	room     [2]policy.Place // of places: one a leg
	lines    int             // media lines that count at each of them
	kbits    int             // and what is estimated for them
	talker   *talker         // whose call it is, where that counts
	estimate []int           // by media line: its part of kbits
	few      [2]int          // of estimate: few calls have more lines
	began    time.Duration
	answered time.Duration // 0: not answered
	cause    string
	logged   bool
	tap      *callTaps // nil: nobody has asked for it
}

func (s *Shard) record(c *b2bua.Call) *record {
	if r, ok := c.Index.(*record); ok {
		return r
	}
	r := &record{call: c, began: s.now}
	r.places, r.estimate = r.room[:0], r.few[:0]
	var id [8]byte
	binary.LittleEndian.PutUint64(id[:], c.ID)
	lo, hi := siphash.Hash128(binary.LittleEndian.Uint64(s.key[:8]), binary.LittleEndian.Uint64(s.key[8:]), id[:])
	binary.LittleEndian.PutUint64(r.rtcpKey[:8], lo)
	binary.LittleEndian.PutUint64(r.rtcpKey[8:], hi)
	c.Index = r
	s.records[c.ID] = r
	return r
}

func (r *record) fire(s *Shard, which uint8) {
	s.step(&b2bua.Event{Is: b2bua.Fire, Call: r.call, Timer: b2bua.Timer(which)})
}

func shortID(c *b2bua.Call) string { return ident.Short(c.ID) }

func (s *Shard) created(c *b2bua.Call, m sip.Method) {
	s.record(c)
	if m != sip.INVITE {
		return
	}
	s.stats.attempts++
	s.metrics.CallAttempt()
}

func (s *Shard) answered(c *b2bua.Call) {
	r := s.record(c)
	r.answered = s.now
	s.stats.answered++
	s.metrics.CallAnswered(s.now - r.began)
	s.say("call answered", slog.String("call", shortID(c)), slog.Duration("setup", s.now-r.began))
	s.inCall(c, CallBegan)
}

// sentTo tells where a call goes: the trace each time, the log once.
func (s *Shard) sentTo(e *b2bua.Effect) {
	peers, c := s.rules.Peers(), e.Call
	s.trace(c, telemetry.Rule, e.Side, "to peer "+peers[e.Peer].Name+" by route "+string(e.Rule), nil, nil)
	if r := s.record(c); !r.logged && c.Session() {
		r.logged = true
		s.say("call", slog.String("call", shortID(c)), slog.String("from", peers[c.From].Name), slog.String("to", peers[e.Peer].Name),
			slog.String("caller", telemetry.Escape(c.Caller)), slog.String("callee", telemetry.Escape(c.Callee)), slog.String("rule", string(e.Rule)))
	}
}

func (s *Shard) ended(c *b2bua.Call, cause string) {
	r := s.record(c)
	r.cause = cause
	talked := time.Duration(0)
	if r.answered > 0 {
		talked = s.now - r.answered
	}
	s.metrics.CallEnded(cause, talked)
	s.trace(c, telemetry.End, 0, cause, nil, nil)
	s.say("call ended", slog.String("call", shortID(c)), slog.String("cause", cause), slog.Duration("talked", talked))
}

// say writes a line of the log. Each call has three: no value is boxed for
// them.
func (s *Shard) say(what string, attrs ...slog.Attr) {
	s.log.LogAttrs(context.Background(), slog.LevelInfo, what, attrs...)
}

// gone forgets a call. What it still held would be a bug: it is given back
// all the same, and the ledger's rest shows it.
func (s *Shard) gone(c *b2bua.Call) {
	r := s.record(c)
	for i := range r.timers {
		s.timers.Stop(&r.timers[i])
	}
	for len(r.places) > 0 {
		s.release(r, r.places[0].Peer)
	}
	r.closeMedia(s)
	if r.talker != nil {
		s.opt.talkers.give(*r.talker)
	}
	delete(s.records, c.ID)
	if !c.Session() {
		return
	}
	if r.answered > 0 {
		s.inCall(c, CallEnded)
	}
	info := s.info(c)
	info.State = "ended"
	s.past.add(pastCall{call: c.ID, info: info, media: r.media})
}

// panicked ends the call whose message or timer met a bug of ours.
func (s *Shard) panicked(p any, m *sip.Message) {
	s.stats.panics++
	s.metrics.Panic()
	var raw []byte
	if m != nil {
		raw = m.Raw
		s.answerBroken(s.tap.came, m)
	}
	s.log.Error("bug: a message ended its call", "panic", fmt.Sprint(p), "stack", string(debug.Stack()), "message", telemetry.Escape(string(raw)))
	call := s.calls.InHand()
	if call == nil {
		return
	}
	s.ring.Append(call.ID, s.now, telemetry.End, 0, fmt.Sprint("bug: ", p), raw, nil)
	s.do, s.txDo, s.depth = [len(s.do)][]b2bua.Effect{}, nil, 0
	defer func() {
		if recover() != nil {
			// Not even its end can be told: give back what it holds.
			s.executeAll(s.calls.Drop(call, "bug", nil))
			if s.records[call.ID] != nil {
				s.gone(call)
			}
		}
	}()
	s.step(&b2bua.Event{Is: b2bua.End, Call: call, Why: "bug"})
	s.executeAll(s.calls.Reap(call, func(id b2bua.Client) bool { return s.clients[id] != nil }, nil))
}

// answerBroken answers the request that met a bug, if nobody has.
func (s *Shard) answerBroken(flow b2bua.Flow, m *sip.Message) {
	if !m.IsRequest() || m.Method() == sip.ACK {
		return
	}
	tx := s.servers[b2bua.Server(transaction.ServerKey(s.secret(flow), m))]
	switch {
	case tx == nil:
	case tx.method == sip.INVITE && tx.invite.State() != transaction.Proceeding:
	case tx.method != sip.INVITE && tx.other.State() != transaction.Trying && tx.other.State() != transaction.Proceeding:
	default:
		s.respond(tx, tx.flow, m, &sip.Response{Status: 500})
	}
}

func hostOf(p *policy.Peer) string {
	host := p.Host()
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		host = "[" + host + "]"
	}
	if p.Domain == "" && p.Target.Port != 0 && p.Target.Port != 5060 {
		return fmt.Sprintf("%s:%d", host, p.Target.Port)
	}
	return host
}

func addrPort(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }
