package sim

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"time"

	"sbc/lab/ua"
)

const (
	reach     = "calls reach who was called"
	cleanRTCP = "RTCP is well-formed and names nobody"
)

// An actor is a user agent with the wires between it and the SBC.
type actor struct {
	w       *world
	index   int
	at      *neighbour
	agent   *ua.Agent
	toSBC   link
	fromSBC link
	open    map[netip.AddrPort]bool // media sockets
	calls   map[string]ua.Call      // live calls by number, of this life
	numbers map[ua.Call]string
	holds   map[string]ua.Hold // by number: what both sides agreed to
	asked   map[string]ua.Hold // and what a re-INVITE under way asks for
	glared  map[string]bool    // which met a 491
	unclear map[string]bool    // whether holds is right
	life    uint64
	crashed time.Duration // when it forgot everything last; -1: never
	down    bool
	away    bool             // no wire leads to it
	back    time.Duration    // when one does again
	noRoute bool             // and the SBC is told so
	came    map[string]*conn // by which a request came, by its branch
	input   []byte           // the datagram that is being received
	said    []byte           // the last message that it sent
	phone   *phone           // nil: it is none
}

func newActor(w *world, index int, at *neighbour) *actor {
	a := &actor{w: w, index: index, at: at, crashed: -1}
	a.toSBC, a.fromSBC = links(&w.o, w.wires)
	a.start()
	return a
}

// canary is what names the actor's side.
func (n *neighbour) canary() ua.Canary { return ua.Canary{Word: n.word, Inner: n.inner} }

// start gives the actor a user agent without memory. All have the same voice,
// since who will hear whom is not known.
func (a *actor) start() {
	a.life++
	a.open, a.calls, a.numbers = map[netip.AddrPort]bool{}, map[string]ua.Call{}, map[ua.Call]string{}
	a.holds, a.asked = map[string]ua.Hold{}, map[string]ua.Hold{}
	a.glared, a.unclear = map[string]bool{}, map[string]bool{}
	a.came = map[string]*conn{}
	a.down = false
	const voice = 17
	o := ua.Options{
		User: a.at.name, Addr: a.at.addr, Peer: a.peer(), Domain: a.at.domain, Stream: a.at.stream(),
		Canary: a.at.canary(), MediaPort: 30000, MediaPairs: 200, Quiet: a.w.o.Sparse, Voice: voice, Hear: voice,
		Rand: rand.New(rand.NewPCG(a.w.o.Seed, uint64(a.index)<<32|a.life)),
	}
	if a.w.o.Mix {
		a.persona(&o)
	}
	if a.phone != nil {
		a.phone.persona(&o)
	}
	if a.w.o.Phones > 0 && a.index == registrarAt {
		o.Registrar = a.w.registrar()
	}
	if a.behind() { // the proxy names its side, and asks nobody who he is
		o.Canary, o.Challenge = ua.Canary{}, ua.Challenge{}
	}
	if a.w.o.agents != nil {
		a.w.o.agents(&o)
	}
	a.agent = ua.New(o)
}

// crash lets the actor vanish for a time, and come back without memory.
func (a *actor) crash(away time.Duration) {
	a.w.note("%s crashes", a.at.name)
	a.start()
	a.w.endAll(a)
	a.crashed, a.down = a.w.now, true
	a.w.after(away, func() { a.down = false })
}

// cut takes the wires away for a time.
func (a *actor) cut(away time.Duration) {
	a.noRoute = a.w.chance.IntN(2) == 0
	a.w.note("%s is cut off, and there is no route to it: %v", a.at.name, a.noRoute)
	a.away, a.back = true, max(a.back, a.w.now+away)
	a.w.after(away, func() { a.away = a.w.now < a.back })
}

func (a *actor) tick() { a.do(a.agent.Tick(a.w.now, nil)) }

// receive is a datagram that reaches the actor.
func (a *actor) receive(local, from netip.AddrPort, b []byte) {
	if a.proxied() && local == a.at.addr {
		a.w.fork.receive(from, b)
		return
	}
	if a.down || a.away || local != a.at.addr && !a.open[local] {
		return
	}
	a.input = b
	a.do(a.agent.Receive(a.w.now, local, from, b, nil))
	a.input = nil
}

// do carries out what the agent asks for.
func (a *actor) do(effects []ua.Effect) {
	for i := 0; i < len(effects); i++ {
		switch e := &effects[i]; e.Do {
		case ua.Send:
			a.send(e)
		case ua.Open:
			a.open[e.From] = true
		case ua.Close:
			delete(a.open, e.From)
		case ua.Tell:
			effects = a.told(e.Event, effects)
		}
	}
}

func (a *actor) send(e *ua.Effect) {
	if a.phone != nil && e.From != a.at.addr {
		a.fromHome(e)
		return
	}
	if e.From != a.at.addr {
		if a.away {
			return
		}
		a.w.carry(&a.toSBC, func() { a.w.inject(e.To, e.From, e.Bytes) })
		return
	}
	a.w.judge.sent(a, e.Bytes)
	a.w.scan.hear(e.Bytes)
	a.said = e.Bytes
	if a.w.o.Mix && (bytes.Contains(e.Bytes, []byte("Replaces")) || bytes.Contains(e.Bytes, []byte("dialog-info"))) {
		a.w.spoken[a.index] = append(a.w.spoken[a.index], e.Bytes)
	}
	if a.at.stream() {
		a.speak(e)
		return
	}
	if a.phone != nil {
		a.fromHome(e)
		return
	}
	if a.away {
		return
	}
	if f := a.w.fork; a.behind() && e.To == neighbours[forkAt].addr {
		a.w.carry(&a.toSBC, func() { f.receive(e.From, e.Bytes) })
		return
	}
	a.w.toSBC(&a.toSBC, a.at.name, *e)
}

// told reacts to an event of the agent.
func (a *actor) told(e ua.Event, do []ua.Effect) []ua.Effect {
	number := a.numbers[e.Call]
	if a.w.o.Trace != nil && e.Is != ua.Heard {
		a.w.note("%s: %v %d %v %s (%s)", a.at.name, e.Is, e.Status, e.Cause, e.Text, number)
	}
	if a.w.stage != nil && e.Is != ua.Violation {
		return a.w.stage(a, e, do)
	}
	switch e.Is {
	case ua.Incoming:
		return a.incoming(e, do)
	case ua.Answered:
		if p := a.w.plans[number]; p != nil && p.caller == a.index && p.life == a.life {
			a.w.report.Answered++
			p.answered = true
		}
	case ua.Ended:
		a.heard(number, &e.Audio)
		delete(a.numbers, e.Call)
		if a.calls[number] == e.Call {
			delete(a.calls, number)
		}
	case ua.Unbound:
		a.w.unbound(e)
	case ua.Glare:
		a.glared[number] = true
	case ua.Reinvited:
		a.settled(number, e.Status)
	case ua.Violation:
		a.w.judge.violation(a, e)
	}
	return do
}

// heard checks the audio of a call that is over.
func (a *actor) heard(number string, got *ua.Audio) {
	if got.BadRTCP > 0 || len(got.Personal) > 0 {
		a.w.fail(cleanRTCP, "%s got %d malformed RTCP packets and %q in call %s", a.at.name, got.BadRTCP, got.Personal, number)
	}
}

// call names a call by its number.
func (a *actor) call(number string, id ua.Call) {
	a.calls[number], a.numbers[id] = id, number
}
