package sim

import "sbc/mediarelay"

// pinned holds that the relay forwards only what comes from an address that
// the far end of that leg named in its SDP, and only to one that the far end
// of the call's other leg named.
type pinned struct{ watch }

const pinnedSource = "9 pinned source"

func (c *pinned) relayed(r *relayed) {
	if r.cause != mediarelay.Pass {
		return
	}
	l := c.w.book.ports[r.to]
	if l == nil {
		c.w.fail(pinnedSource, "a packet from %s was forwarded at port %s of nobody", r.src, r.to)
		return
	}
	if !l.media[r.src] {
		c.w.fail(pinnedSource, "call %s: a packet from %s was forwarded", l.talk.number, r.src)
	}
	other := l.talk.a
	if l == other {
		other = l.talk.b
	}
	if other == nil || !other.media[r.sent.To] {
		c.w.fail(pinnedSource, "call %s: a packet was forwarded to %s, which is not of the call", l.talk.number, r.sent.To)
	}
}
