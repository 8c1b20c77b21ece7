package turn

import (
	"net"
	"net/netip"
	"sync/atomic"

	"sbc/nat"
)

// peers says whom nobody may reach through us.
type peers struct {
	deny, allow []netip.Prefix
	named       []netip.Addr // addresses of ours that do not change
	open        []Ports      // where at our own addresses somebody may send to

	machine atomic.Pointer[[]netip.Addr] // the addresses of our interfaces
}

func newPeers(o Options) *peers {
	p := &peers{deny: o.Deny, allow: o.Allow, open: o.Media}
	for _, a := range o.Own {
		p.named = append(p.named, a.Unmap())
	}
	for _, a := range append(o.UDP[:len(o.UDP):len(o.UDP)], o.TCP...) {
		p.named = append(p.named, a.Addr())
	}
	for _, r := range o.Relays {
		for _, a := range []netip.Addr{r.Listen, r.Advertise} {
			if a.IsValid() {
				p.named = append(p.named, a)
				p.open = append(p.open, Ports{Addr: a, First: o.FirstPort, Last: o.LastPort})
			}
		}
	}
	p.look()
	return p
}

// look reads the addresses of this machine's interfaces, which may change. If
// that fails those of before stay.
func (p *peers) look() {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return
	}
	var ours []netip.Addr
	for _, a := range list {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			ours = append(ours, prefix.Addr().Unmap())
		}
	}
	p.machine.Store(&ours)
}

// refused reports whether nothing may be sent to a peer. port 0 stands for any
// port: what is good at some port is not refused.
//
// An IPv4 address that is written in IPv6 is refused as such, whatever it is:
// no relay of ours could tell the peer of one family from that of the other.
func (p *peers) refused(addr netip.Addr, port uint16) bool {
	if addr.Is4In6() || addr.Zone() != "" || !addr.IsValid() {
		return true
	}
	if p.ours(addr) {
		return !p.openAt(addr, port)
	}
	for _, inner := range embedded(addr) {
		if inner.IsValid() && (p.ours(inner) || contains(p.deny, inner)) {
			return true
		}
	}
	switch {
	case contains(p.deny, addr):
		return true
	case contains(p.allow, addr):
		return false
	}
	_, bad := nat.Refuse(addr)
	return bad
}

// shut reports whether a port of ours is not for media. Towards all others the
// permission decides, which refused has been asked about.
func (p *peers) shut(addr netip.Addr, port uint16) bool { return p.ours(addr) && !p.openAt(addr, port) }

func (p *peers) ours(addr netip.Addr) bool {
	for _, a := range p.named {
		if a == addr {
			return true
		}
	}
	for _, a := range *p.machine.Load() {
		if a == addr {
			return true
		}
	}
	return false
}

func (p *peers) openAt(addr netip.Addr, port uint16) bool {
	for _, o := range p.open {
		if o.Addr == addr && (port == 0 || port >= o.First && port <= o.Last) {
			return true
		}
	}
	return false
}

func contains(list []netip.Prefix, addr netip.Addr) bool {
	for _, p := range list {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Prefixes whose addresses lead to an IPv4 address: NAT64 (RFC 6052 section
// 2.1), 6to4 (RFC 3056 section 2) and Teredo (RFC 4380 section 4).
var (
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
	sixToIV = netip.MustParsePrefix("2002::/16")
	teredo  = netip.MustParsePrefix("2001::/32")
)

// embedded returns the IPv4 addresses that a translator or the end of a tunnel
// would send to for addr; those that there are not are not valid.
func embedded(addr netip.Addr) (inner [2]netip.Addr) {
	b := addr.As16()
	at := func(i int, mask byte) netip.Addr {
		return netip.AddrFrom4([4]byte{b[i] ^ mask, b[i+1] ^ mask, b[i+2] ^ mask, b[i+3] ^ mask})
	}
	switch {
	case !addr.Is6():
	case nat64.Contains(addr):
		inner[0] = at(12, 0)
	case sixToIV.Contains(addr):
		inner[0] = at(2, 0)
	case teredo.Contains(addr):
		inner[0], inner[1] = at(4, 0), at(12, 0xFF)
	}
	return inner
}
