package sim

import (
	"time"

	"sbc/lab/ua"
)

// Both sides of a call hear each other exactly when both want that: the most
// frequent complaint is audio one way only, after hold and resume. Worlds with
// real audio and nothing to disturb it check that at the end of each call.
const bothHear = "both sides hear each other"

// Ours: the time in which all re-INVITEs are over, those that met a 491 too.
const still = 6 * time.Second

// A flow is the audio of one call, at one moment: what each side got.
type flow struct {
	calls [2]ua.Call
	got   [2]int
}

// listen plans the check of one call, if nobody does anything before its end.
func (w *world) listen(p *plan) {
	if w.o.Sparse || !w.o.calm() || !p.meant() {
		return
	}
	for _, d := range p.talks {
		if d.after > p.hangUp-still {
			return
		}
	}
	w.after(p.hangUp-1200*time.Millisecond, func() {
		before, ok := w.flow(p)
		if !ok {
			return
		}
		w.after(time.Second, func() { w.compare(p, before) })
	})
}

// sides returns the caller and the called of a call between two actors that
// has both of them.
func (w *world) sides(p *plan) (pair [2]*actor, ok bool) {
	pair[0] = w.actors[p.caller]
	for _, a := range w.actors {
		if a != pair[0] && a.calls[p.number] != 0 {
			pair[1] = a
		}
	}
	return pair, pair[1] != nil && pair[0].calls[p.number] != 0
}

func (w *world) flow(p *plan) (f flow, ok bool) {
	pair, ok := w.sides(p)
	if !ok {
		return f, false
	}
	for i, a := range pair {
		if _, waits := a.asked[p.number]; waits || a.unclear[p.number] {
			return f, false
		}
		f.calls[i] = a.calls[p.number]
		_, got := a.agent.Media(f.calls[i])
		f.got[i] = got.Packets
	}
	return f, true
}

func (w *world) compare(p *plan, before flow) {
	now, ok := w.flow(p)
	if !ok || now.calls != before.calls {
		return
	}
	pair, _ := w.sides(p)
	for i, a := range pair {
		far := pair[1-i].holds[p.number]
		want := a.holds[p.number] == ua.NotHeld && (far == ua.NotHeld || far == ua.SendOnly)
		n := now.got[i] - before.got[i]
		if w.o.broken.ears != nil {
			n = w.o.broken.ears(n)
		}
		w.report.Heard++
		if want && n < 40 || !want && n > 0 {
			w.fail(bothHear, "call %s: %s got %d packets in a second (its hold %d, the other's %d)", p.number, a.at.name, n, a.holds[p.number], far)
		}
	}
}

// hold asks for a hold, or for its end, and remembers what was asked.
func (a *actor) hold(number string, id ua.Call, h ua.Hold, do effects) effects {
	at := len(do)
	do = a.agent.Hold(a.w.now, id, h, do)
	if len(do) > at && do[at].Do == ua.Send {
		a.asked[number] = h
	}
	return do
}

// settled notes the answer to a re-INVITE. One that met a 491 first and is
// then refused leaves open what holds: the user agent may have answered an
// offer in between by what it wanted then.
func (a *actor) settled(number string, status int) {
	h, ok := a.asked[number]
	switch {
	case ok && status < 300:
		a.holds[number] = h
	case ok && a.glared[number]:
		a.unclear[number] = true
	}
	delete(a.asked, number)
	delete(a.glared, number)
}
