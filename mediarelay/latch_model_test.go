package mediarelay

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// All sequences of what may happen to a latch, up to some length, against a
// model that is written in other words: who won the race.
//
// What holds: a stranger is never heard, and nothing is ever sent to him. A
// neighbour of the far end, behind the same NAT, cannot be told from the far
// end whose NAT gave it another port. So he may win, but only if, in that flow
// since the signaling that opened it, half a second has passed and he is the
// first then, and nothing came before from the described port of the NAT, from
// the described address if that is reachable, or from the address that was
// pinned before a hold. Whoever won stays, and he alone is heard and sent to,
// until new signaling.
//
// (That nothing is learnt before both far ends are known has a test of its
// own: here they are.)

// Addresses in the story; RTCP is one port above RTP.
var (
	secondNAT = netip.MustParseAddr("198.51.100.7")
	senders   = []struct {
		name     string
		rtp      netip.AddrPort
		stranger bool
	}{
		{"described", addr("10.0.0.5:4000"), false},
		{"described anew", addr("10.0.0.5:4010"), false},
		{"NAT, described port", addr("203.0.113.7:4000"), false},
		{"NAT, port described anew", addr("203.0.113.7:4010"), false},
		{"NAT, other port", addr("203.0.113.7:31000"), false},
		{"neighbour", addr("203.0.113.7:9998"), false},
		{"second NAT, described port", addr("198.51.100.7:4000"), false},
		{"second NAT, other port", addr("198.51.100.7:31000"), false},
		{"stranger, described port", addr("192.0.2.66:4000"), true},
		{"stranger", addr("192.0.2.66:5000"), true},
	}
)

// A race is the model of one flow.
type race struct {
	age    time.Duration  // since it was opened; at most earlyTime
	winner netip.AddrPort // not valid: nobody yet
	before netip.AddrPort // who won before the hold
}

// A state is where a sequence has come to. It is comparable: two sequences
// that lead to the same one have the same future.
type state struct {
	said  words
	races [2]race
	latch [2]seen
}

// words are what varies of what signaling says of the far end.
type words struct {
	rtp       netip.AddrPort
	signaling netip.Addr
	held      bool
}

// seen is what the session has of a flow.
type seen struct {
	pin, dest, former netip.AddrPort
	age               time.Duration
	latched           bool
}

// A play is one kind of far end, and the way to where it is.
type play struct {
	s         *Session
	reachable bool // the described address
	mux       bool
	nat       bool
	state     state
	pins      *pins // belongs to state
	now       time.Duration
	path      []string
	known     map[state]int // how many steps were still allowed from there
	whole     bool          // play on from known states as well
	steps     int
	broken    string // what was found
}

func (p *play) remote() Remote {
	r := Remote{RTP: p.state.said.rtp, Signaling: p.state.said.signaling, Mux: p.mux, Sends: !p.state.said.held, Receives: true}
	if !p.mux {
		r.RTCP = above(r.RTP)
	}
	return r
}

func above(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr(), a.Port()+1) }

// flow returns the address of a sender in a flow, 0 being RTP.
func (p *play) flow(i int, rtp netip.AddrPort) netip.AddrPort {
	if i == 1 && !p.mux {
		return above(rtp)
	}
	return rtp
}

// race returns the race of a flow: with mux there is one.
func (p *play) race(i int) *race {
	if p.mux {
		i = 0
	}
	return &p.state.races[i]
}

// mayWin is the model's word on who may.
func (p *play) mayWin(i int, src netip.AddrPort) bool {
	r, said := p.race(i), p.flow(i, p.state.said.rtp)
	switch {
	case !p.nat:
		return src == said
	case r.before.IsValid() && src == r.before, p.reachable && src == said:
		return true
	case src.Addr() != p.state.said.signaling:
		return false
	}
	return src.Port() == said.Port() || r.age >= earlyTime
}

// dest is the model's word on where to send.
func (p *play) dest(i int) netip.AddrPort {
	switch r := p.race(i); {
	case r.winner.IsValid():
		return r.winner
	case r.before.IsValid():
		return r.before
	case p.reachable || !p.nat:
		return p.flow(i, p.state.said.rtp)
	}
	return netip.AddrPort{}
}

// packet lets a datagram of a flow come from a sender.
func (p *play) packet(i, sender int) {
	src, b, port := p.flow(i, senders[sender].rtp), rtp(0, 1, 160, 1), RTPPort
	if i == 1 {
		b = []byte{0x80, typeRR, 0, 1, 0, 0, 0, 1}
		if !p.mux {
			port = RTCPPort
		}
	}
	r := p.race(i)
	if !r.winner.IsValid() && p.mayWin(i, src) {
		*r = race{winner: src, age: r.age}
	}
	want := Cause(Pass)
	if i == 0 && p.state.said.held {
		want = Held
	}
	v := p.s.Receive(B, port, src, b, make([]byte, ScratchLen), p.now)
	if heard := v.Cause == want; heard != (r.winner == src) {
		p.fail("%v, but the winner is %v", v.Cause, r.winner)
	}
	if v.Cause == Pass && (senders[sender].stranger || v.To != officePBX.addr(i == 1)) {
		p.fail("forwarded to %v", v.To)
	}
}

// signal says what the far end is now.
func (p *play) signal() { p.s.Set(B, p.remote(), p.now) }

// open opens races: all, or only that of media.
func (p *play) open(all bool) {
	for i := range p.state.races {
		if i == 0 || all {
			p.state.races[i] = race{}
		}
	}
}

// doings are what may happen beside packets.
var doings = []struct {
	name string
	do   func(*play)
}{
	{"new offer", func(p *play) {
		p.state.said.rtp = netip.AddrPortFrom(p.state.said.rtp.Addr(), 8010-p.state.said.rtp.Port())
		p.open(true)
		p.signal()
	}},
	{"registers from elsewhere", func(p *play) {
		if p.state.said.signaling = secondNAT; p.pins.remotes[B].Signaling == secondNAT {
			p.state.said.signaling = homeNAT
		}
		p.open(true)
		p.signal()
	}},
	{"same again", (*play).signal},
	{"the caller offers again", func(p *play) { p.s.Set(A, officePBX, p.now) }},
	{"hold", func(p *play) { p.state.said.held = true; p.signal() }},
	{"resume", func(p *play) {
		if r := &p.state.races[0]; p.state.said.held && r.winner.IsValid() {
			*r = race{before: r.winner}
		}
		p.state.said.held = false
		p.signal()
	}},
	{"half a second", func(p *play) {
		p.now += earlyTime
		for i := range p.state.races {
			p.state.races[i].age = earlyTime
		}
	}},
}

// check sends both ways of flow to the far end, and compares where it goes.
func (p *play) check() {
	for i, b := range [2][]byte{rtp(0, 1, 160, 1), {0x80, typeRR, 0, 1, 0, 0, 0, 1}} {
		v := p.s.Receive(A, Component(i), officePBX.addr(i == 1), b, make([]byte, ScratchLen), p.now)
		if want := p.dest(i); v.To != want || (v.Cause == Pass) != want.IsValid() {
			p.fail("flow %d is sent to %v (%v), want %v", i, v.To, v.Cause, want)
		}
		for _, s := range senders {
			if s.stranger && v.To.Addr() == s.rtp.Addr() {
				p.fail("flow %d is sent to a stranger", i)
			}
		}
	}
}

func (p *play) fail(format string, args ...any) {
	if p.broken == "" {
		p.broken = fmt.Sprintf("after %q: %s", p.path, fmt.Sprintf(format, args...))
	}
}

// look takes what the session has into the state.
func (p *play) look() {
	p.pins = p.s.pins.Load()
	f := &p.pins.remotes[B]
	for i := range f.pin {
		p.state.latch[i] = seen{pin: f.pin[i], dest: f.dest[i]}
		if l := f.latch[i]; l != nil {
			p.state.latch[i].latched, p.state.latch[i].former = true, l.former
			p.state.latch[i].age = min(earlyTime, p.now-max(l.since, p.pins.metAt))
		}
	}
}

// step does one thing after p.path, and everything that may come after it.
func (p *play) step(name string, left int, do func()) {
	was, pins, now := p.state, p.pins, p.now
	p.path = append(p.path, name)
	p.steps++
	do()
	p.check()
	p.look()
	p.all(left - 1)
	p.state, p.pins, p.now, p.path = was, pins, now, p.path[:len(p.path)-1]
	p.s.pins.Store(pins)
}

func (p *play) all(left int) {
	if at, ok := p.known[p.state]; p.broken != "" || ok && at >= left && !p.whole {
		return
	}
	p.known[p.state] = left
	if left == 0 {
		return
	}
	for i := range senders {
		p.step("RTP: "+senders[i].name, left, func() { p.packet(0, i) })
		p.step("RTCP: "+senders[i].name, left, func() { p.packet(1, i) })
	}
	for _, d := range doings {
		p.step(d.name, left, func() { d.do(p) })
	}
}

// begin returns a play whose line was just answered.
func begin(reachable, mux, nat bool) *play {
	realms := []RealmPool{
		{Name: "inside", Addr: netip.MustParseAddr("192.168.1.1")},
		{Name: "outside", Addr: netip.MustParseAddr("203.0.113.1"), NAT: nat},
	}
	if reachable {
		realms[1].Routed = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}
	}
	p := &play{s: new(Session), reachable: reachable, mux: mux, nat: nat, known: map[state]int{}}
	p.state.said = words{rtp: addr("10.0.0.5:4000"), signaling: homeNAT}
	p.s.Init(audio, [2]Local{}, realms)
	p.s.Set(A, officePBX, 0)
	p.s.Set(B, p.remote(), 0)
	p.look()
	return p
}

func TestAllSequences(t *testing.T) {
	const length = 6
	for i := range 8 {
		reachable, mux, nat := i&1 != 0, i&2 != 0, i&4 != 0
		p := begin(reachable, mux, nat)
		p.all(length)
		t.Logf("reachable %v, mux %v, NAT %v: %d steps, %d states", reachable, mux, nat, p.steps, len(p.known))
		if p.broken != "" {
			t.Error(p.broken)
		}
	}
}

// Sequences that lead to the same state are not played twice above. That
// leaves nothing out: where it is short enough to play all, there are no more
// states.
func TestStatesAreWhole(t *testing.T) {
	const length = 3
	merged, whole := begin(true, false, true), begin(true, false, true)
	whole.whole = true
	merged.all(length)
	whole.all(length)
	if len(whole.known) != len(merged.known) || whole.steps <= merged.steps {
		t.Errorf("%d states in %d steps, merged %d in %d", len(whole.known), whole.steps, len(merged.known), merged.steps)
	}
}

// Each weakness of the table, by hand, is found.
func TestWeakLatchesAreFound(t *testing.T) {
	for _, c := range []struct {
		name string
		w    who
		p    phase
		to   Cause
	}{
		{"a stranger may pin at once", stranger, early, Pass},
		{"a stranger may pin later", stranger, late, Pass},
		{"any port at once", nearAddr, early, Pass},
		{"any port never", nearAddr, late, LatchEarly},
		{"the described port may not", nearPort, early, LatchEarly},
		{"the described address may not", described, late, WrongSource},
		{"who was pinned before a hold may not", former, early, LatchEarly},
	} {
		was := latches[c.w][c.p]
		latches[c.w][c.p] = c.to
		p := begin(true, false, true)
		p.all(4)
		latches[c.w][c.p] = was
		if p.broken == "" {
			t.Errorf("%s: not found", c.name)
		}
	}
}
