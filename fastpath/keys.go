package fastpath

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// addressKey is an address as the maps have it: IPv4 as ::ffff:a.b.c.d.
func addressKey(a netip.Addr) fastpathAddress {
	return fastpathAddress{Octets: a.As16()}
}

// prefixKey is a prefix of either family as one of 128 bits.
func prefixKey(p netip.Prefix) (bits uint32, address fastpathAddress) {
	p = unmapped(p).Masked()
	bits = uint32(p.Bits())
	if p.Addr().Is4() {
		bits += 96
	}
	return bits, addressKey(p.Addr())
}

// unmapped is a prefix of IPv4 that was written as one of IPv6.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// prefixOf is the way back.
func prefixOf(bits uint32, address fastpathAddress) netip.Prefix {
	return unmapped(netip.PrefixFrom(netip.AddrFrom16(address.Octets), int(bits)))
}

// banKey is the key of a ban, which has one of few lengths.
func banKey(p netip.Prefix) (fastpathBan, error) {
	if !p.IsValid() {
		return fastpathBan{}, fmt.Errorf("%v is no prefix", p)
	}
	bits, address := prefixKey(p)
	switch v4 := address.is4(); {
	case v4 && bits == 128, !v4 && (bits == 64 || bits == 56 || bits == 48):
		return fastpathBan{Bits: bits, Address: address}, nil
	}
	return fastpathBan{}, fmt.Errorf("%v: a ban is of an IPv4 address, or an IPv6 /64, /56 or /48", p)
}

func (a fastpathAddress) is4() bool { return netip.AddrFrom16(a.Octets).Is4In6() }

// wire is a number as its octets stand in a packet.
func wire(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}
