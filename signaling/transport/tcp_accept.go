package transport

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// Ours:
const (
	// 100 ms: while the process has no descriptor, or the kernel no memory,
	// connections wait in the listener's backlog.
	acceptPause = 100 * time.Millisecond

	sourceBits4 = 32
	sourceBits6 = 64 // RFC 6177 section 2: the least that a site has
)

// accept takes connections until Close.
func (t *TCP) accept() {
	defer t.wg.Done()
	for {
		tcp, err := t.listener.AcceptTCP()
		switch {
		case err == nil:
			t.admit(tcp)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			t.n.paused.Add(1)
			t.rest(acceptPause)
		}
	}
}

// rest waits, but not beyond Close.
func (t *TCP) rest(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.ctx.Done():
	}
}

// admit starts to read a connection, or closes it at once when nobody wants to
// hear it or there are too many: with a reset, which leaves nothing behind at our
// end.
func (t *TCP) admit(tcp *net.TCPConn) {
	remote := tcp.RemoteAddr().(*net.TCPAddr).AddrPort()
	remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	if t.opt.Handler.Admit != nil && !t.opt.Handler.Admit(remote) {
		reset(tcp)
		return
	}
	c := t.newConn(remote)
	c.inbound = true
	var crowd *conn
	t.mu.Lock()
	over := t.enter(c)
	if over == nil && t.layered() {
		crowd = t.shake(c)
	}
	t.mu.Unlock()
	if over != nil {
		over.Add(1)
		reset(tcp)
		return
	}
	t.n.accepted.Add(1)
	if crowd != nil {
		crowd.cut(t.slow())
	}
	if !c.attach(tcp) || !t.layered() && !c.opened() {
		c.leave()
		return
	}
	go c.read()
}

func reset(tcp *net.TCPConn) {
	_ = tcp.SetLinger(0)
	tcp.Close()
}

// enter puts a connection into the tables, and counts its first goroutine. mu
// is held. What it returns counts connections that may not come in.
func (t *TCP) enter(c *conn) *atomic.Uint64 {
	most := t.opt.Connections - t.opt.Connections/dialledShare
	switch {
	case t.closed, len(t.conns) >= t.opt.Connections, c.inbound && t.accepted >= most:
		return &t.n.overLimit
	case c.inbound && t.sources[sourceOf(c.remote.Addr())] >= t.opt.PerSource:
		return &t.n.overSource
	case connDescriptors.Add(1) > t.descriptorsMax:
		connDescriptors.Add(-1)
		return &t.n.overLimit
	}
	t.conns[c.number] = c
	if c.inbound {
		t.accepted++
		t.sources[sourceOf(c.remote.Addr())]++
	} else {
		t.reach[c.remote] = append(t.reach[c.remote], c)
	}
	t.wg.Add(1)
	return nil
}

// exit takes a connection out of the tables.
func (t *TCP) exit(c *conn) {
	connDescriptors.Add(-1)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, c.number)
	t.forget(c, c.remote)
	for _, to := range c.aliases {
		t.forget(c, to)
	}
	if !c.inbound {
		return
	}
	t.accepted--
	source := sourceOf(c.remote.Addr())
	if t.sources[source]--; t.sources[source] == 0 {
		delete(t.sources, source)
	}
}

// sourceOf returns whose connections are counted together.
func sourceOf(a netip.Addr) netip.Prefix {
	bits := sourceBits6
	if a.Is4() {
		bits = sourceBits4
	}
	p, _ := a.Prefix(bits)
	return p
}
