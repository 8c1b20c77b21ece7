package mediarelay

import (
	"math/bits"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
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
// side: the one that is pinned to src, or else the one that fits best by the
// order of who, of which one that still learns goes first. If none does it is
// the audible one; if several do that still learn, as two phones behind one
// NAT, it is nil.
func (k *forks) find(s *Session, side Side, port Component, src netip.AddrPort, b []byte) *far {
	best, from, tied := stranger, &k.ends[k.audible()], false
	for i := range k.ends {
		r := &k.ends[i]
		rtcp := s.reads(r, side, port, b) == anRTCP
		if r.pin[index(rtcp)] == src {
			return r
		}
		if r.pin[index(rtcp)].IsValid() {
			continue
		}
		switch w := r.latch[index(rtcp)].tell(src, r.addr(rtcp), s.own); {
		case w == unknown || w > best || w == stranger:
		case w == best:
			tied = true
		default:
			best, from, tied = w, r, false
		}
	}
	if tied {
		return nil
	}
	return from
}

// among returns the far end that sent the datagram b, nil if it cannot be
// told, and the one that is to get it, where a side has several.
func (p *pins) among(s *Session, side Side, port Component, src netip.AddrPort, b []byte) (from, to *far) {
	from, to = &p.remotes[side], p.current(side.Other())
	if k := p.forks[side]; k != nil {
		from = k.find(s, side, port, src, b)
	}
	return from, to
}

// Add adds a far end to those of one side at now; see Stream.
func (s *Session) Add(side Side, r Remote, now time.Duration) error {
	return s.AddChecked(side, r, now, nil)
}

// AddChecked is Add, unless what goes to r would come back to s: then nothing
// changes, and the error is ErrRing. What SetChecked says of calls at the same
// time holds for both.
func (s *Session) AddChecked(side Side, r Remote, now time.Duration, find Finder) error {
	for {
		old := s.pins.Load()
		next, err := s.added(old, side, r, now)
		switch {
		case err != nil:
			return err
		case s.rings(next, side, find):
			return ErrRing
		case s.pins.CompareAndSwap(old, next):
			return nil
		}
	}
}

// added returns old with r as one more far end of a side.
func (s *Session) added(old *pins, side Side, r Remote, now time.Duration) (*pins, error) {
	k, more := old.forks[side], s.far(side, r, now)
	if k == nil {
		if nobody(old.remotes[side].RTP) {
			return s.replaced(old, side, r, now), nil
		}
		k = &forks{ends: []far{old.remotes[side]}, heard: new(atomic.Uint32)}
		k.heard.Store(old.heard[side].Load() / mediaCame)
	}
	if nobody(more.RTP) {
		return old, nil
	}
	ends := append(make([]far, 0, forksMax+1), k.ends...)
	if i, ok := k.at(&more); ok {
		more.party = ends[i].party
		more.keep(&ends[i], false, now)
		ends[i] = more
	} else {
		more.party = s.nextParty()
		ends = append(ends, more)
	}
	if len(ends) > forksMax {
		return nil, ErrForks
	}
	next := old.clone()
	next.forks[side], next.forked = &forks{ends: ends, heard: k.heard}, true
	next.heard[side].Store(nothingCame) // what came is in forks now
	next.meet(now)
	return next, nil
}

// at returns the place of r among the far ends of a side, if it is there.
func (k *forks) at(r *far) (i int, ok bool) {
	i = slices.IndexFunc(k.ends, func(f far) bool { return f.same(r) })
	return i, i >= 0
}
