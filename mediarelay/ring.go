package mediarelay

import "net/netip"

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

// SetChecked is Set, unless what goes to r would come back to s through local
// ports: then the side has no far end, and Stats say so. Calls of SetChecked
// for streams that may reach one another must not run at the same time.
func (s *Session) SetChecked(side Side, r Remote, find Finder) {
	s.set(side, r, false)
	if s.rings(side, find) {
		s.set(side, Remote{}, true)
	}
}

// An entry is a side of a stream at which a datagram comes in.
type entry struct {
	s    *Session
	side Side
}

// rings reports whether a datagram that leaves s at side can come back to
// leave there again, or whether that is too far to see.
func (s *Session) rings(side Side, find Finder) bool {
	var known [ringMax]entry
	known[0] = entry{s, side.Other()}
	n := 1
	for i := 0; i < n; i++ {
		at := known[i]
		for _, rtcp := range [2]bool{false, true} {
			next, ok := at.next(rtcp, find)
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

// next returns where a datagram that came in at e comes in next, if that is a
// stream of ours that listens to e's stream.
func (e entry) next(rtcp bool, find Finder) (entry, bool) {
	out := e.side.Other()
	r := e.s.Remote(out)
	from := e.s.local[out].RTP()
	if rtcp && e.s.via(out, &r) == RTCPPort {
		from = e.s.local[out].RTCP()
	}
	s, side, ok := find(r.addr(rtcp))
	if !ok {
		return entry{}, false
	}
	pinned := s.Remote(side)
	return entry{s, side}, pinned.RTP == from || pinned.RTCP == from
}

func contains(list []entry, e entry) bool {
	for _, x := range list {
		if x == e {
			return true
		}
	}
	return false
}
