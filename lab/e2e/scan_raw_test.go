package e2e

import (
	"encoding/binary"
	"net/netip"
	"syscall"
)

// A forger sends packets with any source address that it likes, from a host on the
// internet.
type forger struct {
	s    *stranger
	fd   int
	room []byte
}

// forger opens a raw socket of the stranger.
func (s *stranger) forger() *forger {
	s.n.t.Helper()
	f := &forger{s: s}
	s.n.must(s.space.Do(func() (err error) {
		f.fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.IPPROTO_RAW)
		return err
	}))
	s.n.t.Cleanup(func() { syscall.Close(f.fd) })
	return f
}

// udp sends a datagram to the border in somebody's name.
func (f *forger) udp(src netip.AddrPort, payload []byte) {
	f.s.n.t.Helper()
	b := f.begin(src.Addr(), syscall.IPPROTO_UDP)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, sipPort)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	b = append(b, 0, 0) // no checksum (RFC 768)
	f.send(append(b, payload...))
}

// syn begins a connection to the border in somebody's name, and never ends the
// handshake.
func (f *forger) syn(src netip.AddrPort, seq uint32) {
	f.s.n.t.Helper()
	b := f.begin(src.Addr(), syscall.IPPROTO_TCP)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, sipPort)
	b = binary.BigEndian.AppendUint32(b, seq)
	b = append(b, 0, 0, 0, 0, 5<<4, 2, 0xff, 0xff, 0, 0, 0, 0)
	binary.BigEndian.PutUint16(b[36:], checksum(b))
	f.send(b)
}

// begin writes the IPv4 header of a packet to the border (RFC 791 section 3.1). The
// kernel adds length, number and checksum.
func (f *forger) begin(src netip.Addr, proto byte) []byte {
	b := append(f.room[:0], 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, proto, 0, 0)
	b = append(b, src.AsSlice()...)
	return append(b, outsideAddr.AsSlice()...)
}

// checksum is that of a TCP segment in a packet without options (RFC 9293 section
// 3.1).
func checksum(b []byte) uint16 {
	sum := uint32(syscall.IPPROTO_TCP) + uint32(len(b)-20)
	for i := 12; i+1 < len(b); i += 2 { // the addresses, and the segment
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

func (f *forger) send(b []byte) {
	f.room = b
	to := &syscall.SockaddrInet4{Addr: outsideAddr.As4()}
	// A queue that is full passes.
	if err := syscall.Sendto(f.fd, b, 0, to); err != nil && err != syscall.ENOBUFS {
		f.s.n.t.Error(err)
	}
}
