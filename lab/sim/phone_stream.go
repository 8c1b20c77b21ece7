package sim

import (
	"net/netip"
	"time"

	"sbc/lab/nat"
)

// Ours: after so long the SBC's host gives up what a NAT swallows.
const unackedMax = 10 * time.Second

// dial opens a connection of a phone to a listener of the SBC; nil: a NAT does
// not let it.
func (a *actor) dial(to int) *conn {
	local := netip.AddrPortFrom(a.at.addr.Addr(), 32768+uint16(a.w.connected%28000))
	dst := listeners[to].addr
	src, v := a.w.leaveHome(a.phone, nat.Packet{Protocol: nat.TCP, Src: local, Dst: dst, Flags: nat.SYN})
	if v != nat.Pass {
		return nil
	}
	a.w.comeHome(nat.Packet{Protocol: nat.TCP, Src: dst, Dst: src, Flags: nat.SYN})
	c := a.w.connect(to, src, a, false)
	c.local = local
	a.w.byConn[c.Conn] = a
	return c
}

// leaves reports whether what a phone writes on a connection passes its NATs.
// If not it learns that the connection is gone; the SBC does not.
func (a *actor) leaves(c *conn) bool {
	_, v := a.w.leaveHome(a.phone, nat.Packet{Protocol: nat.TCP, Src: c.local, Dst: listeners[c.Listener].addr})
	if v == nat.Pass && !c.dead {
		return true
	}
	c.dead = true
	a.broke(c)
	return false
}

// arrives reports whether what the SBC writes on a connection passes the NATs
// of a phone. If not the SBC learns of it, at once or when it gives up.
func (a *actor) arrives(c *conn) bool {
	at, local, v := a.w.comeHome(nat.Packet{Protocol: nat.TCP, Src: listeners[c.Listener].addr, Dst: c.Remote})
	if v == nat.Pass && at == a && local == c.local && !c.dead {
		return true
	}
	wait := a.w.o.Delay
	if v == nat.Drop {
		wait = unackedMax
	}
	a.w.after(wait, func() { a.w.end(c) })
	return false
}

// broke tells the phone that its connection is gone, unless it has made another
// one meanwhile.
func (a *actor) broke(c *conn) {
	life := a.life
	a.w.after(a.w.o.Delay, func() {
		if a.life == life && !a.down && a.newest(int(c.Listener)) == nil {
			a.do(a.agent.Broke(a.w.now, nil))
		}
	})
}

// newest returns the connection that the actor opened last to a listener, nil
// if there is none.
func (a *actor) newest(to int) (c *conn) {
	for _, o := range a.w.conns {
		if o.a == a && !o.dialled && !o.dead && int(o.Listener) == to {
			c = o
		}
	}
	return c
}

// ping is a keep-alive on a connection, which the SBC's transport answers: RFC
// 5626 section 4.4.1.
func (a *actor) ping(c *conn) {
	a.w.stream(c, inwards, &a.toSBC, func() {
		a.w.stream(c, outwards, &a.fromSBC, func() {
			if a.arrives(c) {
				a.receive(a.at.addr, listeners[c.Listener].addr, []byte("\r\n"))
			}
		})
	})
}

// hears reports whether the shards are to learn that a connection is gone, as
// the engine decides it.
func (w *world) hears(c *conn) bool {
	return c.dialled || c.a != nil && c.a.phone != nil && w.bound(int(c.Listener), c.Remote, c.Conn)
}
