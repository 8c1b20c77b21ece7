package socket

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"sbc/mediarelay"
)

// A datagram is a worker's room for one packet. It is on the heap once, so
// that the kernel may be given pointers into it and a packet costs nothing.
type datagram struct {
	from    unix.RawSockaddrAny
	to      unix.RawSockaddrAny
	len     uint32 // of from, as the kernel wants and gives it
	buf     [mediarelay.MaxDatagram + 1]byte
	scratch [mediarelay.ScratchLen]byte
}

// receive takes one datagram from fd without waiting. A datagram that is
// longer than mediarelay.MaxDatagram comes cut, but longer than that.
//
// The call is raw: the scheduler is not told of it, since it never waits.
func (d *datagram) receive(fd int) (b []byte, src netip.AddrPort, errno unix.Errno) {
	d.len = unix.SizeofSockaddrAny
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(&d.buf[0])), uintptr(len(d.buf)),
		unix.MSG_DONTWAIT|unix.MSG_TRUNC,
		uintptr(unsafe.Pointer(&d.from)), uintptr(unsafe.Pointer(&d.len)))
	if errno != 0 {
		return nil, src, errno
	}
	return d.buf[:min(int(n), len(d.buf))], addrPort(&d.from), 0
}

// send sends b from fd to a without waiting, and reports whether the kernel
// took it.
func (d *datagram) send(fd int, a netip.AddrPort, b []byte) bool {
	if len(b) == 0 {
		b = d.buf[:0]
	}
	n := rawSockaddr(&d.to, a)
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL,
		uintptr(unsafe.Pointer(&d.to)), n)
	return errno == 0
}

// addrPort reads what the kernel wrote.
func addrPort(raw *unix.RawSockaddrAny) netip.AddrPort {
	switch raw.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(raw))
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), network(in.Port))
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(raw))
		return netip.AddrPortFrom(netip.AddrFrom16(in.Addr), network(in.Port))
	}
	return netip.AddrPort{}
}

// rawSockaddr writes a for the kernel and returns its length in octets.
func rawSockaddr(raw *unix.RawSockaddrAny, a netip.AddrPort) uintptr {
	if a.Addr().Is4() {
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(raw))
		*in = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: network(a.Port()), Addr: a.Addr().As4()}
		return unix.SizeofSockaddrInet4
	}
	in := (*unix.RawSockaddrInet6)(unsafe.Pointer(raw))
	*in = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: network(a.Port()), Addr: a.Addr().As16()}
	return unix.SizeofSockaddrInet6
}

// network turns a port from network order to the machine's, or back.
func network(port uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], port)
	return binary.BigEndian.Uint16(b[:])
}
