package world

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

// A Socket is one of the load, of UDP over IPv4, in a namespace. One goroutine may
// use it.
type Socket struct {
	FD  int // never blocks; for poll(2)
	buf [datagramMax]byte
	oob [128]byte
}

// Open opens a socket in a namespace, at an address or at all of them.
func Open(s *netns.Space, at netip.AddrPort) (*Socket, error) {
	k := new(Socket)
	err := s.Do(func() (err error) {
		k.FD, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open a socket of the load: %w", err)
	}
	for _, o := range [][3]int{
		{unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer}, {unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBuffer},
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1}, {unix.IPPROTO_IP, unix.IP_PKTINFO, 1},
	} {
		if err := unix.SetsockoptInt(k.FD, o[0], o[1], o[2]); err != nil {
			k.Close()
			return nil, fmt.Errorf("prepare a socket of the load: option %d: %w", o[1], err)
		}
	}
	if err := unix.Bind(k.FD, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		k.Close()
		return nil, fmt.Errorf("bind a socket of the load: %w", err)
	}
	return k, nil
}

// Close closes the socket.
func (k *Socket) Close() { _ = unix.Close(k.FD) }

// Send sends b to an address.
func (k *Socket) Send(to netip.AddrPort, b []byte) error {
	if err := unix.Sendto(k.FD, b, 0, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
		return fmt.Errorf("send to %v: %w", to, err)
	}
	return nil
}

// SendFrom sends b from an address of the namespace, by a socket that is bound to
// none.
func (k *Socket) SendFrom(from netip.Addr, to netip.AddrPort, b []byte) error {
	oob := unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: from.As4()})
	if err := unix.Sendmsg(k.FD, b, oob, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}, 0); err != nil {
		return fmt.Errorf("send from %v to %v: %w", from, to, err)
	}
	return nil
}

// A Datagram is what came to a socket, valid until its next Receive.
type Datagram struct {
	Bytes []byte
	From  netip.AddrPort
	To    netip.Addr
	At    int64 // by the kernel, in nanoseconds since 1970
}

// Receive takes what has come; ok is false if nothing has.
func (k *Socket) Receive() (d Datagram, ok bool, err error) {
	n, oobn, _, from, err := unix.Recvmsg(k.FD, k.buf[:], k.oob[:], 0)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("receive: %w", err)
	}
	d.Bytes = k.buf[:n]
	if a, ok := from.(*unix.SockaddrInet4); ok {
		d.From = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	}
	messages, err := unix.ParseSocketControlMessage(k.oob[:oobn])
	if err != nil {
		return d, false, fmt.Errorf("receive: %w", err)
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16:
			d.At = int64(binary.NativeEndian.Uint64(m.Data))*1e9 + int64(binary.NativeEndian.Uint64(m.Data[8:]))
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO && len(m.Data) >= 12:
			d.To = netip.AddrFrom4([4]byte(m.Data[8:12]))
		}
	}
	return d, true, nil
}
