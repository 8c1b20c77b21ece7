package config

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/hashicorp/hcl/v2"
)

// An Interface is a network interface of a machine.
type Interface struct {
	Name  string
	Addrs []netip.Addr
}

// Interfaces lists the interfaces of a machine.
type Interfaces func() ([]Interface, error)

// SystemInterfaces lists those of this machine.
func SystemInterfaces() ([]Interface, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []Interface
	for _, i := range list {
		one := Interface{Name: i.Name}
		addrs, err := i.Addrs()
		if err != nil {
			return nil, err
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				if addr, ok := netip.AddrFromSlice(n.IP); ok {
					one.Addrs = append(one.Addrs, addr.Unmap())
				}
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// interfaceAddress reads the name of an interface and gives its one IPv4 and
// its one IPv6 address, or one of them where it has no other.
func (r *reader) interfaceAddress(a *hcl.Attribute, to *Addrs) bool {
	t, ok := r.text(a, `"eth0"`)
	if !ok {
		return false
	}
	list, err := r.machine()
	if err != nil {
		r.fail(t.at, "Interfaces cannot be listed", "%s. Write address = ... instead.", err)
		return false
	}
	var have []string
	for _, i := range list {
		if i.Name == t.s {
			return r.oneEach(t, i, to)
		}
		have = append(have, i.Name)
	}
	r.fail(t.at, "No such interface", "This machine has no interface %q.%s It has: %s.", t.s, didYouMean(t.s, have, quoted), listed(have, quoted))
	return false
}

func (r *reader) oneEach(t text, i Interface, to *Addrs) bool {
	var out Addrs
	several := false
	var have []string
	for _, a := range i.Addrs {
		if a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
			continue // Nobody beyond the link reaches it.
		}
		have = append(have, a.String())
		slot := out.slot(a)
		several = several || slot.IsValid()
		if !slot.IsValid() {
			*slot = a
		}
	}
	switch {
	case !out.IsValid():
		r.fail(t.at, "Interface without an address", "%q has no address now that routers forward. Give it one, or write address = ... instead.", t.s)
	case several:
		r.fail(t.at, "Interface with several addresses", "%q has %s. Say which, at most one of each family: write %s.", t.s, listed(have, quoted), written(out))
	default:
		*to = out
		return true
	}
	return false
}

// written is the key that says what the interface cannot.
func written(a Addrs) string {
	if a.IP4.IsValid() && a.IP6.IsValid() {
		return fmt.Sprintf("address = [%q, %q], or one of the two", a.IP4, a.IP6)
	}
	return fmt.Sprintf("address = %q", a.First())
}
