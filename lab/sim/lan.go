package sim

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"sbc/lab/nat"
)

// A box is a NAT with its place in the network.
type box struct {
	*nat.NAT
	name   string
	public netip.Addr
	outer  *box // in whose network it stands; nil: the public one

	hosts  byte          // given out in its network
	epoch  int           // how often it forgot everything
	inside netip.Prefix  // its own network
	life   time.Duration // of a UDP mapping
	both   bool          // what comes in refreshes too
}

// A lan is what is between the phones and the public network.
type lan struct {
	w      *world
	boxes  []*box
	public byte                    // last octet of the next public address
	owner  map[netip.AddrPort]int  // which phone's signaling a public address was, last
	shared map[netip.AddrPort]bool // those that were of several: nobody outside can tell them apart
}

// publicNet is where phones, or the NATs before them, are in the public network.
var publicNet = netip.MustParsePrefix("198.51.100.0/24")

// nextPublic returns an address that nobody has or had.
func (l *lan) nextPublic() netip.Addr {
	l.public++
	a := publicNet.Addr().As4()
	a[3] = l.public
	return netip.AddrFrom4(a)
}

// next returns another address in the network of b; nil: in the public one.
func (l *lan) next(b *box) netip.Addr {
	if b == nil {
		return l.nextPublic()
	}
	b.hosts++
	a := b.inside.Addr().As4()
	a[3] = 19 + b.hosts
	return netip.AddrFrom4(a)
}

// Ours: home networks are numbered like this, and so several phones have the
// same address.
var homes = []netip.Prefix{
	netip.MustParsePrefix("192.168.178.0/24"), netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("172.16.0.0/24"),
}

// carrierNet is between two NATs (RFC 6598).
var carrierNet = netip.MustParsePrefix("100.64.0.0/24")

// add puts up a NAT of a kind.
func (l *lan) add(name string, k nat.Kind, outer *box, inside netip.Prefix, r *rand.Rand) *box {
	b := &box{name: name, outer: outer, inside: inside, public: l.next(outer)}
	b.NAT = nat.New(k, []netip.Addr{b.public}, rand.New(rand.NewPCG(r.Uint64(), 0x0a7)))
	b.life, b.both = b.Kind().Lifetime, b.Kind().Refresh == nat.Both
	l.boxes = append(l.boxes, b)
	return b
}

// reboot lets a NAT forget everything.
func (b *box) reboot() {
	b.Reboot()
	b.epoch++
}

// readdress gives a NAT another public address.
func (l *lan) readdress(b *box) {
	b.public = l.next(b.outer)
	b.SetPublic([]netip.Addr{b.public})
	b.epoch++
}

// randomKind draws how a NAT behaves: one that has a name, or any.
func randomKind(r *rand.Rand) (string, nat.Kind) {
	if named := nat.Named(); r.IntN(4) > 0 {
		k := named[r.IntN(len(named))]
		return k.Name, k.Kind
	}
	return "nameless", nat.Kind{
		Mapping: nat.Dependence(r.IntN(3)), Filtering: nat.Dependence(r.IntN(3)), Ports: nat.Ports(r.IntN(5)), Refresh: nat.Refresh(r.IntN(2)),
		Lifetime: time.Duration(20+r.IntN(280)) * time.Second, Opening: time.Minute, TCP: time.Duration(2+r.IntN(60)) * time.Minute,
		Hairpin: r.IntN(2) == 0, Silent: r.IntN(2) == 0,
	}
}

// out lets a packet of a phone through its NATs, and returns where it comes
// from when it is in the public network.
func (w *world) leaveHome(p *phone, k nat.Packet) (netip.AddrPort, nat.Verdict) {
	for b := p.box; b != nil; b = b.outer {
		var v nat.Verdict
		if k, v = b.Out(w.now, k); v != nat.Pass {
			return netip.AddrPort{}, v
		}
	}
	return k.Src, nat.Pass
}

// comeHome lets a packet of the public network through NATs, and returns the
// phone whose it is; nil: it gets nowhere.
func (w *world) comeHome(k nat.Packet) (*actor, netip.AddrPort, nat.Verdict) {
	var at *box
	for {
		for _, a := range w.phones {
			if a.phone.box == at && a.at.addr.Addr() == k.Dst.Addr() {
				return a, k.Dst, nat.Pass
			}
		}
		next := w.lan.boxAt(at, k.Dst.Addr())
		if next == nil {
			return nil, k.Dst, nat.Drop
		}
		var v nat.Verdict
		if k, v = next.In(w.now, k); v != nat.Pass {
			return nil, k.Dst, v
		}
		at = next
	}
}

// boxAt returns the NAT that has an address in the network of outer.
func (l *lan) boxAt(outer *box, addr netip.Addr) *box {
	for _, b := range l.boxes {
		if b.outer == outer && b.public == addr {
			return b
		}
	}
	return nil
}

// deliver is a datagram of the SBC that reaches the public address dst.
func (w *world) deliver(dst, src netip.AddrPort, b []byte) {
	a, local, v := w.comeHome(nat.Packet{Protocol: nat.UDP, Src: src, Dst: dst})
	if v != nat.Pass {
		return
	}
	if local == a.at.addr && listenerAt(src, false) < 0 {
		return // media, since its NAT gave its signaling a port that media had
	}
	if local == a.at.addr {
		a.phone.way(dst).in = w.now
	}
	a.receive(local, src, b)
}

// A way is how a phone's signaling by UDP passes its NATs.
type way struct {
	out, in time.Duration // the last packet
	epochs  int           // of the NATs, when the last one went out
	box     *box          // behind which the phone was
	local   netip.AddrPort
}

// way returns what is known of the way by a public address.
func (p *phone) way(public netip.AddrPort) *way {
	if p.ways[public] == nil {
		p.ways[public] = &way{out: -time.Hour, in: -time.Hour}
	}
	return p.ways[public]
}

func (p *phone) epochs() (n int) {
	for b := p.box; b != nil; b = b.outer {
		n += b.epoch
	}
	return n
}

// open reports whether a datagram to a public address would reach the phone at
// a time.
func (a *actor) openAt(public netip.AddrPort, now time.Duration) bool {
	p := a.phone
	w := p.ways[public]
	if w == nil || w.box != p.box || w.epochs != p.epochs() || w.local != a.at.addr || a.w.lan.owner[public] != a.index {
		return false
	}
	for b := p.box; b != nil; b = b.outer {
		last := w.out
		if b.both {
			last = max(last, w.in)
		}
		if now >= last+b.life {
			return false
		}
	}
	return true
}

// swapped reports whether a phone has, or had, a public address that another
// phone had before.
func (l *lan) swapped(a *actor) bool {
	for public := range a.phone.ways {
		if l.shared[public] {
			return true
		}
	}
	return false
}
