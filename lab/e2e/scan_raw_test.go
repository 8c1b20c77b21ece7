package e2e

import (
	"encoding/binary"
	"net/netip"
	"syscall"
)

// strangerAddr6 is where a forger of IPv6 has its cable.
var strangerAddr6 = netip.MustParseAddr("2001:db8:1::66")

// A forger sends packets with any source address that it likes, from a host on the
// internet.
type forger struct {
	s    *stranger
	fd   int
	to   syscall.Sockaddr
	room []byte
}

// forger opens a raw socket of the stranger.
func (s *stranger) forger() *forger {
	s.n.t.Helper()
	f, family := &forger{s: s}, syscall.AF_INET
	if to := s.n.itsp.border; to.Is6() {
		family, f.to = syscall.AF_INET6, &syscall.SockaddrInet6{Addr: to.As16()}
		s.n.must(s.space.AddAddr("eth0", netip.PrefixFrom(strangerAddr6, 64)))
	} else {
		f.to = &syscall.SockaddrInet4{Addr: to.As4()}
	}
	s.n.must(s.space.Do(func() (err error) {
		f.fd, err = syscall.Socket(family, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.IPPROTO_RAW)
		return err
	}))
	s.n.t.Cleanup(func() { syscall.Close(f.fd) })
	return f
}

// udp sends a datagram to the border in somebody's name.
func (f *forger) udp(src netip.AddrPort, payload []byte) {
	f.s.n.t.Helper()
	b := f.begin(src.Addr(), syscall.IPPROTO_UDP, 8+len(payload))
	udp := len(b)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, sipPort)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	b = append(b, 0, 0) // no checksum (RFC 768)
	b = append(b, payload...)
	if src.Addr().Is6() { // which must have one (RFC 8200 section 8.1)
		binary.BigEndian.PutUint16(b[udp+6:], checksum(b[ip6AddressesAt:], syscall.IPPROTO_UDP, len(b)-udp))
	}
	f.send(b)
}

// syn begins a connection to the border in somebody's name, and never ends the
// handshake.
func (f *forger) syn(src netip.AddrPort, seq uint32) {
	f.s.n.t.Helper()
	b := f.begin(src.Addr(), syscall.IPPROTO_TCP, 20)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, sipPort)
	b = binary.BigEndian.AppendUint32(b, seq)
	b = append(b, 0, 0, 0, 0, 5<<4, 2, 0xff, 0xff, 0, 0, 0, 0)
	binary.BigEndian.PutUint16(b[36:], checksum(b[ip4AddressesAt:], syscall.IPPROTO_TCP, 20))
	f.send(b)
}

// Where both addresses begin in the headers (RFC 791 section 3.1, RFC 8200 section
// 3).
const ip4AddressesAt, ip6AddressesAt = 12, 8

// begin writes the header of a packet to the border that carries so many octets. Of
// IPv4 the kernel adds length, number and checksum.
func (f *forger) begin(src netip.Addr, proto byte, length int) []byte {
	b := f.room[:0]
	if src.Is6() {
		b = append(b, 0x60, 0, 0, 0, byte(length>>8), byte(length), proto, 64)
	} else {
		b = append(b, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, proto, 0, 0)
	}
	b = append(b, src.AsSlice()...)
	return append(b, f.s.n.itsp.border.AsSlice()...)
}

// checksum is that of a datagram or segment of so many octets, which follows both
// addresses (RFC 1071, RFC 9293 section 3.1).
func checksum(b []byte, proto uint32, length int) uint16 {
	sum := proto + uint32(length)
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

func (f *forger) send(b []byte) {
	f.room = b
	// A queue that is full passes.
	if err := syscall.Sendto(f.fd, b, 0, f.to); err != nil && err != syscall.ENOBUFS {
		f.s.n.t.Error(err)
	}
}
