package mediarelay

import (
	"net/netip"
	"sync/atomic"
)

// pins are the far ends of both sides. They are replaced whole, so that a
// packet never sees half of an offer/answer.
type pins struct {
	remotes [2]far
	forks   [2]*forks // nil: remotes has the only far end of the side
	forked  bool      // one of forks is not nil
	looped  [2]bool   // the far end was refused: it led back here

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

// A far is a far end as the worker wants it.
type far struct {
	Remote         // addresses unmapped; not valid if of another family than the side's
	party   uint32 // tells it from those before; it keeps the number while its RTP address stays
	foreign bool   // RTP was of another family, and so the far end is nobody
	noRTCP  bool   // RTCP alone was
}

// far returns r as a far end of side.
func (s *Session) far(side Side, r Remote) far {
	r.RTP, r.RTCP = plain(r.RTP), plain(r.RTCP)
	f := far{Remote: r}
	f.foreign = !nobody(r.RTP) && r.RTP.Addr().Is6() != s.ip6[side]
	f.noRTCP = !nobody(r.RTCP) && r.RTCP.Addr().Is6() != s.ip6[side]
	if f.foreign {
		f.RTP = netip.AddrPort{}
	}
	if f.foreign || f.noRTCP {
		f.RTCP = netip.AddrPort{}
	}
	return f
}

// plain takes the IPv6 clothes off a mapped IPv4 address, so that addresses
// can be compared.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// why returns the cause of a drop whose cause seems to be c: that nobody is
// there may be due to the family of who was named.
func (f *far) why(c Cause, rtcp bool) Cause {
	if c == NoRemote && (f.foreign || rtcp && !f.Mux && f.noRTCP) {
		return Family
	}
	return c
}

func (s *Session) nextParty() uint32 {
	s.parties++
	return s.parties
}

// Set replaces the far end of one side.
func (s *Session) Set(side Side, r Remote) { s.set(side, r, false) }

func (s *Session) set(side Side, r Remote, looped bool) {
	old, only := s.pins.Load(), s.far(side, r)
	next := old.clone()
	next.heard[side].Store(nothingCame)
	if was := old.current(side); was.RTP == only.RTP {
		only.party = was.party
		next.heard[side].Store(old.came(side))
	} else {
		only.party = s.nextParty()
	}
	next.remotes[side], next.looped[side], next.forks[side] = only, looped, nil
	next.forked = next.forks[side.Other()] != nil
	s.pins.Store(next)
}

// clone returns a copy of p that may be changed.
func (p *pins) clone() *pins {
	next := &pins{remotes: p.remotes, forks: p.forks, forked: p.forked, looped: p.looped}
	for i := range next.heard {
		next.heard[i].Store(p.heard[i].Load())
	}
	return next
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

// among returns the far end that sent the datagram b, and the one that is to
// get it, where a side has several.
func (p *pins) among(s *Session, side Side, port Component, src netip.AddrPort, b []byte) (from, to *far) {
	from, to = &p.remotes[side], p.current(side.Other())
	if k := p.forks[side]; k != nil {
		from = k.find(s, side, port, src, b)
	}
	return from, to
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
