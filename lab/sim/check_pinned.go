package sim

import (
	"net/netip"

	"sbc/mediarelay"
)

// pinned holds that the relay forwards only what comes from an address that
// the far end of that leg named in its SDP, and only to one that the far end
// of the call's other leg named.
//
// Of a phone behind a NAT it is the address that its NAT gave the one that it
// named, and no other. A neighbour behind the same NAT may be faster than the
// phone (see mediarelay), which no stranger here tries.
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
	if l.talk.twice {
		return
	}
	if !c.w.of(l, r.src) {
		c.w.fail(pinnedSource, "call %s: a packet from %s was forwarded", l.talk.number, r.src)
	}
	other := l.talk.a
	if l == other {
		other = l.talk.b
	}
	if other == nil || !c.w.of(other, r.sent.To) {
		c.w.fail(pinnedSource, "call %s: a packet was forwarded to %s, which is not of the call", l.talk.number, r.sent.To)
	}
}

// of reports whether an address is one of the media of a leg's far end.
func (w *world) of(l *leg, addr netip.AddrPort) bool {
	p := w.actors[l.peer].phone
	if p == nil || p.box == nil && l.media[addr] {
		return l.media[addr]
	}
	for own := range p.media[addr] {
		if l.media[own] {
			return true
		}
	}
	return false
}
