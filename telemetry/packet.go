package telemetry

import (
	"encoding/binary"
	"net/netip"
)

// The headers that a Pcap puts before a message: RFC 791, RFC 8200, RFC 768.
const (
	ip4Header = 20
	ip6Header = 40
	udpHeader = 8
	protoUDP  = 17
	hops      = 64
	ipMax     = 1<<16 - 1
)

// PacketMax is the longest message that fits into a packet of either family.
const PacketMax = ipMax - ip4Header - udpHeader

// appendPacket appends payload as a datagram from src to dst, which are of one
// family.
func appendPacket(b []byte, src, dst netip.AddrPort, payload []byte) []byte {
	length := udpHeader + len(payload)
	if src.Addr().Is4() {
		b = appendIP4(b, src.Addr().As4(), dst.Addr().As4(), length)
	} else {
		b = appendIP6(b, src.Addr().As16(), dst.Addr().As16(), length)
	}
	at := len(b)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(length))
	b = append(b, 0, 0)
	b = append(b, payload...)
	// The pseudo header of RFC 768 and of RFC 8200 section 8.1 has the same sum.
	sum := add(add(protoUDP+uint32(length), src.Addr().AsSlice()), dst.Addr().AsSlice())
	check := fold(add(sum, b[at:]))
	if check == 0 {
		check = 0xffff
	}
	binary.BigEndian.PutUint16(b[at+6:], check)
	return b
}

func appendIP4(b []byte, src, dst [4]byte, length int) []byte {
	at := len(b)
	b = append(b, 4<<4|ip4Header/4, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(ip4Header+length))
	b = append(b, 0, 0, 0, 0, hops, protoUDP, 0, 0)
	b = append(append(b, src[:]...), dst[:]...)
	binary.BigEndian.PutUint16(b[at+10:], fold(add(0, b[at:])))
	return b
}

func appendIP6(b []byte, src, dst [16]byte, length int) []byte {
	b = append(b, 6<<4, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(length))
	b = append(b, protoUDP, hops)
	return append(append(b, src[:]...), dst[:]...)
}

// add adds b to a sum of RFC 1071. It takes less than 2^16 octets.
func add(sum uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
