package mediarelay

import (
	"net/netip"
	"slices"
)

// A far end may be a live port of ours: a PBX that takes itself out of the
// media path joins two calls inside the relay (a spiral). Datagrams then go
// from socket to socket, through the kernel. Pinning keeps strangers out of
// such a chain, but a chain that closes to a ring would carry a datagram that
// is in it already for ever, and nothing counts its hops down. So no ring
// comes to be: the far end that would close one is refused.

// A Finder returns the stream that has the local address a, and on which side
// it is.
type Finder func(a netip.AddrPort) (s *Session, side Side, ok bool)

// ringMax bounds the streams that a chain may join. Ours: two are a call
// through a PBX; nobody needs dozens, and the walk is done in a shard's turn.
const ringMax = 32

// An entry is a side of a stream at which a datagram comes in.
type entry struct {
	s    *Session
	side Side
}

// rings reports whether a datagram that leaves s at side, when p are its far
// ends, can come back to leave there again, or whether that is too far to see.
// A nil find finds nothing.
//
// What is learnt from packets adds no way: an address of ours never is (see
// Session.own).
func (s *Session) rings(p *pins, side Side, find Finder) bool {
	if find == nil {
		return false
	}
	w := walk{s, p, find}
	var known [ringMax]entry
	known[0] = entry{s, side.Other()}
	n := 1
	for i := 0; i < n; i++ {
		at := known[i]
		to := w.pins(at.s).ends(at.side.Other())
		for j := range 2 * len(to) {
			next, ok := w.next(at, &to[j/2].Remote, j%2 == 1)
			switch {
			case !ok:
			case next == known[0] || n == len(known):
				return true
			case !contains(known[:n], next):
				known[n] = next
				n++
			}
		}
	}
	return false
}

// A walk goes from stream to stream, as if s had the far ends p already.
type walk struct {
	s    *Session
	p    *pins
	find Finder
}

func (w *walk) pins(s *Session) *pins {
	if s == w.s {
		return w.p
	}
	return s.pins.Load()
}

// next returns where a datagram that came in at e comes in next when it goes
// to r, if that is a stream of ours that listens to e's stream.
func (w *walk) next(e entry, r *Remote, rtcp bool) (entry, bool) {
	out := e.side.Other()
	from := e.s.local[out].RTP()
	if rtcp && e.s.via(out, r) == RTCPPort {
		from = e.s.local[out].RTCP()
	}
	s, side, ok := w.find(r.addr(rtcp))
	if !ok {
		return entry{}, false
	}
	heard := w.pins(s).ends(side)
	return entry{s, side}, slices.ContainsFunc(heard, func(f far) bool { return f.RTP == from || f.RTCP == from })
}

func contains(list []entry, e entry) bool {
	for _, x := range list {
		if x == e {
			return true
		}
	}
	return false
}
