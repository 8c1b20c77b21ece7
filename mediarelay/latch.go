package mediarelay

import (
	"net/netip"
	"time"
)

// Who sent a datagram to a port, as far as its latch can tell. Of those that
// fit, the first one counts.
type who uint8

const (
	unknown    who = iota // there is no description of the far end yet, or it switched the stream off
	pinned                // the pinned address and port
	former                // the address and port that was pinned before the far end was asked to be silent
	described             // the address and port of the description, when that address is reachable
	nearPort              // the signaling source's address, where the description names another one; the described port
	nearAddr              // likewise, but another port
	configured            // an address of the prefixes that are configured for this far end
	stranger              // anybody else
	whos       = iota
)

// A phase is how far a latch has come.
type phase uint8

const (
	closed phase = iota // somebody is pinned, or the description alone says who
	unmet               // the other far end was never known, so that this one was not told to send yet
	early               // for earlyTime from there on
	late                // after that
	phases = iota
)

// earlyTime is how long a far end behind a NAT that keeps ports has the first
// word.
//
// Ours: media follows the answer within a round trip or two.
const earlyTime = 500 * time.Millisecond

// latches says who may pin a flow, and who is heard. Pass in another column
// than closed pins: from there on the latch is closed, and nothing that comes
// by packet opens it. New signaling does (see Session.Set).
//
// What is not in the table cannot be: it is never learnt twice, never from a
// stranger, never before somebody was told to send.
var latches = [whos][phases]Cause{
	unknown:    {closed: NoRemote, unmet: NoRemote, early: NoRemote, late: NoRemote},
	pinned:     {closed: Pass}, // Receive sees him before it comes here; the other columns cannot be
	former:     {closed: LatchClosed, unmet: NoRemote, early: Pass, late: Pass},
	described:  {closed: LatchClosed, unmet: NoRemote, early: Pass, late: Pass},
	nearPort:   {closed: LatchClosed, unmet: NoRemote, early: Pass, late: Pass},
	nearAddr:   {closed: LatchClosed, unmet: NoRemote, early: LatchEarly, late: Pass},
	configured: {closed: LatchClosed, unmet: NoRemote, early: LatchEarly, late: Pass},
	// The place of a packet whose SRTP tag verifies: it proves more than any
	// address can, and passes in every column.
	stranger: {closed: WrongSource, unmet: WrongSource, early: WrongSource, late: WrongSource},
}

// target is what the far end of the other side lets us do.
type target uint8

const (
	absent  target = iota // no address, or port 0, or it is behind a NAT and not pinned
	deaf                  // it does not want to receive (RFC 3264 section 8.4)
	open                  // it wants to receive
	targets = iota
)

// crossings decides whether a datagram that was let in goes out on the other
// side, by whether its sender may send and by what the target wants.
var crossings = [2][targets]Cause{
	0: {absent: NoRemote, deaf: Held, open: Held},
	1: {absent: NoRemote, deaf: Held, open: Pass},
}

// A latch is what a flow of a far end may learn from packets. It does not
// change.
type latch struct {
	reachable bool           // the described address
	near      netip.Addr     // the signaling source's address; not valid: it may not pin
	sources   []netip.Prefix // configured
	former    netip.AddrPort
	since     time.Duration // when it was opened
}

// tell says who sent a datagram from src, which is not the pinned address, to
// the port whose description is said. own tells addresses of ours.
func (l *latch) tell(src, said netip.AddrPort, own func(netip.Addr) bool) who {
	switch {
	case nobody(said):
		return unknown
	case l == nil || !src.IsValid():
		return stranger
	case src == l.former:
		return former
	case src == said && l.reachable:
		return described
	case src.Addr() == l.near && src.Port() == said.Port():
		return nearPort
	case src.Addr() == l.near:
		return nearAddr
	case contained(l.sources, src.Addr()) && !own(src.Addr()):
		return configured
	}
	return stranger
}

// phase says how far the latch of a flow of f has come at now.
func (p *pins) phase(f *far, rtcp bool, now time.Duration) phase {
	l := f.latch[index(rtcp)]
	switch {
	case l == nil || f.pin[index(rtcp)].IsValid():
		return closed
	case !p.met:
		return unmet
	case now-max(l.since, p.metAt) < earlyTime:
		return early
	}
	return late
}

// admit judges the datagram b, read as as, which the far end from is taken to
// have sent, but not from its pinned address. If the cause is Pass it is
// pinned now, unless Set came in between, and the datagram must be judged
// again.
func (s *Session) admit(p *pins, side Side, from *far, as reading, src netip.AddrPort, b []byte, now time.Duration) Cause {
	rtcp := as == anRTCP
	w := from.latch[index(rtcp)].tell(src, from.addr(rtcp), s.own)
	if c := latches[w][p.phase(from, rtcp, now)]; c != Pass {
		return from.why(c, rtcp)
	}
	if c := check(as, b); c != Pass {
		return c
	}
	next := p.clone()
	next.far(side, from.party).learn(rtcp, src)
	s.pins.CompareAndSwap(p, next)
	return Pass
}

// learn pins a flow of f to src.
func (f *far) learn(rtcp bool, src netip.AddrPort) {
	i := index(rtcp)
	f.pin[i], f.dest[i] = src, src
	if f.Mux {
		f.pin[1-i], f.dest[1-i] = src, src
	}
}

// target tells what f lets us do with RTP or RTCP. RTCP goes on while a
// stream is held (RFC 8866 section 6.7.4), and has no meaning to a far end that
// does not send RTP.
func (f *far) target(rtcp bool) target {
	switch {
	case nobody(f.dest[index(rtcp)]) || rtcp && f.Opaque:
		return absent
	case !f.Receives && !rtcp:
		return deaf
	}
	return open
}

// nobody reports whether a stands for no far end: port 0 switches a stream
// off (RFC 3264 section 6), the unspecified address holds it (RFC 3264
// section 8.4).
func nobody(a netip.AddrPort) bool {
	return a.Port() == 0 || !a.IsValid() || a.Addr().IsUnspecified()
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}
