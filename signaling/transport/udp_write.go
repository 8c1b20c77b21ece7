package transport

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ours:
const (
	writeBatch = 32 // datagrams a system call; longer slices take several
	// 1 ms: a send buffer that does not drain in the time of a thousand
	// datagrams belongs to a device that stands still.
	writeWaitMillis = 1
)

// ErrFull tells that the send buffer had no room, and got none within a
// millisecond. The datagram is dropped: what matters is sent again by its
// transaction.
var ErrFull = errors.New("send buffer full")

// A Datagram is one that goes out. Bytes may be used again as soon as
// WriteBatch returns.
type Datagram struct {
	Dst   netip.AddrPort
	Bytes []byte
	Err   error // set by WriteBatch: nil when the kernel took it
}

// WriteBatch sends out in its order and returns how many the kernel took, and
// the first of their errors. A datagram that fails does not keep the others
// back; its own error is in its Err: ErrFull, net.ErrClosed, or the kernel's
// (a syscall.Errno). The call waits at most a millisecond, and only if the
// buffer was not full before.
func (u *UDP) WriteBatch(out []Datagram) (sent int, err error) {
	s := senders.Get().(*sender)
	s.u, s.out = u, out
	if cerr := u.raw.Control(s.call); cerr != nil {
		for i := range out {
			out[i].Err = net.ErrClosed
		}
		s.err, s.sent = net.ErrClosed, 0
	}
	sent, err = s.sent, s.err
	s.reset()
	senders.Put(s)
	return sent, err
}

// A sender is the memory of one WriteBatch. It takes the socket by
// RawConn.Control, not Write: Write admits one goroutine at a time, and the
// kernel does not need that.
type sender struct {
	call func(fd uintptr) // s.send, bound once

	u    *UDP
	out  []Datagram
	sent int
	err  error

	msgs   [writeBatch]mmsghdr
	iovecs [writeBatch]unix.Iovec
	names  [writeBatch]sockaddr
}

var senders = sync.Pool{New: func() any {
	s := new(sender)
	s.call = s.send
	for i := range s.msgs {
		s.msgs[i].hdr.Name = &s.names[i][0]
		s.msgs[i].hdr.Iov = &s.iovecs[i]
		s.msgs[i].hdr.SetIovlen(1)
	}
	return s
}}

// reset drops what a pooled sender must not keep alive.
func (s *sender) reset() {
	s.u, s.out, s.sent, s.err = nil, nil, 0, nil
	for i := range s.iovecs {
		s.iovecs[i].Base = nil
	}
}

func (s *sender) send(fd uintptr) {
	waited := s.u.stalled.Load()
	for at := 0; at < len(s.out); {
		part := s.out[at:min(at+writeBatch, len(s.out))]
		n := s.fill(part)
		if n == 0 { // not of this socket's family
			s.fail(&part[0], unix.EAFNOSUPPORT)
			at++
			continue
		}
		took, errno := mmsg(unix.SYS_SENDMMSG, fd, s.msgs[:n])
		for i := range part[:took] {
			part[i].Err = nil
		}
		s.took(took)
		at += took
		switch errno {
		case 0, unix.EINTR:
		case unix.EAGAIN, unix.ENOBUFS:
			if waited {
				s.failAll(s.out[at:])
				return
			}
			waited = true
			s.u.stalled.Store(!writable(fd))
		default:
			s.fail(&s.out[at], errno)
			at++
		}
	}
}

// fill writes the headers of the leading datagrams that this socket can send
// and returns how many those are.
func (s *sender) fill(part []Datagram) int {
	ip4 := s.u.local.Addr().Is4()
	for i := range part {
		size := s.names[i].set(part[i].Dst, ip4)
		if size == 0 {
			return i
		}
		s.msgs[i].hdr.Namelen = size
		s.iovecs[i].Base = unsafe.SliceData(part[i].Bytes)
		s.iovecs[i].SetLen(len(part[i].Bytes))
	}
	return len(part)
}

func (s *sender) took(n int) {
	if n == 0 {
		return
	}
	s.sent += n
	s.u.out.Add(uint64(n))
	if s.u.stalled.Load() {
		s.u.stalled.Store(false)
	}
}

func (s *sender) fail(d *Datagram, errno unix.Errno) {
	d.Err = errno
	s.u.refused.Add(1)
	if s.err == nil {
		s.err = errno
	}
}

func (s *sender) failAll(rest []Datagram) {
	for i := range rest {
		rest[i].Err = ErrFull
	}
	s.u.full.Add(uint64(len(rest)))
	if s.err == nil {
		s.err = ErrFull
	}
}

// writable waits a moment for room in the send buffer. It is a plain blocking
// call: the scheduler gives the processor to others meanwhile.
func writable(fd uintptr) bool {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(p[:], writeWaitMillis)
	return err == nil && n == 1
}
