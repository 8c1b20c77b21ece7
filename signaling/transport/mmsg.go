package transport

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An mmsghdr is struct mmsghdr of recvmmsg(2) and sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// A sockaddr has room for sockaddr_in and sockaddr_in6.
type sockaddr [unix.SizeofSockaddrInet6]byte

// addrPort reads what the kernel wrote. Only a link-local address allocates,
// for its zone.
func (s *sockaddr) addrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(s[2:])
	switch binary.NativeEndian.Uint16(s[:]) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(s[4:8])), port)
	case unix.AF_INET6:
		a := netip.AddrFrom16([16]byte(s[8:24]))
		if zone := binary.NativeEndian.Uint32(s[24:]); zone != 0 {
			a = a.WithZone(strconv.Itoa(int(zone)))
		}
		return netip.AddrPortFrom(a, port)
	}
	return netip.AddrPort{}
}

// set writes dst and returns how many octets the kernel shall read; 0 when
// dst is not of the socket's family.
func (s *sockaddr) set(dst netip.AddrPort, ip4 bool) uint32 {
	a := dst.Addr().Unmap()
	if !a.IsValid() || a.Is4() != ip4 {
		return 0
	}
	binary.BigEndian.PutUint16(s[2:], dst.Port())
	if ip4 {
		binary.NativeEndian.PutUint16(s[:], unix.AF_INET)
		*(*[4]byte)(s[4:8]) = a.As4()
		clear(s[8:16])
		return unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(s[:], unix.AF_INET6)
	clear(s[4:8])
	*(*[16]byte)(s[8:24]) = a.As16()
	zone := 0
	if z := a.Zone(); z != "" { // a number, as addrPort wrote it
		zone, _ = strconv.Atoi(z)
	}
	binary.NativeEndian.PutUint32(s[24:], uint32(zone))
	return unix.SizeofSockaddrInet6
}

// mmsg calls recvmmsg or sendmmsg. The socket is non-blocking: the call is
// raw, since it never waits. Were the scheduler told of each call, it would
// wake its watchdog thread, and give the processor to another thread meanwhile.
func mmsg(call uintptr, fd uintptr, msgs []mmsghdr) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(msgs))), uintptr(len(msgs)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// socketDrops reads how many datagrams the kernel dropped for lack of room.
func socketDrops(fd int) uint32 {
	var info [memInfoDrops + 1]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0
	}
	return info[memInfoDrops]
}
