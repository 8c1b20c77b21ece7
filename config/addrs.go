package config

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"
)

// Addrs are addresses of ours, at most one of each family.
type Addrs struct {
	IP4 netip.Addr // not valid: none
	IP6 netip.Addr // not valid: none
}

// IsValid reports whether there is an address.
func (a Addrs) IsValid() bool { return a.IP4.IsValid() || a.IP6.IsValid() }

// First returns the IPv4 address, else that of IPv6.
func (a Addrs) First() netip.Addr {
	if a.IP4.IsValid() {
		return a.IP4
	}
	return a.IP6
}

// All returns the addresses, IPv4 first.
func (a Addrs) All() []netip.Addr {
	var all []netip.Addr
	for _, one := range []netip.Addr{a.IP4, a.IP6} {
		if one.IsValid() {
			all = append(all, one)
		}
	}
	return all
}

// Of returns the address of the family of b; it is not valid where there is
// none.
func (a Addrs) Of(b netip.Addr) netip.Addr {
	if b.Is4() {
		return a.IP4
	}
	return a.IP6
}

// IsLoopback reports whether there are addresses and all are of this host
// alone.
func (a Addrs) IsLoopback() bool {
	for _, one := range a.All() {
		if !one.IsLoopback() {
			return false
		}
	}
	return a.IsValid()
}

// String returns the addresses with " and " between them.
func (a Addrs) String() string {
	if a.IP4.IsValid() && a.IP6.IsValid() {
		return a.IP4.String() + " and " + a.IP6.String()
	}
	return a.First().String()
}

// or returns a with the addresses of b in the place of those that are
// missing.
func (a Addrs) or(b Addrs) Addrs {
	if !a.IP4.IsValid() {
		a.IP4 = b.IP4
	}
	if !a.IP6.IsValid() {
		a.IP6 = b.IP6
	}
	return a
}

// slot returns the place for an address of the family of b.
func (a *Addrs) slot(b netip.Addr) *netip.Addr {
	if b.Is4() {
		return &a.IP4
	}
	return &a.IP6
}

// family names the family of an address.
func family(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// The addresses that examples show.
const (
	exampleAddress = `"203.0.113.7"`
	exampleBoth    = `"203.0.113.7", "2001:db8::7"`
)

// addresses reads one address, or a list with one of each family. It leaves
// to alone unless all of it is right.
func (r *reader) addresses(a *hcl.Attribute, to *Addrs) bool {
	if a == nil {
		return false
	}
	var list []text
	before := len(r.diags)
	if _, diags := hcl.ExprList(a.Expr); diags.HasErrors() {
		if t, ok := r.text(a, exampleAddress); ok {
			list = []text{t}
		}
	} else {
		list = r.texts(a, exampleBoth)
	}
	var out Addrs
	for _, t := range list {
		r.oneOfFamily(a.Name, t, &out)
	}
	if len(r.diags) > before {
		return false
	}
	*to = out
	return true
}

func (r *reader) oneOfFamily(key string, t text, to *Addrs) {
	var addr netip.Addr
	if !r.address(key, t, &addr) {
		return
	}
	slot := to.slot(addr)
	if slot.IsValid() {
		r.fail(t.at, "Two addresses of one family", "%q and %q are both %s. %q takes one IPv4 and one IPv6 address: write %s = [%s].",
			slot, t.s, family(addr), key, key, exampleBoth)
		return
	}
	*slot = addr
}

// address reads an address that a host can have.
func (r *reader) address(key string, t text, to *netip.Addr) bool {
	addr, err := netip.ParseAddr(t.s)
	if err != nil {
		r.fail(t.at, "Not an address", "%q is no IP address. Write %s = %s.", t.s, key, exampleAddress)
		return false
	}
	return r.usable(t, addr, to)
}

// usable refuses addresses that no host has, or that mean something on one
// link only.
func (r *reader) usable(t text, addr netip.Addr, to *netip.Addr) bool {
	switch {
	case addr.Is4In6():
		r.fail(t.at, "IPv4 written as IPv6", "Write %q instead of %q.", addr.Unmap(), t.s)
	case addr.IsUnspecified():
		r.fail(t.at, "Unusable address", "%q names no interface, and the far end would be told to send there. Write the address of one interface.", t.s)
	case addr.IsMulticast(), addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		r.fail(t.at, "Unusable address", "%q is the address of a group, not of one host.", t.s)
	case addr.Zone() != "", addr.Is6() && addr.IsLinkLocalUnicast():
		r.fail(t.at, "Unusable address", "%q is good on one link only (RFC 4291 section 2.5.6), and cannot stand in a URI. Write an address that routers forward.", t.s)
	default:
		*to = addr
		return true
	}
	return false
}
