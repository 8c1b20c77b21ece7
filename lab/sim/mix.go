package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"sbc/lab/ua"
)

// persona makes a user agent one of the many kinds that there are. It stays
// what it is when it comes back without memory.
func (a *actor) persona(o *ua.Options) {
	r := rand.New(rand.NewPCG(a.w.o.Seed, uint64(a.index)<<8|0xface))
	one := func(n int) bool { return r.IntN(n) == 0 }
	o.MediaPairs = 800
	o.Reliable = []ua.Reliability{ua.RelNone, ua.RelSupported, ua.RelSupported, ua.RelRequired}[r.IntN(4)]
	o.OfferInPrack, o.NotifyFirst, o.ReplaceRinging = one(4), one(3), one(2)
	o.Video, o.Fax, o.Mux = one(3), one(3), one(4)
	if one(4) {
		o.Dynamic, o.OwnNumbers = 96+uint8(r.IntN(16)), true
	}
	if one(6) {
		o.Challenge = ua.Challenge{Realm: "asterisk", Password: "secret", Proxy: one(2)}
	}
	if one(5) {
		o.Slow = between(r, 0, 20*time.Second)
	}
	o.Password = "secret"
	if one(2) {
		o.Methods = []string{"KDMQ"}
	}
}

// mixed lets somebody do something of all that he may do now. r decides, and
// nobody else draws from it, so that what is left out of a world changes as
// little of the rest as can be. serial is a number that no other call has.
func (w *world) mixed(r *rand.Rand, serial int) {
	a := w.actors[r.IntN(len(w.actors))]
	if a.down || a.proxied() {
		return
	}
	ids := a.agent.Calls()
	if !a.behind() { // phones behind a proxy only do something in the calls that they have
		ids = append(ids, 0)
	}
	ids = append(append(ids, a.agent.Subscriptions()...), a.agent.Publications()...)
	if len(ids) == 0 {
		return
	}
	id := ids[r.IntN(len(ids))]
	moves := a.agent.Moves(id)
	if len(moves) == 0 {
		return
	}
	m := moves[r.IntN(len(moves))]
	if m.NeedsTo {
		m.To = w.somebody(r, serial)
	}
	w.note("%s: %s in call %d, %d to %s", a.at.name, m.Name, m.Call, m.Other, m.To)
	began, do := a.agent.Make(w.now, m, nil)
	if began > 0 && m.NeedsTo {
		a.call(m.To, began)
	}
	a.do(do)
}

// somebody returns a number that nobody was called by yet, with a plan for the
// one who has it.
func (w *world) somebody(r *rand.Rand, serial int) string {
	p := planned(r, serial, &w.o)
	p.number = fmt.Sprint(1+r.IntN(5)) + fmt.Sprintf("%06d", serial)
	p.caller, p.wrong = nobody, false
	w.plans[p.number] = p
	return p.number
}

// nobody is who calls by a plan that a move has made.
const nobody = -1

// replaces answers a call that takes the place of another one, as phones do at
// once, or refuses it.
func (a *actor) replaces(e ua.Event, do effects) effects {
	if a.w.chance.IntN(8) == 0 {
		return a.agent.Reject(a.w.now, e.Call, 486, do)
	}
	return a.agent.Answer(a.w.now, e.Call, do)
}

// unplanned answers a call to somebody whose name is all that the caller
// knows: who was referred to a contact, or redirected.
func (a *actor) unplanned(e ua.Event, do effects) effects {
	user, _, _ := strings.Cut(strings.TrimPrefix(e.Text, "sip:"), "@")
	if user != a.at.name {
		a.w.fail(reach, "%s was called by %q, a number of nobody", a.at.name, e.Text)
		return do
	}
	id, life := e.Call, a.life
	a.w.after(between(a.w.chance, 0, 3*time.Second), func() {
		if a.life == life {
			a.do(a.agent.Answer(a.w.now, id, nil))
		}
	})
	return do
}
