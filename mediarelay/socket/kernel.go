package socket

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernel are the system calls that opening and closing a stream need, so that
// a test can make each of them fail.
type kernel struct {
	socket     func(domain, kind, proto int) (fd int, err error)
	setsockopt func(fd, level, option, value int) error
	bind       func(fd int, a netip.AddrPort) error
	epollAdd   func(epfd, fd int, ev *unix.EpollEvent) error
	close      func(fd int) error
}

// The calls are raw, as those of datagram: none of them waits, and a call has
// two dozen of them.
var linux = kernel{
	socket: unix.Socket,
	setsockopt: func(fd, level, option, value int) error {
		v := int32(value)
		_, _, errno := unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option),
			uintptr(unsafe.Pointer(&v)), unsafe.Sizeof(v), 0)
		return failure(errno)
	},
	bind: func(fd int, a netip.AddrPort) error {
		var raw unix.RawSockaddrAny
		n := rawSockaddr(&raw, a)
		_, _, errno := unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&raw)), n)
		return failure(errno)
	},
	epollAdd: func(epfd, fd int, ev *unix.EpollEvent) error {
		return unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, fd, ev)
	},
	close: func(fd int) error {
		_, _, errno := unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
		return failure(errno)
	},
}

func failure(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
