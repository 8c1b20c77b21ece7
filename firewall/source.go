package firewall

import (
	"encoding/binary"
	"net/netip"

	"github.com/dchest/siphash"
)

// A source is what counts as one sender: an IPv4 address, or all of an IPv6 /64,
// which is what the smallest customer is given. It is the upper half of the IPv6
// address, or the IPv4 address with a one above it, where no host of IPv6 is
// (RFC 4291 section 2.4: 0000::/8 is reserved). 0 is none.
type source uint64

const (
	ip4Source source = 1 << 32
	lowSource source = 2 << 32 // all of ::/24, the loopback address among them
)

func sourceOf(a netip.Addr) source {
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		return ip4Source | source(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	s := source(binary.BigEndian.Uint64(b[:8]))
	if s>>40 == 0 {
		return lowSource
	}
	return s
}

// addr returns the address, or that of the /64.
func (s source) addr() netip.Addr {
	if s>>32 == ip4Source>>32 {
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(s))))
	}
	var b [16]byte
	if s != lowSource {
		binary.BigEndian.PutUint64(b[:8], uint64(s))
	}
	return netip.AddrFrom16(b)
}

func (s source) prefix() netip.Prefix {
	a := s.addr()
	return netip.PrefixFrom(a, sourceBits(a))
}

// sourceBits is the length of the prefix of one source.
func sourceBits(a netip.Addr) int {
	if a.Is4() {
		return 32
	}
	return 64
}

// A seed makes hashes that nobody outside can foresee, so that nobody chooses
// who meets whom in a table.
type seed [2]uint64

func (k *seed) source(s source) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(s))
	return siphash.Hash(k[0], k[1], b[:])
}

func (k *seed) flow(a netip.AddrPort) uint64 {
	ip := a.Addr().As16()
	var b [18]byte
	copy(b[:], ip[:])
	binary.LittleEndian.PutUint16(b[16:], a.Port())
	return siphash.Hash(k[0], k[1], b[:])
}

func (k *seed) user(b []byte) uint64 { return siphash.Hash(k[0], k[1], b) }

// linkLocal are the addresses of a cable. Its hosts share one /64, so that none
// of them is told from another; they are neither scored nor banned.
var linkLocal = netip.MustParsePrefix("fe80::/10")
