package netns

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// A Frame is what a capture saw.
type Frame struct {
	At    time.Duration // since the capture began
	Bytes []byte        // from the Ethernet header on
}

// A Datagram is a UDP datagram in a frame, with what the IPv4 header tells of
// the machine that sent it.
type Datagram struct {
	At       time.Duration // since the capture began
	Src, Dst netip.AddrPort
	TTL      uint8
	ID       uint16
	DF       bool
	Fragment bool   // of a datagram in several frames; ports and Payload are not decoded
	Payload  []byte // a view into the frame
}

// Header sizes and offsets of Ethernet, IPv4 (RFC 791 section 3.1) and UDP.
const (
	etherLen      = 14
	ipv4MinLen    = 20
	udpLen        = 8
	etherTypeIPv4 = 0x0800
	protoUDP      = 17
	flagDF        = 0x4000
	fragmentBits  = 0x3fff // more fragments, and the offset
)

// UDP decodes the frame, and reports whether it holds a UDP datagram over
// IPv4. The payload is cut where the UDP header says it ends.
func (f Frame) UDP() (Datagram, bool) {
	d := Datagram{At: f.At}
	if len(f.Bytes) < etherLen+ipv4MinLen || binary.BigEndian.Uint16(f.Bytes[12:]) != etherTypeIPv4 {
		return d, false
	}
	ip := f.Bytes[etherLen:]
	head, total := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
	if ip[0]>>4 != 4 || head < ipv4MinLen || total < head || total > len(ip) || ip[9] != protoUDP {
		return d, false
	}
	flags := binary.BigEndian.Uint16(ip[6:])
	d.TTL, d.ID, d.DF = ip[8], binary.BigEndian.Uint16(ip[4:]), flags&flagDF != 0
	src, dst := netip.AddrFrom4([4]byte(ip[12:16])), netip.AddrFrom4([4]byte(ip[16:20]))
	udp := ip[head:total]
	if d.Fragment = flags&fragmentBits != 0; d.Fragment {
		d.Src, d.Dst, d.Payload = netip.AddrPortFrom(src, 0), netip.AddrPortFrom(dst, 0), udp
		return d, true
	}
	if len(udp) < udpLen {
		return d, false
	}
	length := int(binary.BigEndian.Uint16(udp[4:]))
	if length < udpLen || length > len(udp) {
		return d, false
	}
	d.Src = netip.AddrPortFrom(src, binary.BigEndian.Uint16(udp[0:]))
	d.Dst = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(udp[2:]))
	d.Payload = udp[udpLen:length:length]
	return d, true
}
