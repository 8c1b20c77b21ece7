package nat

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// A Protocol is a transport protocol by its number in the IP header.
type Protocol uint8

// The protocols that are translated.
const (
	TCP Protocol = 6
	UDP Protocol = 17
)

// Flags of a TCP segment.
type Flags uint8

// What a NAT looks at in a TCP segment (RFC 9293 section 3.1).
const (
	FIN Flags = 1 << iota
	SYN
	RST
)

// A Packet is what a NAT sees of a datagram or a segment.
type Packet struct {
	Protocol Protocol
	Src, Dst netip.AddrPort
	Flags    Flags // of TCP
}

// A Verdict says what becomes of a packet.
type Verdict uint8

const (
	// Drop is the end of the packet.
	Drop Verdict = iota
	// Pass sends the translated packet on.
	Pass
	// Hairpin sends the translated packet back to the inside.
	Hairpin
	// Reset answers a segment for which there is no connection by RST.
	Reset
)

// String returns the name of the constant in lower case.
func (v Verdict) String() string { return [...]string{"drop", "pass", "hairpin", "reset"}[v] }

// A NAT translates between its inside and its outside. It is told the time,
// which must not go back. It belongs to one goroutine.
type NAT struct {
	// Constant after New.
	kind Kind
	rand *rand.Rand

	public   []netip.Addr
	out      map[outKey]*mapping
	in       map[inKey][]*mapping      // newest first; more than one: overloaded
	paired   map[netip.Addr]netip.Addr // inside host to public address
	mappings int
	next     uint16 // of Sequential
}

// An outKey is how a packet from inside finds its mapping.
type outKey struct {
	protocol Protocol
	inside   netip.AddrPort
	remote   netip.AddrPort // as much of it as the kind of mapping looks at
}

// An inKey is how a packet from outside finds its mappings.
type inKey struct {
	protocol Protocol
	public   netip.AddrPort
}

// A mapping is a public endpoint of an inside endpoint.
type mapping struct {
	key     outKey
	public  netip.AddrPort
	expires time.Duration

	// How long who may come in, by as much of the far end as the kind of
	// filtering looks at; TCP: by all of it, because these are connections.
	remotes map[netip.AddrPort]remote
}

// A remote is a far end that an inside endpoint has sent to.
type remote struct {
	expires time.Duration
	out, in bool // TCP: that SYN was seen, since the connection ended last
}

// open reports whether a TCP connection is established.
func (r remote) open() bool { return r.out && r.in }

// New makes a NAT with the given public addresses, at least one. rnd is where
// ports and addresses are drawn from.
func New(k Kind, public []netip.Addr, rnd *rand.Rand) *NAT {
	n := &NAT{kind: k.WithDefaults(), rand: rnd}
	n.SetPublic(public)
	return n
}

// Kind returns what kind of NAT it is, with nothing left at its default.
func (n *NAT) Kind() Kind { return n.kind }

// Reboot forgets all mappings.
func (n *NAT) Reboot() {
	n.out, n.in = map[outKey]*mapping{}, map[inKey][]*mapping{}
	n.paired = map[netip.Addr]netip.Addr{}
	n.mappings, n.next = 0, n.kind.First
}

// SetPublic gives the NAT other public addresses, at least one. All mappings
// are gone.
func (n *NAT) SetPublic(public []netip.Addr) {
	n.public = slices.Clone(public)
	n.Reboot()
}

// Len returns the number of mappings that live.
func (n *NAT) Len(now time.Duration) int {
	n.sweep(now)
	return n.mappings
}

// Owns reports whether an address is one of the NAT's public ones.
func (n *NAT) Owns(a netip.Addr) bool { return slices.Contains(n.public, a) }

// Out translates a packet from inside. The verdict is never Reset for UDP.
func (n *NAT) Out(now time.Duration, p Packet) (Packet, Verdict) {
	hairpin := n.Owns(p.Dst.Addr())
	if hairpin && !n.kind.Hairpin {
		return p, Drop
	}
	m, v := n.outward(now, p)
	if v != Pass {
		return p, v
	}
	p.Src = m.public
	if !hairpin {
		return p, Pass
	}
	p, v = n.In(now, p)
	if v == Pass {
		v = Hairpin
	}
	return p, v
}

// In translates a packet from outside.
func (n *NAT) In(now time.Duration, p Packet) (Packet, Verdict) {
	for _, m := range n.in[inKey{p.Protocol, p.Dst}] {
		if m.expires > now && n.permits(m, now, p) {
			n.heard(m, now, p)
			p.Dst = m.key.inside
			return p, Pass
		}
	}
	return p, n.refuse(p)
}

// refuse is the verdict on a packet that belongs to nothing.
func (n *NAT) refuse(p Packet) Verdict {
	// RFC 5382 REQ-4: no answer to a SYN, of which the other may be on its
	// way; and never RST to a RST.
	if p.Protocol != TCP || p.Flags&(SYN|RST) != 0 || n.kind.Silent {
		return Drop
	}
	return Reset
}
