package sim

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"sbc/lab/ua"
	"sbc/signaling"
	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
)

// A conn is a connection between the SBC and a user agent, or a stranger. What
// one end writes reaches the other whole and in order, or the connection is
// gone (RFC 9293 section 1).
type conn struct {
	b2bua.Flow        // as the SBC sees it
	a          *actor // nil: a stranger's
	dialled    bool   // by the SBC
	gone       bool
	local      netip.AddrPort   // of a phone, at home
	dead       bool             // the phone knows that it is gone, the SBC does not
	part       []byte           // of a message that has not come to the SBC as a whole
	carried    []*message       // of the SBC
	last       [2]time.Duration // when that arrives which was written last: to the SBC, from it
}

// Directions of a connection.
const (
	inwards  = 0
	outwards = 1
)

// Ours: how long the SBC waits for a connection, as its transport does.
const connectMax = 4 * time.Second

// connect opens a connection. That takes no time: what is written on it waits
// for the network all the same.
func (w *world) connect(listener int, remote netip.AddrPort, a *actor, dialled bool) *conn {
	w.connected++
	c := &conn{Flow: b2bua.Flow{Listener: uint16(listener), Remote: remote, Conn: w.connected}, a: a, dialled: dialled}
	w.conns = append(w.conns, c)
	return c
}

// find returns the connection that the SBC takes for a flow, as its transport
// does: that of the number, or the newest that it opened to the address.
func (w *world) find(f b2bua.Flow) (found *conn) {
	for _, c := range w.conns {
		if c.Conn == f.Conn || c.dialled && c.Listener == f.Listener && c.Remote == f.Remote && (found == nil || found.Conn != f.Conn) {
			found = c
		}
	}
	return found
}

// end ends a connection: what is under way on it is lost. The SBC's shards hear
// of it if it led to a peer.
func (w *world) end(c *conn) {
	if c.gone {
		return
	}
	c.gone = true
	for _, m := range c.carried {
		w.lost(m)
	}
	w.conns = slices.DeleteFunc(w.conns, func(o *conn) bool { return o == c })
	if c.a != nil && c.a.phone != nil && !c.dead {
		c.a.broke(c)
	}
	if w.hears(c) {
		w.after(w.o.Delay, func() {
			for i, s := range w.shards {
				s.Broke(c.Flow)
				w.done(&step{at: w.now, shard: i})
			}
		})
	}
}

// endAfter ends a connection after what the SBC has written on it.
func (w *world) endAfter(f b2bua.Flow) {
	if c := w.find(f); c != nil {
		w.stream(c, outwards, &link{}, func() { w.end(c) })
	}
}

// endAll ends the connections of a user agent.
func (w *world) endAll(a *actor) {
	for _, c := range slices.Clone(w.conns) {
		if c.a == a {
			w.end(c)
		}
	}
}

// stream lets the network bring what was written on a connection to its other
// end, after all that was written before.
func (w *world) stream(c *conn, way int, l *link, deliver func()) {
	c.last[way] = max(c.last[way], w.now+l.wait(w.wires))
	w.queue.add(c.last[way], func() { w.delivered(c, deliver) })
}

// delivered lets something arrive, unless the way there is cut: then it waits.
func (w *world) delivered(c *conn, deliver func()) {
	switch {
	case c.gone:
	case c.a != nil && c.a.away:
		w.queue.add(max(w.now, c.a.back), func() { w.delivered(c, deliver) })
	default:
		deliver()
	}
}

// write sends what the SBC writes on a stream. Where there is no way it says
// so, as the transport does.
func (w *world) write(shard int, m *message, o *signaling.Outbound) {
	c := w.find(m.flow)
	if c == nil {
		if m.from >= 0 && w.actors[m.from].phone != nil { // nobody can connect to it
			w.lost(m)
			token := o.Token()
			w.after(2*w.o.Delay, func() { w.unsent(shard, token) })
			return
		}
		if m.from < 0 || w.neighbours[m.from].addr != m.remote {
			return // nobody listens there
		}
		a := w.actors[m.from]
		if wait, ok := a.reachable(w.now); !ok {
			w.lost(m)
			token := o.Token()
			w.after(wait, func() { w.unsent(shard, token) })
			return
		}
		c = w.connect(m.listener, m.remote, a, true)
	}
	o.Went(c.Conn)
	if c.a != nil {
		c.carried = append(c.carried, m)
		w.stream(c, outwards, &c.a.fromSBC, func() {
			if c.a.phone != nil && !c.a.arrives(c) {
				return
			}
			m.arrived = true
			c.a.read(c, m.raw)
		})
	}
}

// lost notes that the SBC knows of a request that it was sent for nothing, and
// that what a message says of a session was perhaps never read.
func (w *world) lost(m *message) {
	if m.err == nil && m.sip.IsRequest() {
		w.unheard[m.tx] = true
	}
	if m.from >= 0 && !m.arrived {
		w.judge.lost(w.actors[m.from], m)
	}
}

// reachable reports whether a connection to the user agent can be opened now,
// and if not when that is known.
func (a *actor) reachable(now time.Duration) (wait time.Duration, ok bool) {
	switch {
	case a.away && a.back > now+connectMax:
		return connectMax, false
	case a.down:
		return 2 * a.w.o.Delay, false // refused
	}
	return 0, true
}

// unsent tells a shard that a request could not be sent.
func (w *world) unsent(shard int, token uint64) {
	if token != 0 {
		w.shards[shard].Unsent(token)
		w.done(&step{at: w.now, shard: shard})
	}
}

// speak writes a message of the user agent: a response by the connection of its
// request, a request by the newest that it opened. Where there is none it opens
// one.
func (a *actor) speak(e *ua.Effect) {
	to := listenerAt(e.To, true)
	if to < 0 {
		a.w.fail(reach, "%s was led to %s, past the SBC:\n%s", a.at.name, e.To, e.Bytes)
		return
	}
	var c *conn
	if bytes.HasPrefix(e.Bytes, []byte("SIP/2.0 ")) {
		c = a.came[branchOf(e.Bytes)]
	} else {
		c = a.newest(to)
	}
	if a.phone != nil && (c == nil || c.gone || c.dead) {
		if c = a.dial(to); c == nil {
			return
		}
	}
	if a.phone != nil && !a.leaves(c) {
		return
	}
	if string(e.Bytes) == "\r\n\r\n" {
		a.ping(c)
		return
	}
	if c == nil || c.gone {
		c = a.w.connect(to, netip.AddrPortFrom(a.at.addr.Addr(), 32768+uint16(a.w.connected%28000)), a, false)
	}
	a.w.stream(c, inwards, &a.toSBC, func() { a.w.feed(c, e.Bytes) })
}

// read is a message that reaches the user agent by a connection.
func (a *actor) read(c *conn, b []byte) {
	if !bytes.HasPrefix(b, []byte("SIP/2.0 ")) {
		a.came[branchOf(b)] = c
	}
	a.receive(a.at.addr, listeners[c.Listener].addr, b)
}

func branchOf(b []byte) string {
	var m sip.Message
	if m.Parse(b) != nil {
		return ""
	}
	return string(m.Bytes(m.Via().Branch))
}

// feed gives the SBC octets of a connection, in pieces.
func (w *world) feed(c *conn, b []byte) {
	for len(b) > 0 && !c.gone {
		n := 1 + w.wires.IntN(len(b))
		c.part, b = append(c.part, b[:n]...), b[n:]
		w.frame(c)
	}
}

// frame takes the whole messages from what has come by a connection.
func (w *world) frame(c *conn) {
	for len(c.part) > 0 && !c.gone {
		var m sip.Message
		n, err := m.ParseStream(c.part)
		if n == 0 && err == nil {
			return
		}
		whole, e := c.part, (*sip.Error)(nil)
		if n > 0 {
			whole, c.part = c.part[:n], c.part[n:]
		}
		if e, _ = err.(*sip.Error); e != nil && (e.Cause == "not_sip" || e.Cause == "wrong_protocol") {
			w.end(c) // the transport tells nobody of these
			return
		}
		if e == nil || e.Cause != "keepalive" {
			w.come(newMessage(w, true, c.Flow, slices.Clone(whole)))
		}
	}
}
