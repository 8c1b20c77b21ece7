package mediarelay

import (
	"math/bits"
	"net/netip"
	"sync/atomic"
)

// An INVITE that forks makes several early dialogs, each with an answer of its
// own (RFC 3261 section 13.2.2.4, RFC 3960 section 3.1). All far ends may send
// to the one port that the offer named; only one of them can be heard.

// forksMax bounds the far ends of one side. Ours: more branches that all play
// early media are no call any more.
const forksMax = 8

// forks are the far ends of a side that has more than one.
type forks struct {
	ends  []far          // in the order in which they were added; constant
	heard *atomic.Uint32 // bit i: media came from ends[i]; shared by all that grew from one
}

// audible returns which of n far ends is the audible one, by the order in
// which they were added, when media has come from those whose bits are set in
// heard: the newest from which media came, or else the newest.
func audible(heard uint32, n int) int {
	if heard != 0 {
		return bits.Len32(heard) - 1
	}
	return n - 1
}

func (k *forks) audible() int { return audible(k.heard.Load(), len(k.ends)) }

// hear notes a packet of from, one of k's far ends, and reports whether that
// one is audible now. Only media that it may send makes it so.
func (k *forks) hear(from *far, media bool) bool {
	for i := range k.ends {
		if &k.ends[i] != from {
			continue
		}
		if media {
			k.heard.Store(k.heard.Load() | 1<<i)
		}
		return i == k.audible()
	}
	return false
}

// find returns the far end that sent a datagram from src to a local port of
// side, or the audible one if none of them did.
func (k *forks) find(s *Session, side Side, port Component, src netip.AddrPort, b []byte) *far {
	for i := range k.ends {
		if r := &k.ends[i]; r.addr(s.reads(r, side, port, b) == anRTCP) == src {
			return r
		}
	}
	return &k.ends[k.audible()]
}

// Add adds a far end to those of one side; see Stream.
func (s *Session) Add(side Side, r Remote) error {
	old := s.pins.Load()
	k, more := old.forks[side], s.far(side, r)
	if k == nil {
		if nobody(old.remotes[side].RTP) {
			s.Set(side, r)
			return nil
		}
		k = &forks{ends: []far{old.remotes[side]}, heard: new(atomic.Uint32)}
		k.heard.Store(old.heard[side].Load() / mediaCame)
	}
	if nobody(more.RTP) {
		return nil
	}
	ends := append(make([]far, 0, forksMax+1), k.ends...)
	if i, ok := k.at(more.RTP); ok {
		more.party = ends[i].party
		ends[i] = more
	} else {
		more.party = s.nextParty()
		ends = append(ends, more)
	}
	if len(ends) > forksMax {
		return ErrForks
	}
	next := old.clone()
	next.forks[side], next.forked = &forks{ends: ends, heard: k.heard}, true
	next.heard[side].Store(nothingCame) // what came is in forks now
	s.pins.Store(next)
	return nil
}

// at returns the place of the far end at an RTP address.
func (k *forks) at(rtp netip.AddrPort) (i int, ok bool) {
	for i := range k.ends {
		if k.ends[i].RTP == rtp {
			return i, true
		}
	}
	return 0, false
}
