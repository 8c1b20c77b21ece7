package signaling

import (
	"bytes"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"sbc/signaling/b2bua"
	"sbc/signaling/edit"
	"sbc/signaling/ident"
	"sbc/signaling/sip"
	"sbc/telemetry"
)

// A TraceEvent is one step of a call, as a Tap got it: a line of
// `sbc trace --json`.
type TraceEvent struct {
	LadderEntry
	Time    time.Time      `json:"time"`
	Call    string         `json:"call"` // its short id
	From    string         `json:"from"` // peer that called
	To      string         `json:"to"`   // peer that is called; "": not known yet
	Caller  string         `json:"caller"`
	Callee  string         `json:"callee"`
	Method  string         `json:"method,omitempty"` // of a message: its own, or that of the request that it answers
	Realm   string         `json:"realm,omitempty"`
	Local   netip.AddrPort `json:"local,omitzero"`    // of a message: our end
	Remote  netip.AddrPort `json:"remote,omitzero"`   // and theirs
	Octets  []byte         `json:"octets,omitempty"`  // Message, where that is not UTF-8
	Dropped uint64         `json:"dropped,omitempty"` // steps that the Tap has lost since it began
}

// Bytes returns the octets of the message, secrets masked; none if the step is
// no message.
func (e *TraceEvent) Bytes() []byte {
	if e.Octets != nil {
		return e.Octets
	}
	return []byte(e.Message)
}

// A tapPoint is where Taps are let into a shard.
type tapPoint struct {
	list  atomic.Pointer[[]*Tap] // nil: nobody listens
	came  b2bua.Flow             // of the message in hand; owned by the shard
	clean *tapStep               // what the audit took out of the message that goes out next
	msg   sip.Message
}

// A step is what a shard tells of a call. It is not kept.
type step struct {
	kind          telemetry.Kind
	side          b2bua.Side
	head          string
	base          []byte      // what the ring has: what came in, or what sent was made from
	edits         []edit.Edit // what was changed in base
	sent          []byte      // the octets on the wire
	wired         bool        // it is a message between local and remote
	local, remote netip.AddrPort
	realm         int
}

// A tapStep is a copy of a step with what a reader shows beside it. It is
// shared by Taps and does not change.
type tapStep struct {
	step
	at, began time.Duration
	call      uint64
	from, to  int // peers; to -1: not known
	caller    string
	callee    string
	clean     *tapStep
}

// callTaps is what the Taps know of one call.
type callTaps struct {
	marks [tapsMax]tapMark // by slot
	held  []*tapStep       // its first steps, while a Tap waits to learn where it goes
}

type tapMark struct {
	serial uint32 // of the Tap
	near   bool   // it has asked for an address of the call
	shown  bool   // it shows the call
}

// Ours: an INVITE, where it goes, and what is sent on the caller's side until
// the callee's first message.
const heldMax = 8

// tell hands a step to those who listen. It is called only if there are any.
func (s *Shard) tell(list []*Tap, c *b2bua.Call, st *step) {
	r, ok := c.Index.(*record)
	if !ok {
		return
	}
	if st.head == scrubbed {
		s.tap.clean = s.copyStep(r, st)
		return
	}
	if r.tap == nil {
		r.tap = &callTaps{}
	}
	var kept *tapStep
	held := r.tap.held
	waiting := false
	for _, t := range list {
		mark := &r.tap.marks[t.slot]
		was := mark.serial == t.serial && mark.shown
		v := t.judge(mark, c, st)
		if v == no {
			continue
		}
		if kept == nil {
			kept = s.copyStep(r, st)
		}
		if v == wait {
			waiting = true
			continue
		}
		if !was {
			for _, h := range held {
				t.take(s, h)
			}
		}
		t.take(s, kept)
	}
	r.tap.hold(kept, waiting)
	if st.kind == telemetry.Out {
		s.tap.clean = nil
	}
}

// hold keeps a step for the Taps that wait, and forgets all when none does.
func (ct *callTaps) hold(st *tapStep, waiting bool) {
	if !waiting {
		ct.held = nil
		return
	}
	if len(ct.held) == heldMax {
		ct.held = slices.Delete(ct.held, 0, 1)
	}
	ct.held = append(ct.held, st)
}

// judge tells whether the Tap shows the call of a step. What it shows it shows
// to the end.
func (t *Tap) judge(mark *tapMark, c *b2bua.Call, st *step) verdict {
	if mark.serial != t.serial {
		*mark = tapMark{serial: t.serial}
	}
	if mark.shown {
		return yes
	}
	address := yes
	if !mark.near {
		address = t.choose.address(st)
		mark.near = address == yes
	}
	v := min(t.choose.number(c), t.choose.peer(c), address)
	mark.shown = v == yes
	return v
}

// take queues a step of a call that the Tap shows, if it is of a method that
// was asked for.
func (t *Tap) take(s *Shard, st *tapStep) {
	if len(t.choose.methods) == 0 || st.wired && t.choose.method(methodOf(&s.tap.msg, st.sent)) {
		t.push(st)
	}
}

// methodOf names the method of a message.
func methodOf(m *sip.Message, octets []byte) string {
	_ = m.Parse(octets) // what is broken further on has its method all the same
	return string(bytes.ToUpper(m.MethodName()))
}

// copyStep copies a step with what is known of its call.
func (s *Shard) copyStep(r *record, st *step) *tapStep {
	c := r.call
	k := &tapStep{step: *st, at: s.now, began: r.began, call: c.ID, from: c.From, to: c.To, caller: c.Caller, callee: c.Callee}
	k.base, k.sent, k.edits = slices.Clone(st.base), slices.Clone(st.sent), slices.Clone(st.edits)
	for i := range k.edits {
		k.edits[i].New = slices.Clone(k.edits[i].New)
	}
	if st.kind == telemetry.Out && s.tap.clean != nil && s.tap.clean.call == c.ID {
		k.clean = s.tap.clean
	}
	return k
}

// octets is what a step takes of memory, about.
func (st *tapStep) octets() int64 {
	n := 512 + len(st.base) + len(st.sent)
	for i := range st.edits {
		n += 64 + len(st.edits[i].New)
	}
	return int64(n)
}

// event shows a step to people, secrets masked.
func (st *tapStep) event(e *Engine, withChanges bool) TraceEvent {
	peers := e.options().Rules.Peers()
	ev := TraceEvent{
		LadderEntry: LadderEntry{At: (st.at - st.began).Seconds(), Kind: st.kind.String(), Leg: st.side.String(), Label: st.head},
		Time:        e.since(st.at), Call: ident.Short(st.call), From: peers[st.from].Name, Caller: st.caller, Callee: st.callee,
	}
	if st.to >= 0 {
		ev.To = peers[st.to].Name
	}
	if st.kind == telemetry.End {
		ev.Leg = ""
	}
	if st.wired {
		ev.Realm, ev.Local, ev.Remote = e.options().Realms[st.realm].Name, st.local, st.remote
		ev.Peer = map[b2bua.Side]string{b2bua.A: ev.From, b2bua.B: ev.To}[st.side]
		ev.Method = methodOf(&sip.Message{}, st.sent)
	}
	if len(st.sent) == 0 {
		return ev
	}
	octets := masked(st.sent)
	if ev.Message = string(octets); !utf8.Valid(octets) {
		ev.Octets = octets
	}
	if ev.Label == "" {
		ev.Label = label(octets)
	}
	if withChanges {
		ev.Changes = st.changes()
	}
	return ev
}

// changes shows what was changed by the rules, and then by the audit.
func (st *tapStep) changes() (list []ChangeInfo) {
	for at := st; at != nil; at = at.clean {
		if len(at.edits) == 0 {
			continue
		}
		edits := slices.Clone(at.edits)
		for i := range edits {
			edits[i].New = masked(edits[i].New)
		}
		list = append(list, changes(masked(at.base), edits)...)
	}
	return list
}

// masked is a copy of b without its secrets: a step is shared by Taps.
func masked(b []byte) []byte {
	b = bytes.Clone(b)
	telemetry.Mask(b)
	return b
}
