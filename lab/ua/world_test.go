package ua

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sbc/signaling/sip"
)

// A world is a few agents, "a", "b" and so on, that call each other over a wire
// with a delay, in virtual time. The peer of a is b, that of all others a.
type world struct {
	t      *testing.T
	now    time.Duration
	agents []*Agent
	open   map[netip.AddrPort]int // sockets, by the agent that has them
	flight []packet
	delay  time.Duration
	lose   func(p packet) bool       // nil: nothing is lost
	route  func(b []byte, p *packet) // nil: as it is addressed
	chaos  *rand.Rand                // nil: none; else loss, duplication and reordering
	react  []func(a *Agent, e Event, do []Effect) []Effect
	events [][]Event
	jobs   []job
	forker *Forker  // at addrs[4]; nil: none
	wire   []string // what was sent: "a→ INVITE", "b→ 200 INVITE"
}

type packet struct {
	at       time.Duration
	from, to netip.AddrPort
	by       int
	bytes    []byte
}

var addrs = [5]netip.AddrPort{
	netip.MustParseAddrPort("10.0.0.1:5060"), netip.MustParseAddrPort("192.0.2.2:5060"), netip.MustParseAddrPort("192.0.2.3:5060"),
	netip.MustParseAddrPort("192.0.2.4:5060"), netip.MustParseAddrPort("192.0.2.5:5060"),
}

var canaries = [2]Canary{
	{Word: "kiwi7lan", Inner: netip.MustParseAddr("10.66.55.44"), Own: []netip.Addr{addrs[0].Addr()}},
	{Word: "mango3wan", Inner: netip.MustParseAddr("198.18.7.66"), Own: []netip.Addr{addrs[1].Addr()}},
}

func newWorld(t *testing.T, change ...func(i int, o *Options)) *world {
	return newWorldOf(t, 2, change...)
}

func newWorldOf(t *testing.T, n int, change ...func(i int, o *Options)) *world {
	w := &world{
		t: t, delay: 10 * time.Millisecond, open: map[netip.AddrPort]int{}, agents: make([]*Agent, n),
		react: make([]func(*Agent, Event, []Effect) []Effect, n), events: make([][]Event, n),
	}
	for i := range w.agents {
		o := Options{
			User: string(rune('a' + i)), Addr: addrs[i], Peer: addrs[0], MediaPort: 20000,
			Voice: uint64(11 + i), Hear: uint64(12 - i), Rand: rand.New(rand.NewPCG(uint64(i), 1)),
		}
		if i == 0 {
			o.Peer = addrs[1]
		}
		if n > 2 {
			o.Voice, o.Hear = 17, 17
		}
		for _, f := range change {
			f(i, &o)
		}
		w.agents[i] = New(o)
		w.open[addrs[i]] = i
	}
	for i := 1; i < n; i++ {
		w.react[i] = answer
	}
	return w
}

// answer rings and answers every call.
func answer(a *Agent, e Event, do []Effect) []Effect {
	if e.Is == Incoming {
		do = a.Ring(e.At, e.Call, 180, do)
		do = a.Answer(e.At, e.Call, do)
	}
	return do
}

// do carries out what agent i asks for.
func (w *world) do(i int, do []Effect) {
	w.t.Helper()
	for k := 0; k < len(do); k++ {
		switch e := do[k]; e.Do {
		case Send:
			w.send(i, e)
		case Open:
			w.open[e.From] = i
		case Close:
			delete(w.open, e.From)
		case Tell:
			w.events[i] = append(w.events[i], e.Event)
			if w.react[i] != nil {
				do = w.react[i](w.agents[i], e.Event, do)
			}
		}
	}
}

func (w *world) send(i int, e Effect) {
	w.t.Helper()
	if by, ok := w.open[e.From]; !ok || by != i {
		w.t.Fatalf("agent %d sends from %s, which is not open", i, e.From)
	}
	w.fly(i, e)
}

func (w *world) fly(i int, e Effect) {
	w.t.Helper()
	p := packet{at: w.now + w.delay, from: e.From, to: e.To, by: i, bytes: e.Bytes}
	if e.From == addrs[i] {
		w.wire = append(w.wire, fmt.Sprintf("%c→ %s", 'a'+i, title(w.t, e.Bytes)))
	}
	if w.route != nil {
		w.route(p.bytes, &p)
	}
	if w.lose != nil && w.lose(p) {
		return
	}
	if w.chaos != nil && e.From == addrs[i] {
		if w.chaos.IntN(8) == 0 {
			return
		}
		p.at += time.Duration(w.chaos.IntN(100)) * time.Millisecond
		if w.chaos.IntN(8) == 0 {
			w.flight = append(w.flight, p)
			p.at += time.Duration(w.chaos.IntN(300)) * time.Millisecond
		}
	}
	w.flight = append(w.flight, p)
}

const forkerIndex = 4

func (w *world) doForker(do []Effect) {
	w.t.Helper()
	for _, e := range do {
		if e.Do == Send {
			w.fly(forkerIndex, e)
		} else if e.Event.Is == Violation {
			w.t.Errorf("forker: %s", e.Event.Text)
		}
	}
}

// A job is something that a test wants done later.
type job struct {
	at time.Duration
	do func()
}

// at lets something be done after a time.
func (w *world) at(d time.Duration, do func()) { w.jobs = append(w.jobs, job{w.now + d, do}) }

// title is a message in two words. It fails the test when the parser does not
// take what an agent wrote.
func title(t *testing.T, b []byte) string {
	t.Helper()
	switch {
	case isSTUN(b):
		return fmt.Sprintf("STUN %#04x", int(b[0])<<8|int(b[1]))
	case strings.Trim(string(b), crlf) == "":
		return fmt.Sprint(len(b)/2, " CRLF")
	}
	m := new(sip.Message)
	if err := m.Parse(b); err != nil {
		t.Fatalf("agent wrote what cannot be read: %v\n%s", err, b)
	}
	if m.IsRequest() {
		return string(m.MethodName())
	}
	return fmt.Sprint(m.Status(), " ", string(m.MethodName()))
}

// run lets the world go on for a time.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	end := w.now + d
	for {
		next, who := end+1, -1
		for k, p := range w.flight {
			if p.at < next {
				next, who = p.at, k
			}
		}
		for i, a := range w.agents {
			if at, ok := a.Next(); ok && at < next {
				next, who = at, -2-i
			}
		}
		for k, j := range w.jobs {
			if j.at < next {
				next, who = j.at, -100-k
			}
		}
		if w.forker != nil {
			if at, ok := w.forker.Next(); ok && at < next {
				next, who = at, -2-forkerIndex
			}
		}
		if next > end {
			w.now = end
			return
		}
		w.now = max(w.now, next)
		if who <= -100 {
			j := w.jobs[-100-who]
			w.jobs = slices.Delete(w.jobs, -100-who, -100-who+1)
			j.do()
			continue
		}
		if who <= -2 {
			i := -2 - who
			if i == forkerIndex {
				w.doForker(w.forker.Tick(w.now, nil))
				continue
			}
			w.do(i, w.agents[i].Tick(w.now, nil))
			continue
		}
		p := w.flight[who]
		w.flight = slices.Delete(w.flight, who, who+1)
		if w.forker != nil && p.to == addrs[forkerIndex] {
			w.doForker(w.forker.Receive(w.now, p.to, p.from, p.bytes, nil))
		} else if i, ok := w.open[p.to]; ok {
			w.do(i, w.agents[i].Receive(w.now, p.to, p.from, p.bytes, nil))
		}
	}
}

func (w *world) invite(i Invite) Call {
	w.t.Helper()
	i.To = "b"
	id, do := w.agents[0].Invite(w.now, i, nil)
	w.do(0, do)
	return id
}

func (w *world) hangup(i int) {
	w.t.Helper()
	for _, id := range w.agents[i].Calls() {
		w.do(i, w.agents[i].Hangup(w.now, id, nil))
	}
}

// kinds lists the events of agent i, in words.
func (w *world) kinds(i int) string {
	var words []string
	for _, e := range w.events[i] {
		word := e.Is.String()
		if e.Status != 0 {
			word += fmt.Sprint(" ", e.Status)
		}
		switch e.Is {
		case Ended:
			word += " (" + e.Cause.String() + ")"
		case Violation, Ignored:
			word += " " + e.Text
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// want compares the events of the agents.
func (w *world) want(words ...string) {
	w.t.Helper()
	for i, want := range words {
		if got := w.kinds(i); got != want {
			w.t.Errorf("agent %c:\n got %s\nwant %s", 'a'+i, got, want)
		}
	}
}

// done waits until all timers of RFC 3261 are over, and checks that nothing
// is left.
func (w *world) done() {
	w.t.Helper()
	w.run(70 * time.Second)
	for i, a := range w.agents {
		if at, ok := a.Next(); !a.Idle() || ok {
			w.t.Errorf("agent %c is not idle: %d calls, %d client and %d server transactions, timer %v %v",
				'a'+i, len(a.calls), len(a.clients), len(a.servers), at, ok)
		}
	}
	if len(w.open) != len(w.agents) {
		w.t.Errorf("sockets left open: %v", w.open)
	}
	if w.t.Failed() {
		w.t.Logf("wire: %s", strings.Join(w.wire, ", "))
	}
}

// requestUser returns the user of a request that names one: a letter.
func requestUser(b []byte) (byte, bool) {
	m := new(sip.Message)
	if m.Parse(b) != nil || !m.IsRequest() {
		return 0, false
	}
	u := m.URI()
	user := m.Bytes(u.User)
	if len(user) != 1 {
		return 0, false
	}
	return user[0], true
}
