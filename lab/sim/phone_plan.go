package sim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"sbc/lab/ua"
	"sbc/signaling"
	"sbc/signaling/b2bua"
)

// Ours: phones register within the first seconds, and are called after that.
const settled = 15 * time.Second

// beginPhones plans what phones do, and what happens to them.
func (w *world) beginPhones() (end time.Duration) {
	r := rand.New(rand.NewPCG(w.o.Seed, 0x9f0ca1))
	for _, a := range w.phones {
		w.planned(between(r, 0, 5*time.Second), func() { a.registers() })
	}
	for i := range w.o.PhoneCalls {
		p := w.phoneCall(r, 10000+i)
		at := between(r, settled, max(w.o.Span, 2*settled))
		w.planned(at, func() { w.placePhone(p) })
		end = max(end, at+p.hangUp)
	}
	for range w.o.Moves {
		a, what, seed := w.phones[r.IntN(len(w.phones))], r.IntN(len(moves)), r.Uint64()
		w.planned(between(r, 0, w.o.Span), func() { a.moves(what, rand.New(rand.NewPCG(seed, 1))) })
	}
	for range w.o.Outages {
		status, wait, away := []int{503, 500, -1}[r.IntN(3)], r.IntN(20), between(r, 0, 40*time.Second)
		w.planned(between(r, 0, w.o.Span), func() { w.outage(status, wait, away) })
	}
	for range w.o.Restarts {
		w.planned(between(r, settled, max(w.o.Span, 2*settled)), func() { w.restart(60) })
	}
	for range w.o.Scans {
		kind, seed := r.IntN(len(intrusions)), r.Uint64()
		w.planned(between(r, 0, w.o.Span), func() { w.intrude(kind, rand.New(rand.NewPCG(seed, 2))) })
	}
	return max(end, w.o.Span)
}

// registers lets a phone register.
func (a *actor) registers() {
	if !a.down && !a.phone.off {
		a.do(a.agent.Register(a.w.now, a.phone.register, nil))
	}
}

// phoneCall plans a call of a phone to the PBX, or of the PBX to a phone.
func (w *world) phoneCall(r *rand.Rand, serial int) *plan {
	p := planned(r, serial, &w.o)
	p.wrong, p.fields, p.phone = false, nil, true
	p.number = fmt.Sprintf("1%06d", serial)
	p.caller = w.phones[r.IntN(len(w.phones))].index
	if r.IntN(3) > 0 {
		p.to, p.caller = w.phones[r.IntN(len(w.phones))].at.name, registrarAt
	}
	w.plans[p.number] = p
	w.numbers = append(w.numbers, p.number)
	return p
}

// placePhone makes a call of a phone, or to one.
func (w *world) placePhone(p *plan) {
	caller, called := w.actors[p.caller], w.named(p.to)
	if caller == called || w.busy(p) || called != nil && len(w.actors[registrarAt].agent.Bindings(p.to)) == 0 {
		p.wrong = true
		return
	}
	if called != nil {
		w.ringing[p.to] = p.number
	}
	p.wrong = !w.reachable(caller) || called != nil && !w.reachable(called)
	if p.meant() {
		w.report.Planned++
	}
	w.place(p)
}

// busy reports whether the phone that a call is for is in one, or is being
// called.
func (w *world) busy(p *plan) bool {
	a, number := w.named(p.to), w.ringing[p.to]
	return a != nil && (a.down || a.calls[number] != 0 || w.actors[registrarAt].calls[number] != 0)
}

// reachable reports whether the way to a phone is open; there is always one to
// the others.
func (w *world) reachable(a *actor) bool {
	if a.phone == nil {
		return true
	}
	b := w.bindings.of(a.at.name)
	const while = time.Second
	if b == nil || b.here < w.now+while || b.pings >= pingsMax || a.down {
		return false
	}
	return b.flow.Conn == 0 && a.openAt(b.flow.Remote, w.now) && a.openAt(b.flow.Remote, w.now+while) || b.flow.Conn != 0 && w.open(b.flow.Conn)
}

func (w *world) open(number uint64) bool {
	return slices.ContainsFunc(w.conns, func(c *conn) bool { return c.Conn == number && !c.dead })
}

// named returns the phone of a user; nil: there is none.
func (w *world) named(user string) *actor {
	for _, a := range w.phones {
		if a.at.name == user {
			return a
		}
	}
	return nil
}

// moves are what may happen to a phone and its network.
var moves = []struct {
	name string
	do   func(a *actor, r *rand.Rand)
}{
	{"its NAT reboots", func(a *actor, r *rand.Rand) {
		if b := a.anyBox(r); b != nil {
			b.reboot()
		}
	}},
	{"its NAT gets another address", func(a *actor, r *rand.Rand) {
		if b := a.anyBox(r); b != nil {
			a.w.lan.readdress(b)
		}
	}},
	{"it roams", func(a *actor, r *rand.Rand) {
		boxes := append([]*box{nil}, a.w.lan.boxes...)
		a.phone.box = boxes[r.IntN(len(boxes))]
		addr := netip.AddrPortFrom(a.w.lan.next(a.phone.box), a.at.addr.Port())
		a.phone.was, a.at.addr = a.at.addr, addr
		a.w.endAll(a)
		a.do(a.agent.Roam(a.w.now, addr, nil))
	}},
	{"it reboots", func(a *actor, r *rand.Rand) {
		do := a.agent.Reboot(a.w.now, nil)
		a.life++
		a.crashed = a.w.now
		a.w.endAll(a)
		a.do(a.agent.Register(a.w.now, a.phone.register, do))
	}},
	{"it keeps alive in another way", func(a *actor, r *rand.Rand) {
		k := ua.Keepalive{With: ua.Keeping(r.IntN(3)), Every: time.Duration(10+r.IntN(40)) * time.Second}
		a.do(a.agent.SetKeepalive(a.w.now, k, nil))
	}},
	{"it registers again", func(a *actor, r *rand.Rand) { a.do(a.agent.RefreshNow(a.w.now, nil)) }},
	{"it registers no more, and then again", func(a *actor, r *rand.Rand) {
		a.do(a.agent.Unregister(a.w.now, nil))
		a.w.after(between(r, time.Second, 20*time.Second), a.registers)
	}},
	{"it takes all bindings back", func(a *actor, r *rand.Rand) {
		a.do(a.agent.UnregisterAll(a.w.now, nil))
		a.w.after(between(r, time.Second, 20*time.Second), a.registers)
	}},
}

func (a *actor) moves(what int, r *rand.Rand) {
	if a.down || a.phone.off {
		return
	}
	a.w.note("%s: %s", a.at.name, moves[what].name)
	a.w.disturbed()
	moves[what].do(a, r)
}

// anyBox returns one of the NATs before a phone; nil: there is none.
func (a *actor) anyBox(r *rand.Rand) *box {
	b := a.phone.box
	if b != nil && b.outer != nil && r.IntN(2) == 0 {
		return b.outer
	}
	return b
}

// outage lets the PBX's registrar fail for a while.
func (w *world) outage(status, wait int, away time.Duration) {
	pbx := w.actors[registrarAt]
	w.note("the registrar is down: %d", status)
	pbx.agent.Down(status, wait)
	w.after(away, func() { pbx.agent.Down(0, 0) })
}

// disturbed notes that what phones learned of their NATs may be wrong now.
func (w *world) disturbed() { w.report.Disturbed++ }

// endPhones lets some phones take back what they registered, at first, and
// then takes the power of all.
func (w *world) endPhones(time int) {
	w.actors[registrarAt].agent.Down(0, 0)
	for i, a := range w.phones {
		switch {
		case time == 0 && i%2 == 0 && a.agent.Registered():
			a.do(a.agent.Unregister(w.now, nil))
			a.do(a.agent.SetKeepalive(w.now, ua.Keepalive{}, nil))
		case time == 2 || time == 1 && len(a.agent.Calls()) == 0:
			a.phone.off = true
			a.start()
			a.crashed, a.down = w.now, true
			w.endAll(a)
		}
	}
}

// restart puts another process in the place of the SBC, which knows of the
// bindings what was kept. It waits for a moment without a call, as long as there
// are tries left.
func (w *world) restart(tries int) {
	for i := range w.held {
		if len(w.held[i].Calls) == 0 {
			continue
		}
		if tries > 0 {
			w.after(time.Second, func() { w.restart(tries - 1) })
		}
		return
	}
	w.note("the SBC is restarted with %d bindings", len(w.kept))
	so, relay, err := newSBC(&w.o)
	if err != nil {
		panic(err)
	}
	w.restarts++
	so.Bindings = maps.Clone(w.kept)
	w.boot(so, relay)
	for _, c := range slices.Clone(w.conns) {
		w.end(c)
	}
	for _, c := range w.checkers {
		if r, ok := c.(interface{ restarted() }); ok {
			r.restarted()
		}
	}
}

// keep is signaling.Options.Keep.
func (w *world) keep(serial uint64, record []byte) {
	if record == nil {
		delete(w.kept, serial)
		return
	}
	w.kept[serial] = slices.Clone(record)
}

// bound reports whether the SBC takes a flow for that of somebody registered.
func (w *world) bound(listener int, src netip.AddrPort, conn uint64) bool {
	return w.shards[0].Bound(b2bua.Flow{Listener: uint16(listener), Remote: src, Conn: conn})
}

// endpoints are what the configuration says of phones.
func endpoints() []signaling.Endpoints {
	return []signaling.Endpoints{{Peer: phonePeer}}
}
