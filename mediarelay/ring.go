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

// SetChecked is Set, unless what goes to r would come back to s through local
// ports: then the side has no far end, and Stats say so. Calls of SetChecked
// for streams that may reach one another must not run at the same time.
func (s *Session) SetChecked(side Side, r Remote, find Finder) {
	s.set(side, r, false)
	if s.rings(side, find) {
		s.set(side, Remote{}, true)
	}
}

// AddChecked is Add, unless what goes to r would come back to s: then nothing
// changes, and the error is ErrRing. What SetChecked says of calls at the same
// time holds for both.
func (s *Session) AddChecked(side Side, r Remote, find Finder) error {
	old := s.pins.Load()
	if err := s.Add(side, r); err != nil {
		return err
	}
	if s.rings(side, find) {
		s.pins.Store(old)
		return ErrRing
	}
	return nil
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
		to := at.s.pins.Load().ends(at.side.Other())
		for j := range 2 * len(to) {
			next, ok := at.next(&to[j/2].Remote, j%2 == 1, find)
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

// next returns where a datagram that came in at e comes in next when it goes
// to r, if that is a stream of ours that listens to e's stream.
func (e entry) next(r *Remote, rtcp bool, find Finder) (entry, bool) {
	out := e.side.Other()
	from := e.s.local[out].RTP()
	if rtcp && e.s.via(out, r) == RTCPPort {
		from = e.s.local[out].RTCP()
	}
	s, side, ok := find(r.addr(rtcp))
	if !ok {
		return entry{}, false
	}
	pinned := s.pins.Load().ends(side)
	return entry{s, side}, slices.ContainsFunc(pinned, func(p far) bool { return p.RTP == from || p.RTCP == from })
}

func contains(list []entry, e entry) bool {
	for _, x := range list {
		if x == e {
			return true
		}
	}
	return false
}
