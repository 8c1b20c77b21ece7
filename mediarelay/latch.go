package mediarelay

import "net/netip"

// A Rule says how the address that may send to a port becomes known.
type Rule uint8

// Pinned: it is the address and port of the session description.
const (
	Pinned Rule = iota
	rules       = iota
)

// who sent a datagram, as far as the latch can tell.
type who uint8

const (
	unknown  who = iota // there is no description of the far end yet, or it switched the stream off
	expected            // the pinned address and port
	stranger            // anybody else
	whos     = iota
)

// latches decides whether a datagram is let in: Pass, or why not. Nobody is
// ever learnt from a packet, so there is nothing that a forged one could
// change.
var latches = [rules][whos]Cause{
	Pinned: {unknown: NoRemote, expected: Pass, stranger: WrongSource},
}

// target is what the far end of the other side lets us do.
type target uint8

const (
	absent  target = iota // no address, or port 0
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

// tell compares the source of a datagram with the pinned address.
func tell(src, pinned netip.AddrPort) who {
	switch {
	case nobody(pinned):
		return unknown
	case src == pinned:
		return expected
	}
	return stranger
}

// target tells what r lets us do with RTP or RTCP. RTCP goes on while a
// stream is held (RFC 8866 section 6.7.4), and has no meaning to a far end that
// does not send RTP.
func (r *Remote) target(rtcp bool) target {
	switch {
	case nobody(r.addr(rtcp)) || rtcp && r.Opaque:
		return absent
	case !r.Receives && !rtcp:
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
