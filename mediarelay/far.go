package mediarelay

import (
	"net/netip"
	"time"
)

// A far is a far end as the worker wants it.
type far struct {
	Remote                    // addresses unmapped; not valid if of another family than the side's; Signaling where the realm has NAT
	pin     [2]netip.AddrPort // who alone is heard, by RTP and RTCP; not valid: nobody, or not known yet
	dest    [2]netip.AddrPort // where to send, likewise; not valid: nowhere
	latch   [2]*latch         // how pin becomes known, likewise; nil: it is what the description says
	party   uint32            // tells it from those before; it keeps the number while it is the same
	foreign bool              // RTP was of another family, and so the far end is nobody
	noRTCP  bool              // RTCP alone was
}

// far returns r as a far end of side that is described at now, of which
// nothing was learnt.
func (s *Session) far(side Side, r Remote, now time.Duration) far {
	r.RTP, r.RTCP, r.Signaling = plain(r.RTP), plain(r.RTCP), r.Signaling.Unmap()
	if realm := s.realm(side); realm == nil || !realm.NAT {
		r.Signaling = netip.Addr{}
	}
	f := far{Remote: r}
	f.foreign = !nobody(r.RTP) && r.RTP.Addr().Is6() != s.ip6[side]
	f.noRTCP = !nobody(r.RTCP) && r.RTCP.Addr().Is6() != s.ip6[side]
	if f.foreign {
		f.RTP = netip.AddrPort{}
	}
	if f.foreign || f.noRTCP {
		f.RTCP = netip.AddrPort{}
	}
	for _, rtcp := range [2]bool{false, true} {
		f.fasten(s, side, rtcp, now)
	}
	return f
}

// fasten says for RTP or RTCP of f who is heard, where to send, and what may
// be learnt.
//
// Before a packet came, what is sent goes to the described address, if that
// is reachable, and else nowhere: two far ends that both wait for the other
// to begin would be silent for ever.
func (f *far) fasten(s *Session, side Side, rtcp bool, now time.Duration) {
	said := f.addr(rtcp)
	if nobody(said) {
		return
	}
	i, l := index(rtcp), s.latch(side, &f.Remote, said.Addr(), now)
	f.latch[i] = l
	if l == nil {
		f.pin[i] = said
	}
	if l == nil || l.reachable {
		f.dest[i] = said
	}
}

// latch returns what may be learnt of a flow of r that is described to be at
// said; nil: nothing, it is there.
func (s *Session) latch(side Side, r *Remote, said netip.Addr, now time.Duration) *latch {
	l := latch{reachable: true, sources: r.Sources, since: now}
	if realm := s.realm(side); realm != nil && realm.NAT && said != r.Signaling {
		l.reachable = realm.reaches(said)
		if !s.own(r.Signaling) {
			l.near = r.Signaling
		}
	}
	if l.reachable && !l.near.IsValid() && len(l.sources) == 0 {
		return nil
	}
	return &l
}

// same reports whether r is the far end f, described once more.
func (f *far) same(r *far) bool { return f.RTP == r.RTP && f.Signaling == r.Signaling }

// keep carries over what was learnt of was, which is the same far end as f and
// described before. A flow whose own description changed learns anew; what
// only repeats it does not open a latch again.
//
// A far end that may send again after it may not gets its latch opened, since
// its NAT may have forgotten it meanwhile; but the address that it had is
// still sent to, and may pin at once. Where anew is set, a latch that is still
// open counts from now on.
func (f *far) keep(was *far, anew bool, now time.Duration) {
	if f.Mux != was.Mux {
		return
	}
	for _, rtcp := range [2]bool{false, true} {
		i := index(rtcp)
		if f.addr(rtcp) != was.addr(rtcp) || f.latch[i] == nil || was.latch[i] == nil {
			continue
		}
		f.latch[i], f.pin[i], f.dest[i] = was.latch[i], was.pin[i], was.dest[i]
		resumed := f.Sends && !was.Sends && f.pin[i].IsValid() && (!rtcp || f.Mux)
		if !resumed && (!anew || f.pin[i].IsValid()) {
			continue
		}
		l := *was.latch[i]
		l.since = now
		if resumed {
			l.former, f.pin[i] = f.pin[i], netip.AddrPort{}
		}
		f.latch[i] = &l
	}
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

// unsent is why for what should have gone to f: it may also be that f is
// there, but not where it says, and that nothing came from it yet.
func (f *far) unsent(c Cause, rtcp bool) Cause {
	if c == NoRemote && !nobody(f.addr(rtcp)) && !(rtcp && f.Opaque) {
		return Unlatched
	}
	return f.why(c, rtcp)
}
