package fastpath

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Frames are put together from the inside out: ether(ip4(a, b, udp(1, 2))).

// A part is octets, and the number by which the header before names them.
type part struct {
	number uint16 // an EtherType, or a protocol of IP
	octets []byte
}

const (
	typeIPv4 = 0x0800
	typeIPv6 = 0x86dd
	typeVLAN = 0x8100
	typeQinQ = 0x88a8
	typeARP  = 0x0806

	protoICMP = 1
	protoTCP  = 6
	protoUDP  = 17
	protoESP  = 50
)

func be(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

func udp(from, to uint16) part {
	return part{protoUDP, slices.Concat(be(from), be(to), be(12), be(0), []byte("ping"))}
}

// tcp is a segment; flags as RFC 9293 has them: SYN 2, ACK 16.
func tcp(from, to uint16, flags byte) part {
	return part{protoTCP, slices.Concat(be(from), be(to), make([]byte, 8), []byte{0x50, flags}, make([]byte, 6))}
}

func other(number uint16) part { return part{number, make([]byte, 16)} }

// header4 says what is unusual about a header of IPv4.
type header4 struct {
	options  int // octets, a multiple of 4
	more     bool
	offset   uint16 // in units of 8 octets
	version  byte   // 0: 4
	tooShort bool   // the length of the header is 4 words
}

func ip4(from, to string, inner part) part { return header4{}.packet(from, to, inner) }

func (h header4) packet(from, to string, inner part) part {
	version, words := byte(4), byte(5+h.options/4)
	if h.version != 0 {
		version = h.version
	}
	if h.tooShort {
		words = 4
	}
	fragment := h.offset
	if h.more {
		fragment |= 0x2000
	}
	b := slices.Concat([]byte{version<<4 | words, 0}, be(uint16(20+h.options+len(inner.octets))), be(7), be(fragment),
		[]byte{64, byte(inner.number)}, be(0), netip.MustParseAddr(from).AsSlice(), netip.MustParseAddr(to).AsSlice(), make([]byte, h.options))
	return part{typeIPv4, append(b, inner.octets...)}
}

func ip6(from, to string, inner part) part {
	a, b := netip.MustParseAddr(from).As16(), netip.MustParseAddr(to).As16()
	return part{typeIPv6, slices.Concat([]byte{0x60, 0, 0, 0}, be(uint16(len(inner.octets))), []byte{byte(inner.number), 64}, a[:], b[:], inner.octets)}
}

// Extension headers of IPv6.
func hopByHop(inner part) part    { return extension(0, 8, 0, inner) }
func routing(inner part) part     { return extension(43, 24, 2, inner) }
func destination(inner part) part { return extension(60, 16, 1, inner) }
func authentic(inner part) part   { return extension(51, 24, 4, inner) }

func extension(number uint16, octets int, length byte, inner part) part {
	b := make([]byte, octets)
	b[0], b[1] = byte(inner.number), length
	return part{number, append(b, inner.octets...)}
}

func fragment6(offset uint16, more bool, inner part) part {
	b := []byte{byte(inner.number), 0, byte(offset << 3 >> 8), byte(offset << 3), 0, 0, 0, 9}
	if more {
		b[3] |= 1
	}
	return part{44, append(b, inner.octets...)}
}

func tagged(number uint16, inner part) part {
	return part{number, slices.Concat(be(100), be(inner.number), inner.octets)}
}

func ether(inner part) []byte {
	return slices.Concat([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"), be(inner.number), inner.octets)
}
