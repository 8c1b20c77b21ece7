package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"sbc/lab/ua"
)

// A plan is what people do in one call. Both sides do what they do at their
// time, whether it makes sense then or not: that is how races are found.
type plan struct {
	number  string // called by; no other call has it
	caller  int
	life    uint64   // of the caller's user agent
	late    bool     // no offer in the INVITE
	fields  []string // more of them in the INVITE
	wrong   bool     // the SBC has to refuse it, or cannot bring it about
	phone   bool     // a phone is the caller, or called
	to      string   // the phone's user that is called; empty: who has the number
	rings   []provisional
	answer  time.Duration // after the INVITE came; 0: never
	reject  time.Duration // the same
	status  int           // of reject
	giveUp  time.Duration // the caller hangs up before the answer; 0: no
	talks   []deed        // after the INVITE came or was sent
	hangUp  time.Duration // after the INVITE was sent
	hangers [2]bool       // who hangs up: caller, callee

	answered bool // the caller saw it
}

// Ours: the time in which an INVITE and its 2xx have come through a network
// that only delays.
const twice = 2 * time.Second

// A provisional is a provisional response.
type provisional struct {
	after  time.Duration
	status int // 183: with SDP
}

// A deed is what one side does in a call.
type deed struct {
	callee bool
	after  time.Duration
	do     func(a *actor, id ua.Call, do []ua.Effect) []ua.Effect
	name   string
}

// planned draws a plan. The first digit of the number says where it goes.
func planned(r *rand.Rand, serial int, o *Options) *plan {
	p := &plan{caller: r.IntN(len(neighbours)), late: r.IntN(8) == 0}
	prefix := fmt.Sprint(1 + r.IntN(5))
	if r.IntN(10) > 0 && (prefix == "1" || prefix == "2") == (p.caller < 2) && prefix != hunt {
		prefix = fmt.Sprint(1 + (p.caller+2)%4) // most calls cross the border
	}
	p.number = prefix + fmt.Sprintf("%06d", serial)
	switch r.IntN(30) {
	case 0: // a number that no route takes
		p.number, p.wrong = "9"+p.number[1:], true
	case 1:
		p.fields, p.wrong = []string{"Require: 100rel, fold"}, true
	case 2:
		p.fields = []string{"Supported: timer", "Session-Expires: 1800;refresher=uac", "Allow-Events: refer"}
	}
	p.hangUp = time.Duration(2+r.IntN(40)) * time.Second
	if !o.Sparse {
		p.hangUp = time.Duration(8+r.IntN(16)) * time.Second
	}
	for range r.IntN(3) {
		status := []int{180, 183, 181}[r.IntN(3)]
		p.rings = append(p.rings, provisional{between(r, 0, 2*time.Second), status})
	}
	fate := r.IntN(10)
	if o.Plain {
		fate = 9
	}
	switch fate {
	case 0:
		p.reject, p.status = between(r, 0, 4*time.Second), []int{486, 603, 404, 480, 503, 302, 500}[r.IntN(7)]
	case 1: // nobody answers
	case 2:
		p.giveUp = between(r, 0, 4*time.Second)
		p.answer = between(r, 0, 4*time.Second)
	default:
		p.answer = between(r, 0, 4*time.Second)
	}
	p.hangers = [][2]bool{{true, false}, {false, true}, {true, true}}[r.IntN(3)]
	if fate > 2 && !o.Plain {
		for range r.IntN(6) {
			last := p.hangUp + 2*time.Second
			if !o.Sparse {
				last = p.hangUp - still
			}
			p.talks = append(p.talks, drawDeed(r, last))
		}
	}
	return p
}

func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from))) + 1
}

func drawDeed(r *rand.Rand, last time.Duration) deed {
	d := deeds[r.IntN(len(deeds))]
	d.callee, d.after = r.IntN(2) == 0, between(r, time.Second, last)
	return d
}

type effects = []ua.Effect

var deeds = []deed{
	{name: "hold sendonly", do: hold(ua.SendOnly)},
	{name: "hold inactive", do: hold(ua.Inactive)},
	{name: "hold 0.0.0.0", do: hold(ua.ConnZero)},
	{name: "resume", do: hold(ua.NotHeld)},
	{name: "resume", do: hold(ua.NotHeld)},
	{name: "resume", do: hold(ua.NotHeld)},
	{name: "codec", do: func(a *actor, id ua.Call, do effects) effects {
		return a.agent.Recodec(a.w.now, id, []ua.Codec{ua.PCMU, ua.PCMA}, do)
	}},
	{name: "refresh", do: func(a *actor, id ua.Call, do effects) effects { return a.agent.Refresh(a.w.now, id, false, do) }},
	{name: "late refresh", do: func(a *actor, id ua.Call, do effects) effects { return a.agent.Refresh(a.w.now, id, true, do) }},
	{name: "INFO", do: func(a *actor, id ua.Call, do effects) effects {
		return a.agent.Info(a.w.now, id, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", do)
	}},
	{name: "OPTIONS", do: func(a *actor, id ua.Call, do effects) effects { return a.agent.Options(a.w.now, id, do) }},
	{name: "refuse the next", do: func(a *actor, id ua.Call, do effects) effects { a.agent.RefuseNext(id, 488); return do }},
}

func hold(h ua.Hold) func(*actor, ua.Call, effects) effects {
	return func(a *actor, id ua.Call, do effects) effects { return a.hold(a.numbers[id], id, h, do) }
}

// begin plans everything, and returns when the last of it is done. What is
// planned has a number, by which it can be left out of the same world.
func (w *world) begin() (end time.Duration) {
	w.report.Calls = w.o.Calls + w.o.PhoneCalls
	if w.o.Phones > 0 {
		end = w.beginPhones()
	}
	for i := range w.o.Calls {
		p := planned(w.chance, i, &w.o)
		w.plans[p.number] = p
		w.numbers = append(w.numbers, p.number)
		if p.meant() {
			w.report.Planned++
		}
		at := between(w.chance, 0, w.o.Span)
		w.planned(at, func() { w.place(p) })
		end = max(end, at+p.hangUp)
	}
	some := func(n int, do func(a *actor, away time.Duration)) {
		for range n {
			a, away := w.actors[w.chance.IntN(len(neighbours))], between(w.chance, 0, 45*time.Second)
			w.planned(between(w.chance, 0, end), func() { do(a, away) })
		}
	}
	some(w.o.Crashes, func(a *actor, away time.Duration) { a.crash(away / 2) })
	some(w.o.Calls/4, func(a *actor, _ time.Duration) {
		if !a.proxied() {
			a.do(a.agent.Options(w.now, 0, nil))
		}
	})
	some(w.o.Cuts, func(a *actor, away time.Duration) { a.cut(away) })
	some(w.o.Breaks, func(a *actor, _ time.Duration) {
		w.note("the connections of %s break", a.at.name)
		w.endAll(a)
	})
	for range w.o.Ends {
		i := w.chance.IntN(len(w.shards))
		w.planned(between(w.chance, 0, end), func() {
			w.note("the operator ends all calls of shard %d", i)
			w.shards[i].EndAll("operator")
			w.done(&step{at: w.now, shard: i})
		})
	}
	if w.o.Mix {
		for i := range 4 * w.o.Calls {
			r := rand.New(rand.NewPCG(w.o.Seed, uint64(i)<<8|0xde))
			w.planned(between(w.chance, 0, end), func() { w.mixed(r, w.o.Calls+i) })
		}
	}
	some(w.o.Mutants, func(*actor, time.Duration) { w.scan.harm() })
	some(w.o.Scans, func(*actor, time.Duration) { w.scan.act() })
	for i := range w.o.Reloads {
		w.planned(between(w.chance, 0, end), func() { w.reload(i) })
	}
	if w.o.Sparse {
		w.after(time.Second, w.talk)
	}
	return end + 25*time.Second
}

// planned lets something happen at its time, unless it is left out.
func (w *world) planned(at time.Duration, do func()) {
	if !w.o.leftOut[w.things] {
		w.queue.add(at, do)
	}
	w.things++
}

// place makes the call of a plan.
func (w *world) place(p *plan) {
	if w.actors[p.caller].proxied() {
		p.caller = 0 // the proxy calls nobody
	}
	a := w.actors[p.caller]
	if a.down {
		return
	}
	p.life = a.life
	w.listen(p)
	id, do := a.agent.Invite(w.now, ua.Invite{To: cmp.Or(p.to, p.number), Late: p.late, Fields: p.fields}, nil)
	a.call(p.number, id)
	a.do(do)
	if p.giveUp > 0 {
		w.within(p.giveUp, a, p, hangUp)
	}
	if p.hangers[0] || p.answer == 0 {
		w.within(p.hangUp, a, p, hangUp)
	}
	for _, d := range p.talks {
		if !d.callee {
			w.within(d.after, a, p, d.do)
		}
	}
}

func hangUp(a *actor, id ua.Call, do effects) effects { return a.agent.Hangup(a.w.now, id, do) }

// within lets an actor do something in a call later, if it still has it.
func (w *world) within(d time.Duration, a *actor, p *plan, do func(*actor, ua.Call, effects) effects) {
	life := a.life
	w.after(d, func() {
		if id, ok := a.calls[p.number]; ok && a.life == life {
			a.do(do(a, id, nil))
		}
	})
}

// incoming plans what the called does.
func (a *actor) incoming(e ua.Event, do effects) effects {
	number, _, _ := strings.Cut(strings.TrimPrefix(e.Text, "sip:"), "@")
	if a.phone != nil {
		number = a.w.ringing[a.at.name]
	}
	if e.Other > 0 {
		return a.replaces(e, do)
	}
	p := a.w.plans[number]
	if p == nil {
		return a.unplanned(e, do)
	}
	if p.caller == a.index {
		return a.self(p, e, do)
	}
	a.call(number, e.Call)
	for _, r := range p.rings {
		a.w.within(r.after+a.later(), a, p, func(a *actor, id ua.Call, do effects) effects {
			if r.status == 183 {
				return a.agent.Progress(a.w.now, id, do)
			}
			return a.agent.Ring(a.w.now, id, r.status, do)
		})
	}
	if p.answer > 0 {
		a.w.within(p.answer+a.later(), a, p, func(a *actor, id ua.Call, do effects) effects { return a.agent.Answer(a.w.now, id, do) })
	}
	if p.reject > 0 {
		a.w.within(p.reject+a.later(), a, p, func(a *actor, id ua.Call, do effects) effects { return a.agent.Reject(a.w.now, id, p.status, do) })
	}
	for _, d := range p.talks {
		if d.callee {
			a.w.within(d.after, a, p, d.do)
		}
	}
	if p.hangers[1] {
		a.w.within(p.hangUp, a, p, hangUp)
	}
	return do
}

// self is a call that came back to its caller: it is answered at once, and
// both ends end when the caller hangs up.
func (a *actor) self(p *plan, e ua.Event, do effects) effects {
	if p.answer == 0 {
		return a.agent.Reject(a.w.now, e.Call, 486, do)
	}
	return a.agent.Answer(a.w.now, e.Call, do)
}

// endCalls ends what is left of all calls, subscriptions and publications, for
// the first time or once more.
func (w *world) endCalls(time int) {
	if w.o.Phones > 0 {
		w.endPhones(time)
	}
	for _, a := range w.actors {
		for _, id := range a.agent.Subscriptions() {
			a.do(a.agent.Unsubscribe(w.now, id, nil))
			a.do(a.agent.Expel(w.now, id, "noresource", nil))
		}
		for _, id := range a.agent.Publications() {
			a.do(a.agent.Unpublish(w.now, id, nil))
		}
		for _, id := range a.agent.Calls() {
			a.do(a.agent.Hangup(w.now, id, nil))
		}
	}
}
