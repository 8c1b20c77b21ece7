package transport

import (
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// Ours: 4, since a far end has a few listening addresses, not many.
const aliasesMax = 4

// Alias lets what is sent to an address go by the connection that f names,
// which the far end opened: RFC 5923 section 8. It is the caller who found a
// Via with the parameter alias, and who knows that this far end may speak for
// that address: RFC 5923 section 9. The newest connection comes first. More
// than four addresses of one connection are not kept.
func (t *TCP) Alias(f Flow, to netip.AddrPort) {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.conns[f.Conn]
	if c == nil || !c.inbound || !c.is(up) || len(c.aliases) >= aliasesMax || slices.Contains(c.aliases, to) {
		return
	}
	c.aliases = append(c.aliases, to)
	t.reach[to] = append(t.reach[to], c)
}

// find returns the connection of a number, or the newest that leads to an
// address: one that is up before one that is being opened. mu is held.
func (t *TCP) find(number uint64, to netip.AddrPort) *conn {
	// The state is read once: it may change from one to the other meanwhile.
	if c := t.conns[number]; c != nil {
		if s := c.now(); s == up || s == dialling && !c.inbound {
			return c
		}
	}
	var opening *conn
	for _, c := range slices.Backward(t.reach[to]) {
		switch s := c.now(); {
		case s == up:
			return c
		case s == dialling && opening == nil:
			opening = c
		}
	}
	return opening
}

// forget takes c from those that lead to an address. mu is held.
func (t *TCP) forget(c *conn, to netip.AddrPort) {
	list := t.reach[to]
	i := slices.Index(list, c)
	if i < 0 {
		return
	}
	if list = slices.Delete(list, i, i+1); len(list) == 0 {
		delete(t.reach, to)
		return
	}
	t.reach[to] = list
}

// connect opens a connection, unless somebody else just did.
func (t *TCP) connect(to netip.AddrPort) (*conn, error) {
	switch {
	case !to.IsValid() || to.Port() == 0 || to.Addr().IsUnspecified():
		return nil, syscall.EADDRNOTAVAIL
	case to.Addr().Is4() != t.local.Addr().Is4():
		return nil, syscall.EAFNOSUPPORT
	}
	client, err := t.clientOf(to)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, net.ErrClosed
	}
	if c := t.find(0, to); c != nil {
		return c, nil
	}
	c := t.newConn(to)
	c.writing, c.client = true, client
	if over := t.enter(c); over != nil {
		over.Add(1)
		return nil, ErrFull
	}
	go c.dial()
	return c, nil
}

// dial opens c and writes what is queued.
func (c *conn) dial() {
	tcp, err := c.t.dialer.DialContext(c.t.ctx, tcpNetwork(c.remote.Addr().Is4()), c.remote.String())
	if err != nil {
		c.t.n.unreached.Add(1)
		c.end()
		c.leave()
		return
	}
	if !c.attach(tcp.(*net.TCPConn)) || c.client != nil && !c.shake() || !c.opened() {
		c.leave()
		return
	}
	c.t.n.dialled.Add(1)
	c.mu.Lock()
	c.join()
	c.mu.Unlock()
	go c.read()
	c.write()
}
