package transport

import "golang.org/x/sys/unix"

// Stats counts what passed a listener since it was opened.
type Stats struct {
	Received   uint64 // datagrams read
	Sent       uint64 // datagrams that the kernel took
	Overflowed uint64 // dropped by the kernel because nobody read in time
	Truncated  uint64 // dropped because longer than a UDP datagram can be
	Full       uint64 // not sent: no room in the send buffer, ErrFull
	Refused    uint64 // not sent: the kernel gave another error
}

// index of the drops in what SO_MEMINFO gives: SK_MEMINFO_DROPS of
// linux/sock_diag.h.
const memInfoDrops = 8

// Stats reads the counters. Overflowed is the kernel's and 0 after Close.
func (u *UDP) Stats() Stats {
	s := Stats{
		Received:  u.in.Load(),
		Sent:      u.out.Load(),
		Truncated: u.cut.Load(),
		Full:      u.full.Load(),
		Refused:   u.refused.Load(),
	}
	_ = u.raw.Control(func(fd uintptr) { s.Overflowed = uint64(socketDrops(int(fd))) })
	return s
}

// ReceiveBuffer returns the octets that the kernel really keeps for us, its
// own overhead left out. Less than what was asked for means that the process
// lacks CAP_NET_ADMIN and that sysctl net.core.rmem_max is lower.
func (u *UDP) ReceiveBuffer() int {
	n := 0
	_ = u.raw.Control(func(fd uintptr) {
		n, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
	})
	return n / 2 // socket(7): the kernel doubles the value
}
