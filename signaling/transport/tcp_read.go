package transport

import (
	"errors"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sbc/signaling/sip"
)

// Ours:
const (
	// 10 in 10 s: by RFC 5626 section 4.4 a client sends one in some 100 s;
	// what is beyond costs us the look at its octets.
	pongsMax    = 10
	pongsPeriod = 10 * time.Second
	// 256 KiB: what may lie behind a broken message before we stop to be polite.
	drainMax = 256 << 10
)

// reading is what the reader of a connection knows.
type reading struct {
	frames framer
	ws     *webSocket // instead of frames; nil: not of WebSocket
	early  []byte     // what came behind the handshakes, with their last octets
	held   int        // octets of a begun message that are counted in TCP.held
	begun  bool       // a message has begun, and its deadline runs
	spoke  bool       // a whole message has come
	got    bool       // one in the last read

	pongs int           // answered in this period
	since time.Duration // when it began

	// Of the last read.
	receive func(fd uintptr) bool // c.recv, bound once
	s       *scratch
	n       int
	errno   unix.Errno
}

// read reads c until its end.
func (c *conn) read() {
	defer c.leave()
	c.in.receive = c.recv
	if c.is(dialling) && (!c.shake() || !c.opened()) {
		return
	}
	if c.inbound {
		c.arm(c.t.opt.First)
	} else {
		c.arm(c.t.opt.Idle)
	}
	if c.layers && !c.begin() {
		return
	}
	for {
		err := c.raw.Read(c.in.receive)
		switch {
		case c.is(gone):
			c.putBack()
			return
		case c.is(closing):
			c.putBack()
			c.drain()
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			if !c.late() {
				return
			}
		case err != nil, c.in.errno != 0, c.in.n == 0:
			c.putBack()
			c.broken()
			return
		case !c.take():
			return
		}
	}
}

// recv is called by the netpoller's loop; false: wait until readable. Memory is
// taken only when there is something to read.
func (c *conn) recv(fd uintptr) bool {
	in := &c.in
	in.s = scratches.Get().(*scratch)
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&in.s.buf[0])), scratchOctets, unix.MSG_DONTWAIT, 0, 0)
		switch in.n, in.errno = int(n), errno; errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			c.putBack()
			return false
		}
		return true
	}
}

// putBack returns the memory of the last read.
func (c *conn) putBack() {
	if c.in.s != nil {
		scratches.Put(c.in.s)
		c.in.s = nil
	}
}

// take handles what the last read brought. False: c is not to be read on.
func (c *conn) take() bool {
	in := &c.in
	c.last.Store(int64(c.t.now()))
	in.got = false
	v := c.decode(in.s.buf[:in.n])
	c.putBack()
	return c.judge(v)
}

// judge does what a verdict asks for. False: c is not to be read on.
func (c *conn) judge(v verdict) bool {
	in := &c.in
	switch v {
	case going:
	case lost:
		c.waitForAnswer()
		return false
	default:
		c.condemn(v)
		return false
	}
	octets, begun := c.kept()
	if more := octets - in.held; more != 0 {
		if !c.t.hold(more) {
			c.cut(CutLimit)
			return false
		}
		in.held += more
	}
	c.clock(begun)
	return true
}

// clock sets the deadline: for a message that has begun, or for silence. A
// connection on which all is well keeps the one that it has.
func (c *conn) clock(begun bool) {
	in := &c.in
	switch {
	case begun && (!in.begun || in.got):
		c.arm(c.t.opt.Message)
	case !begun && in.begun:
		c.arm(c.t.opt.Idle)
	}
	in.begun = begun
}

// arm sets the read deadline, unless CloseAfter has set one.
func (c *conn) arm(after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.is(up) {
		_ = c.tcp.SetReadDeadline(time.Now().Add(after))
	}
}

// late judges a deadline that has passed. False: it ended the connection.
func (c *conn) late() bool {
	quiet := c.t.now() - time.Duration(c.last.Load())
	switch {
	case c.in.begun:
		c.cut(CutSlow)
	case (c.inbound && !c.in.spoke || quiet >= c.t.opt.Idle) && c.layers:
		c.dismiss(CutIdle, codeGoingAway, false)
	case c.inbound && !c.in.spoke, quiet >= c.t.opt.Idle:
		c.cut(CutIdle)
	default:
		c.arm(c.t.opt.Idle - quiet)
		return true
	}
	return false
}

// broken ends c when the far end has ended it, or the kernel.
func (c *conn) broken() {
	if c.in.errno == unix.ETIMEDOUT {
		c.cut(CutSlow) // it acknowledged nothing
		return
	}
	c.end()
}

// waitForAnswer leaves unread what stands behind a broken message until the
// handler has called CloseAfter.
func (c *conn) waitForAnswer() {
	c.arm(c.t.opt.Close)
	_ = c.raw.Read(func(uintptr) bool { return c.is(gone) })
	c.drain()
}

// drain throws away what comes until the far end closes, or is late.
func (c *conn) drain() {
	defer c.end()
	if !c.is(closing) {
		return
	}
	_ = c.tcp.SetReadDeadline(time.Now().Add(c.t.opt.Close))
	for octets := 0; octets < drainMax; octets += c.in.n {
		err := c.raw.Read(c.in.receive)
		c.putBack()
		if err != nil || c.in.errno != 0 || c.in.n == 0 {
			return
		}
	}
}

// message is called by the framer.
func (c *conn) message(m *sip.Message, err error) {
	c.in.spoke, c.in.got = true, true
	c.t.n.received.Add(1)
	if h := c.t.opt.Handler.Message; h != nil {
		h(c.flow(), m, err)
	}
}

// ping is called by the framer: a client asks whether the connection lives
// (RFC 5626 section 4.4.1).
func (c *conn) ping() {
	if c.mayPong() && c.send(0, pong) == nil {
		c.t.n.pings.Add(1)
	}
}

// mayPong counts a ping. False: there were too many.
func (c *conn) mayPong() bool {
	in := &c.in
	now := time.Duration(c.last.Load())
	if in.pongs == 0 || now-in.since >= pongsPeriod {
		in.pongs, in.since = 0, now
	}
	in.pongs++
	return in.pongs <= pongsMax
}

var pong = []byte("\r\n")
