package bleed

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A socket is a UDP socket of somebody who is not us. Nothing waits for it.
type socket struct {
	fd   int
	addr netip.AddrPort
	buf  [2048]byte
}

// Ours: what waits until the next tick fits many times.
const buffer = 1 << 20

// newSocket returns a socket at a free port of a.
func newSocket(a netip.Addr) (*socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	s := &socket{fd: fd}
	if err := s.bind(a); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("bind socket to %v: %w", a, err)
	}
	return s, nil
}

func (s *socket) bind(a netip.Addr) error {
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer); err != nil {
		return err
	}
	if err := unix.Bind(s.fd, &unix.SockaddrInet4{Addr: a.As4()}); err != nil {
		return err
	}
	self, err := unix.Getsockname(s.fd)
	if err != nil {
		return err
	}
	in, ok := self.(*unix.SockaddrInet4)
	if !ok {
		return unix.EAFNOSUPPORT
	}
	s.addr = netip.AddrPortFrom(a, uint16(in.Port))
	return nil
}

// send sends b. That nobody is there, or that the kernel has no room now, is
// no error.
func (s *socket) send(to netip.AddrPort, b []byte) error {
	err := unix.Sendto(s.fd, b, unix.MSG_DONTWAIT, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	if err != nil && !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.ENOBUFS) {
		return fmt.Errorf("send to %v: %w", to, err)
	}
	return nil
}

// each calls do with every datagram that has come. It is valid within do only.
func (s *socket) each(do func(b []byte)) error {
	for {
		n, _, err := unix.Recvfrom(s.fd, s.buf[:], unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNREFUSED):
			continue
		case err != nil:
			return fmt.Errorf("receive at %v: %w", s.addr, err)
		}
		do(s.buf[:n])
	}
}

func (s *socket) close() error { return unix.Close(s.fd) }
