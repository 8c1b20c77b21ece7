package mediarelay

import "net/netip"

// unrouted are the prefixes that no public route leads to, but for what netip
// tells (RFC 6890, with RFC 6598 and RFC 4193). Those for documentation are
// left out: they stand for public ones in tests.
var unrouted = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // between a provider's NATs
	netip.MustParsePrefix("192.0.0.0/24"),  // RFC 7335 section 4: of 464XLAT and DS-Lite
	netip.MustParsePrefix("198.18.0.0/15"), // RFC 2544: between devices under test
	netip.MustParsePrefix("240.0.0.0/4"),
}

// public reports whether a may be anywhere in the Internet.
func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !contained(unrouted, a)
}

func contained(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// reaches reports whether a far end of the realm that names its address a can
// be where it says.
func (p *RealmPool) reaches(a netip.Addr) bool {
	return !p.NAT || public(a) || contained(p.Routed, a) || a == p.Of(a.Is6())
}

// realm returns the realm of one side; nil: a session without realms, in which
// nothing is learnt.
func (s *Session) realm(side Side) *RealmPool {
	if s.realms == nil {
		return nil
	}
	return &s.realms[s.at[side]]
}

// own reports whether a is an address of ours, in any realm. What comes from
// there is our own media, or that of a program beside us that names its
// address: nobody needs to be learnt from it, and a ring could come of it.
func (s *Session) own(a netip.Addr) bool {
	for i := range s.realms {
		if s.realms[i].Of(a.Is6()) == a {
			return true
		}
	}
	return false
}
