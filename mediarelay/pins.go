package mediarelay

import (
	"slices"
	"sync/atomic"
	"time"
)

// pins are the far ends of both sides. They are replaced whole, by who calls
// Set and Add and by the worker that learns an address, so that a packet never
// sees half of an offer/answer, and neither of the two undoes what the other
// did.
type pins struct {
	remotes [2]far
	forks   [2]*forks     // nil: remotes has the only far end of the side
	forked  bool          // one of forks is not nil
	looped  [2]bool       // the far end was refused: it led back here
	met     bool          // both sides had a far end at some time
	metAt   time.Duration // since when

	// Atomic. What came from the only far end of the side: nothingCame,
	// packetCame or mediaCame.
	heard [2]atomic.Uint32
}

// What came from a far end.
const (
	nothingCame uint32 = iota
	packetCame         // RTCP, or media that it may not send
	mediaCame
)

func (s *Session) nextParty() uint32 {
	s.parties++
	return s.parties
}

// Set replaces the far end of one side; see Stream. now is since the start of
// the process.
func (s *Session) Set(side Side, r Remote, now time.Duration) { s.SetChecked(side, r, now, nil) }

// SetChecked is Set, unless what goes to r would come back to s through local
// ports: then the side has no far end, and Stats say so. Calls of SetChecked
// for streams that may reach one another must not run at the same time.
func (s *Session) SetChecked(side Side, r Remote, now time.Duration, find Finder) {
	for {
		old := s.pins.Load()
		next := s.replaced(old, side, r, now)
		if s.rings(next, side, find) {
			next = s.replaced(old, side, Remote{}, now)
			next.looped[side] = true
		}
		if s.pins.CompareAndSwap(old, next) {
			return
		}
	}
}

// replaced returns old with r as the only far end of a side.
func (s *Session) replaced(old *pins, side Side, r Remote, now time.Duration) *pins {
	next, only := old.clone(), s.far(side, r, now)
	next.heard[side].Store(nothingCame)
	if was := old.current(side); was.same(&only) {
		only.party = was.party
		next.heard[side].Store(old.came(side))
	} else {
		only.party = s.nextParty()
	}
	ends := old.ends(side)
	if i := slices.IndexFunc(ends, func(was far) bool { return was.same(&only) }); i >= 0 {
		only.keep(&ends[i], old.forks[side] != nil, now)
	}
	next.remotes[side], next.looped[side], next.forks[side] = only, false, nil
	next.forked = next.forks[side.Other()] != nil
	next.meet(now)
	return next
}

// meet notes at now that both sides have a far end, if they do.
func (p *pins) meet(now time.Duration) {
	if !p.met && !nobody(p.ends(A)[0].RTP) && !nobody(p.ends(B)[0].RTP) {
		p.met, p.metAt = true, now
	}
}

// clone returns a copy of p that may be changed.
func (p *pins) clone() *pins {
	next := &pins{remotes: p.remotes, forks: p.forks, forked: p.forked, looped: p.looped, met: p.met, metAt: p.metAt}
	for i := range next.heard {
		next.heard[i].Store(p.heard[i].Load())
	}
	return next
}

// far returns the far end of a side that has a number, to be changed: of
// several the list is copied before.
func (p *pins) far(side Side, party uint32) *far {
	k := p.forks[side]
	if k == nil {
		return &p.remotes[side]
	}
	k = &forks{ends: slices.Clone(k.ends), heard: k.heard}
	p.forks[side] = k
	return &k.ends[slices.IndexFunc(k.ends, func(f far) bool { return f.party == party })]
}

// Remote returns the far end of one side; of several the audible one.
func (s *Session) Remote(side Side) Remote { return s.pins.Load().current(side).Remote }

// current returns the far end of one side, of several the audible one.
func (p *pins) current(side Side) *far {
	if k := p.forks[side]; k != nil {
		return &k.ends[k.audible()]
	}
	return &p.remotes[side]
}

// ends returns all far ends of one side.
func (p *pins) ends(side Side) []far {
	if k := p.forks[side]; k != nil {
		return k.ends
	}
	return p.remotes[side : side+1]
}

// came returns what came from the current far end of a side.
func (p *pins) came(side Side) uint32 {
	if k := p.forks[side]; k != nil {
		return min(k.heard.Load(), 1) * mediaCame
	}
	return p.heard[side].Load()
}

// hear notes a packet of from, and reports whether from is audible.
func (p *pins) hear(side Side, from *far, rtcp bool) bool {
	media := from.Sends && !rtcp
	if k := p.forks[side]; k != nil {
		return k.hear(from, media)
	}
	if media {
		p.heard[side].Store(mediaCame)
	} else {
		p.heard[side].Store(packetCame)
	}
	return true
}
