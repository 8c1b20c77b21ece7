package transport

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ours:
const (
	// 1 s: a queue that is full, and of which nothing has left for so long, has
	// nobody at the other end.
	stalledAfter = time.Second
	// A connection may end between look-up and use; three in a row do not.
	attemptsMax = 3
)

// errGone tells that a connection takes nothing more.
var errGone = errors.New("connection is gone")

// Send hands a message to the connection that f names. If f names none, or
// that one is gone, it goes by the newest that leads to f.Remote: one that we
// opened, or one for which Alias said so; if there is none, a new one is
// opened, and the message waits for it.
//
// Send never waits. It does not keep b. conn is the connection that took it.
// What it takes and cannot write is reported to Handler.Failed, if token is not
// 0. The error is ErrFull when the connection's queue, the memory or the number
// of connections is at its limit, net.ErrClosed after Close, ErrInbound where we
// open none, or a syscall.Errno for an address to which there can be no
// connection.
func (t *TCP) Send(f Flow, token uint64, b []byte) (conn uint64, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	to := netip.AddrPortFrom(f.Remote.Addr().Unmap(), f.Remote.Port())
	for range attemptsMax {
		t.mu.RLock()
		c := t.find(f.Conn, to)
		t.mu.RUnlock()
		if c == nil {
			if c, err = t.connect(to); err != nil {
				return 0, err
			}
		}
		if err := c.send(token, b); err != errGone {
			return c.number, err
		}
	}
	return 0, net.ErrClosed
}

// send writes b, or queues what the kernel does not take at once.
func (c *conn) send(token uint64, b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.is(gone) || c.is(closing) {
		return errGone
	}
	if c.layers {
		return c.sendSealed(token, b)
	}
	n := 0
	if !c.writing {
		var errno unix.Errno
		if n, errno = c.push(b); errno != 0 && !again(errno) {
			c.stopLocked(cuts)
			return errGone
		}
		if n == len(b) {
			c.t.n.sent.Add(1)
			return nil
		}
	}
	// The rest of what has begun to leave must follow.
	if n == 0 && (c.queue.left()+len(b) > c.t.opt.Queue || !c.t.hold(len(b))) {
		return c.full()
	}
	if n > 0 {
		c.t.held.Add(int64(len(b) - n))
	}
	c.queue.add(b[n:], token)
	c.busy()
	return nil
}

// full refuses a message, and ends c if nobody reads at its other end. mu is
// held.
func (c *conn) full() error {
	c.t.n.full.Add(1)
	if c.is(up) && c.t.now()-time.Duration(c.moved.Load()) >= stalledAfter {
		c.stopLocked(CutFull)
	}
	return ErrFull
}

// busy has somebody write the queue. mu is held.
func (c *conn) busy() {
	if c.writing {
		return
	}
	c.writing = true
	c.moved.Store(int64(c.t.now()))
	c.join()
	go c.write()
}

// push offers b to the kernel, which takes what it has room for.
func (c *conn) push(b []byte) (int, unix.Errno) {
	p := pushes.Get().(*push)
	p.b = b
	if c.raw.Control(p.call) != nil {
		p.errno = unix.EPIPE
	}
	n, errno := p.n, p.errno
	p.b, p.n, p.errno = nil, 0, 0
	pushes.Put(p)
	if n > 0 {
		now := int64(c.t.now())
		c.last.Store(now)
		c.moved.Store(now)
	}
	return n, errno
}

// A push is the memory of one call of sendto(2).
type push struct {
	call func(fd uintptr) // p.send, bound once

	b     []byte
	n     int
	errno unix.Errno
}

var pushes = sync.Pool{New: func() any {
	p := new(push)
	p.call = p.send
	return p
}}

func (p *push) send(fd uintptr) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p.b))), uintptr(len(p.b)),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if p.errno = errno; errno == 0 {
			p.n = int(n)
		}
		return
	}
}

func again(errno unix.Errno) bool {
	return errno == unix.EAGAIN || errno == unix.ENOBUFS || errno == unix.ENOMEM
}

// write writes the queue until it is empty.
func (c *conn) write() {
	defer c.leave()
	for {
		c.mu.Lock()
		batch := c.queue.take()
		if len(batch) == 0 || c.is(gone) {
			c.writing = false
			if c.is(closing) {
				_ = c.tcp.CloseWrite()
			}
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		_ = c.tcp.SetWriteDeadline(time.Now().Add(c.t.opt.Write))
		if err := c.flush(batch); err != nil {
			why := cuts
			if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, unix.ETIMEDOUT) {
				why = CutSlow
			}
			c.cut(why)
			c.mu.Lock()
			c.writing = false
			c.mu.Unlock()
			return
		}
	}
}

// flush writes batch, and counts what the kernel takes as it takes it.
func (c *conn) flush(batch []byte) error {
	for len(batch) > 0 {
		n, errno := 0, unix.Errno(0)
		err := c.raw.Write(func(uintptr) bool {
			n, errno = c.push(batch)
			return !again(errno)
		})
		if err != nil {
			return err
		}
		if errno != 0 {
			return errno
		}
		batch = batch[n:]
		c.mu.Lock()
		whole := c.queue.wrote(n)
		c.mu.Unlock()
		c.t.held.Add(-int64(n))
		c.t.n.sent.Add(uint64(whole))
	}
	return nil
}
