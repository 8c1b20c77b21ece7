package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"sbc/lab/netns"
)

// Ours:
const (
	socketBuffer = 8 << 20 // octets: the load never loses what came
	datagramMax  = 4096
)

// A socket is one of the load, in a namespace.
type socket struct {
	fd  int
	buf [datagramMax]byte
	oob [128]byte
}

// open opens a socket in a namespace, at an address or at all of them.
func open(s *netns.Space, at netip.AddrPort) (*socket, error) {
	k := new(socket)
	err := s.Do(func() (err error) {
		k.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open a socket of the load: %w", err)
	}
	for _, o := range [][3]int{
		{unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer}, {unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBuffer},
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1},
	} {
		if err := unix.SetsockoptInt(k.fd, o[0], o[1], o[2]); err != nil {
			k.close()
			return nil, fmt.Errorf("prepare a socket of the load: option %d: %w", o[1], err)
		}
	}
	if err := unix.Bind(k.fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		k.close()
		return nil, fmt.Errorf("bind a socket of the load: %w", err)
	}
	return k, nil
}

func (k *socket) close() { _ = unix.Close(k.fd) }

func (k *socket) send(to netip.AddrPort, b []byte) error {
	if err := unix.Sendto(k.fd, b, 0, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
		return fmt.Errorf("send to %v: %w", to, err)
	}
	return nil
}

// sendFrom sends b from an address of the namespace, by a socket that is bound to
// none.
func (k *socket) sendFrom(from netip.Addr, to netip.AddrPort, b []byte) error {
	oob := unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: from.As4()})
	if err := unix.Sendmsg(k.fd, b, oob, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}, 0); err != nil {
		return fmt.Errorf("send from %v to %v: %w", from, to, err)
	}
	return nil
}

// A datagram is what came to a socket, valid until its next receive.
type datagram struct {
	b    []byte
	from netip.AddrPort
	at   int64 // by the kernel, in nanoseconds since 1970
}

// receive takes what has come; ok is false if nothing has.
func (k *socket) receive() (d datagram, ok bool, err error) {
	n, oobn, _, from, err := unix.Recvmsg(k.fd, k.buf[:], k.oob[:], 0)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("receive: %w", err)
	}
	d.b = k.buf[:n]
	if a, ok := from.(*unix.SockaddrInet4); ok {
		d.from = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	}
	messages, err := unix.ParseSocketControlMessage(k.oob[:oobn])
	if err != nil {
		return d, false, fmt.Errorf("receive: %w", err)
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			d.at = int64(binary.NativeEndian.Uint64(m.Data))*1e9 + int64(binary.NativeEndian.Uint64(m.Data[8:]))
		}
	}
	return d, true, nil
}
