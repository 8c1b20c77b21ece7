package config

import (
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

// interfaceAddress reads the name of an interface and gives its one IPv4
// address.
func (r *reader) interfaceAddress(a *hcl.Attribute, to *netip.Addr) bool {
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
			return r.oneAddress(t, i, to)
		}
		have = append(have, i.Name)
	}
	r.fail(t.at, "No such interface", "This machine has no interface %q.%s It has: %s.", t.s, didYouMean(t.s, have, quoted), listed(have, quoted))
	return false
}

func (r *reader) oneAddress(t text, i Interface, to *netip.Addr) bool {
	var four []string
	for _, a := range i.Addrs {
		if a.Is4() {
			four = append(four, a.String())
			*to = a
		}
	}
	switch len(four) {
	case 0:
		r.fail(t.at, "Interface without an address", "%q has no IPv4 address now. Give it one, or write address = ... instead.", t.s)
	case 1:
		return true
	default:
		r.fail(t.at, "Interface with several addresses", "%q has %s. Say which one: write address = %q.", t.s, listed(four, quoted), four[0])
	}
	return false
}
