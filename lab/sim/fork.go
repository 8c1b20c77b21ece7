package sim

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"sbc/lab/ua"
)

// forkAt is the neighbour behind whose address a proxy lets several phones ring
// in some worlds.
const forkAt = 1

// phones are behind the proxy; the SBC knows nothing of them.
var phones = []neighbour{
	{name: "phone one", addr: netip.MustParseAddrPort("192.168.1.21:5060"), word: "plumlan", inner: netip.MustParseAddr("10.77.12.3")},
	{name: "phone two", addr: netip.MustParseAddrPort("192.168.1.22:5060"), word: "plumlan", inner: netip.MustParseAddr("10.77.12.3")},
}

// A fork is the proxy with the wires around it.
type fork struct {
	w      *world
	proxy  *ua.Forker
	phones []*actor
}

func (w *world) addFork() {
	f := &fork{w: w}
	r := rand.New(rand.NewPCG(w.o.Seed, 0xf03c))
	o := ua.ForkerOptions{Addr: neighbours[forkAt].addr, RecordRoute: true, TwoWinners: r.IntN(3) == 0, Canary: neighbours[forkAt].canary(), Rand: r}
	for i := range phones {
		o.Branches = append(o.Branches, phones[i].addr)
		a := newActor(w, len(w.actors), &phones[i])
		f.phones, w.actors = append(f.phones, a), append(w.actors, a)
	}
	f.proxy, w.fork = ua.NewForker(o), f
}

// behind reports whether the actor is a phone behind the proxy.
func (a *actor) behind() bool { return a.phone == nil && a.index >= len(neighbours) }

// proxied reports whether the proxy is in the place of the actor.
func (a *actor) proxied() bool { return a.w.fork != nil && a.index == forkAt }

// later is by how much what a phone does comes after what its plan says, so
// that not all take a call in one moment.
func (a *actor) later() time.Duration {
	if !a.behind() {
		return 0
	}
	return time.Duration(a.index-len(neighbours)) * 250 * time.Millisecond
}

func (f *fork) tick() { f.do(f.proxy.Tick(f.w.now, nil)) }

func (f *fork) receive(from netip.AddrPort, b []byte) {
	if desk := f.w.actors[forkAt]; !desk.down && !desk.away {
		f.do(f.proxy.Receive(f.w.now, neighbours[forkAt].addr, from, b, nil))
	}
}

// do carries out what the proxy asks for.
func (f *fork) do(do []ua.Effect) {
	for _, e := range do {
		if e.Do != ua.Send {
			continue
		}
		if i := f.phoneAt(e.To); i >= 0 {
			a := f.phones[i]
			f.w.carry(&a.fromSBC, func() { a.receive(a.at.addr, e.From, e.Bytes) })
			continue
		}
		f.w.toSBC(&f.w.actors[forkAt].toSBC, "the proxy", e)
	}
}

func (f *fork) phoneAt(a netip.AddrPort) int {
	for i := range phones {
		if phones[i].addr == a {
			return i
		}
	}
	return -1
}

// toSBC lets the network bring a message to the SBC.
func (w *world) toSBC(by *link, name string, e ua.Effect) {
	if listener := listenerAt(e.To, false); listener >= 0 {
		w.carry(by, func() { w.arrive(listener, e.From, e.Bytes) })
		return
	}
	w.fail(reach, "%s was led to %s, past the SBC:\n%s", name, e.To, e.Bytes)
}

// peer is where an actor sends what belongs to no dialog.
func (a *actor) peer() netip.AddrPort {
	if a.behind() {
		return neighbours[forkAt].addr
	}
	return listeners[a.at.listener].addr
}
