package transport

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// What a connection is doing.
//
//	dialling ──▶ up ──CloseAfter──▶ closing
//	    │         │                    │
//	    └─────────┴────────▶ gone ◀────┘
type connState uint32

const (
	dialling connState = iota // not up yet: being opened, or in a handshake
	up
	closing // what is queued is written, what comes is thrown away
	gone    // closed; its goroutines end
)

// A conn is one connection. It has one goroutine that reads, and one that
// opens it and writes while something is queued. The last one to leave
// reports what was not written, and its end.
type conn struct {
	// Constant before its goroutines start.
	t       *TCP
	number  uint64
	remote  netip.AddrPort
	inbound bool
	layers  bool    // octets on the wire are not those of messages
	client  *Client // whom it has to reach, if it is ours and of TLS

	// Constant once it is up.
	tcp *net.TCPConn
	raw syscall.RawConn
	tls *session // nil: not of TLS

	// Atomic.
	state    atomic.Uint32 // changed with mu held
	last     atomic.Int64  // when an octet came or went, as TCP.now
	moved    atomic.Int64  // when the kernel last took an octet, or when the queue began
	identity atomic.Pointer[Identity]

	// Owned by the reader.
	in reading

	// Guarded by mu. TCP.mu is not taken while it is held.
	mu      sync.Mutex
	users   int // goroutines
	wasUp   bool
	writing bool // a goroutine writes the queue, or opens the connection
	queue   queue

	aliases []netip.AddrPort // guarded by TCP.mu
}

func (t *TCP) newConn(remote netip.AddrPort) *conn {
	return &conn{t: t, number: connNumbers.Add(1), remote: remote, layers: t.layered(), users: 1}
}

func (c *conn) is(s connState) bool { return c.now() == s }

func (c *conn) now() connState { return connState(c.state.Load()) }

func (c *conn) flow() Flow { return Flow{Listener: c.t.opt.ID, Remote: c.remote, Conn: c.number} }

// attach gives c its socket. False: c was ended meanwhile.
func (c *conn) attach(tcp *net.TCPConn) bool {
	raw, err := tcp.SyscallConn()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || c.is(gone) {
		c.state.Store(uint32(gone))
		tcp.Close()
		return false
	}
	c.tcp, c.raw = tcp, raw
	return true
}

// opened tells that messages can come and go. False: c was ended meanwhile.
func (c *conn) opened() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.is(gone) {
		return false
	}
	now := int64(c.t.now())
	c.last.Store(now)
	c.moved.Store(now)
	c.wasUp = true
	c.state.Store(uint32(up))
	c.sealQueue()
	c.t.n.open.Add(1)
	return true
}

// end closes c at once, politely.
func (c *conn) end() { c.stop(cuts) }

// cut closes c at once for a cause.
func (c *conn) cut(why Cut) { c.stop(why) }

func (c *conn) stop(why Cut) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopLocked(why)
}

func (c *conn) stopLocked(why Cut) {
	if c.is(gone) {
		return
	}
	if c.is(up) && why == cuts {
		c.farewell(codeGoingAway)
	}
	c.state.Store(uint32(gone))
	if why < cuts {
		c.t.n.cut[why].Add(1)
	}
	if c.tcp == nil {
		return
	}
	if why < cuts && why != CutIdle {
		_ = c.tcp.SetLinger(0) // a reset: what the kernel has not sent goes too
	}
	c.tcp.Close()
}

// join counts one more goroutine. mu is held, and one is there already.
func (c *conn) join() {
	c.users++
	c.t.wg.Add(1)
}

// leave is the last thing that each goroutine of c does.
func (c *conn) leave() {
	defer c.t.wg.Done()
	c.mu.Lock()
	c.users--
	last := c.users == 0
	c.mu.Unlock()
	if last {
		c.bury()
	}
}

// bury forgets c and tells the handler. Only c's last goroutine is here.
func (c *conn) bury() {
	c.t.exit(c)
	c.t.held.Add(-int64(c.in.held))
	c.t.held.Add(-int64(c.queue.left()))
	h := &c.t.opt.Handler
	for _, m := range c.queue.marks {
		c.t.n.unsent.Add(1)
		if h.Failed != nil && m.token != 0 {
			h.Failed(c.flow(), m.token)
		}
	}
	if !c.wasUp {
		return
	}
	c.t.n.open.Add(-1)
	if h.Closed != nil {
		h.Closed(c.flow())
	}
}

// CloseAfter closes the connection that f names once what is queued is
// written, within StreamOptions.Close. Nothing more is read from it (messages
// that came in the same segment may still be handed over) and nothing is taken
// for it: a Send to f goes by another one. What comes until the far end closes as well is thrown away, so that
// the kernel does not reset the connection under our last answer.
func (t *TCP) CloseAfter(f Flow) {
	t.mu.RLock()
	c := t.conns[f.Conn]
	t.mu.RUnlock()
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.is(up) {
		return
	}
	c.conclude(codeNormal)
	_ = c.tcp.SetReadDeadline(time.Now()) // wakes the reader
}

// CutBanned ends the connections of which banned says that nobody wants to hear
// them any more: with a reset, and at once. banned must not call t.
func (t *TCP) CutBanned(banned func(Flow) bool) {
	var list []*conn
	t.mu.RLock()
	for _, c := range t.conns {
		if banned(c.flow()) {
			list = append(list, c)
		}
	}
	t.mu.RUnlock()
	for _, c := range list {
		c.cut(CutBanned)
	}
}

// conclude has c end once what is queued is written. mu is held.
func (c *conn) conclude(code uint16) {
	if c.is(up) {
		c.farewell(code)
	}
	if c.is(gone) {
		return
	}
	c.state.Store(uint32(closing))
	if !c.writing {
		_ = c.tcp.CloseWrite()
	}
}
