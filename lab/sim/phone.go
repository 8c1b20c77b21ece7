package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"sbc/lab/nat"
	"sbc/lab/ua"
	nats "sbc/nat"
)

// voiceDomain is where the addresses-of-record of phones live.
const voiceDomain = "voice.test"

// registrarAt is the neighbour with which phones register.
const registrarAt = 0

// phonePeer is what the rules know phones as.
var phonePeer = len(neighbours)

// Ours: what the PBX grants at most, so that little time passes until all is
// over.
const grantedMax = 4 * time.Minute

// A phone is what an actor has that registers through the SBC.
type phone struct {
	box      *box // nil: it is in the public network
	ways     map[netip.AddrPort]*way
	media    map[netip.AddrPort]map[netip.AddrPort]bool // its own media addresses, by what they were made outside
	register ua.Register
	keep     ua.Keepalive
	deaf     bool           // to OPTIONS
	off      bool           // for good
	was      netip.AddrPort // before it roamed
}

// addPhones puts up NATs, and the phones behind them.
func (w *world) addPhones() {
	r := rand.New(rand.NewPCG(w.o.Seed, 0x9f04e5))
	w.lan = &lan{w: w, public: 19, owner: map[netip.AddrPort]int{}, shared: map[netip.AddrPort]bool{}}
	var shared *box
	for i := range w.o.Phones {
		n := &w.neighbours[len(neighbours)+i]
		n.listener = outside
		if w.o.PhonesTCP && r.IntN(3) == 0 {
			n.listener += 4
		}
		p := &phone{ways: map[netip.AddrPort]*way{}, media: map[netip.AddrPort]map[netip.AddrPort]bool{}}
		switch {
		case w.o.nat != nil:
			p.box = w.lan.add("given", *w.o.nat, nil, homes[0], r)
		case shared != nil && r.IntN(2) == 0:
			p.box = shared
		default:
			p.box = w.home(r)
			shared = p.box
		}
		port := uint16(5060)
		if p.overloads() { // who has the same port and the same NAT cannot be told apart
			port += uint16(2 * i)
		}
		n.addr = netip.AddrPortFrom(w.lan.next(p.box), port)
		p.habits(r, &w.o, n.stream())
		a := newPhone(w, len(neighbours)+i, n, p)
		w.actors, w.phones = append(w.actors, a), append(w.phones, a)
	}
}

// home draws what is before a phone: a NAT, two, or none.
func (w *world) home(r *rand.Rand) *box {
	switch r.IntN(8) {
	case 0:
		return nil
	case 1:
		outer := w.lan.add("carrier-grade", nat.CarrierGrade, nil, carrierNet, r)
		name, k := randomKind(r)
		return w.lan.add(name, k, outer, homes[r.IntN(len(homes))], r)
	}
	name, k := randomKind(r)
	return w.lan.add(name, k, nil, homes[r.IntN(len(homes))], r)
}

// overloads reports whether a NAT gives two hosts the same port.
func (p *phone) overloads() bool {
	for b := p.box; b != nil; b = b.outer {
		if b.Kind().Ports == nat.Overload {
			return true
		}
	}
	return false
}

// habits draws how a phone registers.
func (p *phone) habits(r *rand.Rand, o *Options, stream bool) {
	p.register = ua.Register{
		Seconds: []int{60, 120, 300, 3600}[r.IntN(4)], Again: r.IntN(2) == 0, InContact: r.IntN(3) == 0,
		Learn: r.IntN(4) == 0, Retry: 5 * time.Second, Path: r.IntN(4) == 0, Shared: true,
	}
	if r.IntN(3) == 0 {
		p.register.Early = time.Duration(5+r.IntN(10)) * time.Second
	}
	if r.IntN(3) == 0 {
		p.register.Instance = fmt.Sprintf("urn:uuid:00000000-0000-1000-8000-%012x", r.Uint64()&0xffffffffffff)
		if r.IntN(2) == 0 {
			p.register.RegID, p.register.Outbound = 1, true
		}
	}
	switch r.IntN(4) {
	case 0:
		p.keep = ua.Keepalive{With: ua.KeepCRLF, Every: time.Duration(10+r.IntN(30)) * time.Second}
	case 1:
		p.keep = ua.Keepalive{With: ua.KeepSTUN, Every: time.Duration(10+r.IntN(30)) * time.Second}
	}
	p.deaf = r.IntN(4) == 0
	if o.habits != nil {
		o.habits(p)
	}
}

// publics are the addresses of a phone and its NATs.
func (a *actor) publics() (list []netip.Addr) {
	for b := a.phone.box; b != nil; b = b.outer {
		list = append(list, b.public)
	}
	return list
}

func newPhone(w *world, index int, at *neighbour, p *phone) *actor {
	a := &actor{w: w, index: index, at: at, crashed: -1, phone: p}
	a.toSBC, a.fromSBC = links(&w.o, rand.New(rand.NewPCG(w.o.Seed, uint64(index))))
	a.start()
	return a
}

// persona makes the agent of an actor a phone.
func (p *phone) persona(o *ua.Options) {
	o.Domain, o.Password = voiceDomain, "secret"
	o.Register, o.Keepalive = &p.register, p.keep
	if p.overloads() {
		o.MediaPort = 30000 + 500*(o.Addr.Port()-5060)
	}
	if p.deaf {
		o.OptionsStatus = -1
	}
}

// registrar makes the agent of the PBX one with which phones register.
func (w *world) registrar() *ua.Registrar {
	r := &ua.Registrar{Domain: voiceDomain, Realm: "asterisk", Users: map[string]string{}, Max: int(grantedMax / time.Second)}
	for i := range w.o.Phones {
		r.Users[w.neighbours[len(neighbours)+i].name] = "secret"
	}
	return r
}

// neighbours adds the phones to those around the SBC.
func (o *Options) phones() (list []neighbour) {
	for i := range o.Phones {
		list = append(list, neighbour{
			name: fmt.Sprintf("phone%d", i+1), realm: outside, domain: voiceDomain,
			word: fmt.Sprintf("nutmeg%dhome", i+1), inner: netip.AddrFrom4([4]byte{10, 99, byte(40 + i), 7}),
		})
	}
	return list
}

// fromHome sends a datagram of a phone.
func (a *actor) fromHome(e *ua.Effect) {
	src, v := a.w.leaveHome(a.phone, nat.Packet{Protocol: nat.UDP, Src: e.From, Dst: e.To})
	if v != nat.Pass || a.away {
		return
	}
	if e.From != a.at.addr {
		a.says(src, e.From)
		a.w.carry(&a.toSBC, func() { a.w.inject(e.To, src, e.Bytes) })
		return
	}
	to := listenerAt(e.To, false)
	switch {
	case to < 0 && e.To == a.phone.was:
		return // its own Record-Route of then
	case to < 0:
		a.w.fail(reach, "%s was led to %s, past the SBC:\n%s", a.at.name, e.To, e.Bytes)
		return
	}
	way := a.phone.way(src)
	way.out, way.epochs, way.box, way.local = a.w.now, a.phone.epochs(), a.phone.box, a.at.addr
	if last, ok := a.w.lan.owner[src]; ok && last != a.index {
		a.w.lan.shared[src] = true
	}
	a.w.lan.owner[src] = a.index
	a.w.carry(&a.toSBC, func() { a.w.fromPhone(to, src, e.Bytes) })
}

// says notes what a media address of a phone is outside.
func (a *actor) says(public, own netip.AddrPort) {
	if a.phone.media[public] == nil {
		a.phone.media[public] = map[netip.AddrPort]bool{}
	}
	a.phone.media[public][own] = true
}

// fromPhone is a datagram that reaches the SBC from where a phone may be. A
// request of STUN is answered as the engine does it, which is above the
// shards; what the shards learn by it they learn by a CRLF here.
func (w *world) fromPhone(listener int, src netip.AddrPort, b []byte) {
	if !nats.IsSTUN(b) {
		w.arrive(listener, src, b)
		return
	}
	if !w.bound(listener, src, 0) {
		return
	}
	w.arrive(listener, src, []byte("\r\n\r\n"))
	m := nats.STUN(b)
	if m.Check(&nats.BindingServer) == nats.STUNFine && m.Class() == nats.ClassRequest {
		answer := nats.AppendBindingResponse(nil, m, src)
		w.carry(&link{delay: w.o.Delay}, func() { w.deliver(src, listeners[listener].addr, answer) })
	}
}
