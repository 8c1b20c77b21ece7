package kernel

import (
	"fmt"
	"net/netip"
)

// checkBan returns a prefix that may be banned, masked, IPv4 as IPv4.
func checkBan(p netip.Prefix) (netip.Prefix, error) {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	a, bits := p.Addr(), p.Bits()
	switch {
	case !p.IsValid():
		return p, fmt.Errorf("ban %v: it is no prefix", p)
	case a.Is4() && bits != 32, a.Is6() && bits != 64 && bits != 56 && bits != 48:
		return p, fmt.Errorf("ban %v: a ban is of an IPv4 address, or an IPv6 /64, /56 or /48", p)
	case a.IsLinkLocalUnicast() && a.Is6():
		// Routers and neighbours speak from them, and so does the whole link.
		return p, fmt.Errorf("ban %v: link-local addresses of IPv6 are not banned", p)
	case a.IsMulticast() || a.IsUnspecified() && a.Is4():
		return p, fmt.Errorf("ban %v: nobody sends from there", p)
	}
	return p.Masked(), nil
}
