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

// A Datagram is a UDP datagram in a frame, with what the IP header tells of
// the machine that sent it.
type Datagram struct {
	At       time.Duration // since the capture began
	Src, Dst netip.AddrPort
	TTL      uint8  // or hop limit
	ID       uint16 // of IPv4
	DF       bool   // of IPv4
	Label    uint32 // flow label of IPv6
	Fragment bool   // of a datagram in several frames; ports and Payload are not decoded
	Payload  []byte // a view into the frame
}

// A Segment is a TCP segment in a frame.
type Segment struct {
	At       time.Duration // since the capture began
	Src, Dst netip.AddrPort
	TTL      uint8  // or hop limit
	Label    uint32 // flow label of IPv6
	Seq      uint32
	SYN, FIN bool
	RST      bool
	Payload  []byte // a view into the frame
}

// Header sizes and offsets of Ethernet, IPv4 (RFC 791 section 3.1), IPv6 (RFC
// 8200 section 3), UDP and TCP.
const (
	etherLen      = 14
	ipv4MinLen    = 20
	ipv6Len       = 40
	udpLen        = 8
	tcpMinLen     = 20
	etherTypeIPv4 = 0x0800
	etherTypeIPv6 = 0x86dd
	protoTCP      = 6
	protoUDP      = 17
	protoFragment = 44
	flagDF        = 0x4000
	fragmentBits  = 0x3fff // more fragments, and the offset
)

// A packet is an IP packet.
type packet struct {
	src, dst netip.Addr
	ttl      uint8
	id       uint16
	df       bool
	label    uint32
	proto    uint8
	fragment bool
	payload  []byte
}

func (f Frame) packet() (packet, bool) {
	if len(f.Bytes) < etherLen {
		return packet{}, false
	}
	switch ip := f.Bytes[etherLen:]; binary.BigEndian.Uint16(f.Bytes[12:]) {
	case etherTypeIPv4:
		return packet4(ip)
	case etherTypeIPv6:
		return packet6(ip)
	}
	return packet{}, false
}

func packet4(ip []byte) (p packet, ok bool) {
	if len(ip) < ipv4MinLen {
		return p, false
	}
	head, total := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
	if ip[0]>>4 != 4 || head < ipv4MinLen || total < head || total > len(ip) {
		return p, false
	}
	flags := binary.BigEndian.Uint16(ip[6:])
	return packet{
		src: netip.AddrFrom4([4]byte(ip[12:16])), dst: netip.AddrFrom4([4]byte(ip[16:20])),
		ttl: ip[8], id: binary.BigEndian.Uint16(ip[4:]), df: flags&flagDF != 0, proto: ip[9],
		fragment: flags&fragmentBits != 0, payload: ip[head:total],
	}, true
}

// packet6 knows one extension header: that of fragments.
func packet6(ip []byte) (p packet, ok bool) {
	if len(ip) < ipv6Len || ip[0]>>4 != 6 {
		return p, false
	}
	end := ipv6Len + int(binary.BigEndian.Uint16(ip[4:]))
	if end > len(ip) {
		return p, false
	}
	p = packet{
		src: netip.AddrFrom16([16]byte(ip[8:24])), dst: netip.AddrFrom16([16]byte(ip[24:40])),
		ttl: ip[7], label: binary.BigEndian.Uint32(ip) & 0xfffff, proto: ip[6], payload: ip[ipv6Len:end],
	}
	if p.proto == protoFragment && len(p.payload) >= 8 {
		p.proto, p.fragment, p.payload = p.payload[0], true, p.payload[8:]
	}
	return p, true
}

// UDP decodes the frame, and reports whether it holds a UDP datagram. The
// payload is cut where the UDP header says it ends.
func (f Frame) UDP() (Datagram, bool) {
	p, ok := f.packet()
	if !ok || p.proto != protoUDP {
		return Datagram{At: f.At}, false
	}
	d := Datagram{At: f.At, TTL: p.ttl, ID: p.id, DF: p.df, Label: p.label, Fragment: p.fragment}
	udp := p.payload
	if d.Fragment {
		d.Src, d.Dst, d.Payload = netip.AddrPortFrom(p.src, 0), netip.AddrPortFrom(p.dst, 0), udp
		return d, true
	}
	if len(udp) < udpLen {
		return d, false
	}
	length := int(binary.BigEndian.Uint16(udp[4:]))
	if length < udpLen || length > len(udp) {
		return d, false
	}
	d.Src, d.Dst = ports(&p)
	d.Payload = udp[udpLen:length:length]
	return d, true
}

// TCP decodes the frame, and reports whether it holds a TCP segment.
func (f Frame) TCP() (Segment, bool) {
	p, ok := f.packet()
	if !ok || p.proto != protoTCP || p.fragment || len(p.payload) < tcpMinLen {
		return Segment{At: f.At}, false
	}
	tcp := p.payload
	head := int(tcp[12]>>4) * 4
	if head < tcpMinLen || head > len(tcp) {
		return Segment{At: f.At}, false
	}
	s := Segment{At: f.At, TTL: p.ttl, Label: p.label, Seq: binary.BigEndian.Uint32(tcp[4:]),
		FIN: tcp[13]&1 != 0, SYN: tcp[13]&2 != 0, RST: tcp[13]&4 != 0, Payload: tcp[head:len(tcp):len(tcp)]}
	s.Src, s.Dst = ports(&p)
	return s, true
}

func ports(p *packet) (src, dst netip.AddrPort) {
	return netip.AddrPortFrom(p.src, binary.BigEndian.Uint16(p.payload)), netip.AddrPortFrom(p.dst, binary.BigEndian.Uint16(p.payload[2:]))
}
