package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batch      = 32      // datagrams taken by one system call
	endBuffer  = 8 << 20 // octets: the load never loses what came
	roomOfTime = 64      // octets for a control message with a time
)

// An end is the socket of the far ends of one side.
type end struct {
	fd   int
	addr netip.AddrPort

	msgs [batch]mmsghdr
	iovs [batch]unix.Iovec
	bufs [batch][2048]byte
	oobs [batch][roomOfTime]byte
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

// newEnd opens a socket in the namespace of the calling thread.
func newEnd(at netip.AddrPort) (*end, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open far end: %w", err)
	}
	e := &end{fd: fd, addr: at}
	for _, o := range []struct{ name, value int }{
		{unix.SO_RCVBUFFORCE, endBuffer}, {unix.SO_SNDBUFFORCE, endBuffer}, {unix.SO_TIMESTAMPNS, 1},
	} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, o.name, o.value); err != nil {
			e.close()
			return nil, fmt.Errorf("prepare far end: option %d: %w", o.name, err)
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		e.close()
		return nil, fmt.Errorf("bind far end to %v: %w", at, err)
	}
	for i := range e.msgs {
		e.iovs[i].Base = &e.bufs[i][0]
		e.iovs[i].SetLen(len(e.bufs[i]))
		e.msgs[i].hdr.Iov = &e.iovs[i]
		e.msgs[i].hdr.SetIovlen(1)
		e.msgs[i].hdr.Control = &e.oobs[i][0]
	}
	return e, nil
}

func (e *end) close() {
	if e != nil {
		_ = unix.Close(e.fd)
	}
}

// send sends b at once.
func (e *end) send(to *unix.RawSockaddrInet4, b []byte) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(e.fd),
		uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT,
		uintptr(unsafe.Pointer(to)), unix.SizeofSockaddrInet4)
	if errno != 0 {
		return fmt.Errorf("send: %w", errno)
	}
	return nil
}

// receive takes what has come, and gives each datagram to f with the time of
// its arrival in nanoseconds since 1970. It returns how many there were.
func (e *end) receive(f func(b []byte, at int64)) (int, error) {
	for i := range e.msgs {
		e.msgs[i].hdr.SetControllen(roomOfTime)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(e.fd),
		uintptr(unsafe.Pointer(&e.msgs[0])), batch, unix.MSG_DONTWAIT, 0, 0)
	if errors.Is(errno, unix.EAGAIN) || errors.Is(errno, unix.EINTR) {
		return 0, nil
	}
	if errno != 0 {
		return 0, fmt.Errorf("receive: %w", errno)
	}
	for i := range int(n) {
		at, ok := arrival(e.oobs[i][:e.msgs[i].hdr.Controllen])
		if !ok {
			return 0, errors.New("receive: the kernel did not stamp a packet")
		}
		f(e.bufs[i][:e.msgs[i].len], at)
	}
	return int(n), nil
}

// arrival reads the kernel's stamp.
func arrival(oob []byte) (int64, bool) {
	const data = unix.SizeofCmsghdr
	if len(oob) < data+16 {
		return 0, false
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
	if h.Level != unix.SOL_SOCKET || h.Type != unix.SCM_TIMESTAMPNS {
		return 0, false
	}
	sec := int64(binary.NativeEndian.Uint64(oob[data:]))
	nsec := int64(binary.NativeEndian.Uint64(oob[data+8:]))
	return sec*1e9 + nsec, true
}
