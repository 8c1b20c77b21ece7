package public

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Errors in words for the operator.
var (
	errNoGateway = errors.New("there is no default route by the realm's interface, so there is no router to ask")
	errFamily    = errors.New("it is for IPv4 only")
	errNothing   = errors.New("the router says yes and maps nothing")
)

// gateway returns the next hop of the default route by the interface that has
// the address local; of several the one with the lowest metric.
func gateway(local netip.Addr) (netip.Addr, error) {
	family := netlink.FAMILY_V4
	if local.Is6() {
		family = netlink.FAMILY_V6
	}
	index, name, err := interfaceOf(local)
	if err != nil {
		return netip.Addr{}, err
	}
	filter := &netlink.Route{LinkIndex: index, Table: unix.RT_TABLE_UNSPEC}
	routes, err := netlink.RouteListFiltered(family, filter, netlink.RT_FILTER_OIF|netlink.RT_FILTER_TABLE)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("read the routes: %w", err)
	}
	best, metric := netip.Addr{}, 0
	for i := range routes {
		r := &routes[i]
		via, ok := netip.AddrFromSlice(r.Gw)
		if !ok || !everywhere(r.Dst) || best.IsValid() && r.Priority >= metric {
			continue
		}
		best, metric = via.Unmap(), r.Priority
	}
	if !best.IsValid() {
		return best, errNoGateway
	}
	if best.IsLinkLocalUnicast() && best.Is6() {
		best = best.WithZone(name)
	}
	return best, nil
}

// everywhere reports whether a route's destination is everything; netlink
// gives nil or 0.0.0.0/0.
func everywhere(dst *net.IPNet) bool {
	if dst == nil {
		return true
	}
	ones, _ := dst.Mask.Size()
	return ones == 0
}

// interfaceOf returns the interface that has an address.
func interfaceOf(local netip.Addr) (index int, name string, err error) {
	all, err := net.Interfaces()
	if err != nil {
		return 0, "", fmt.Errorf("read the interfaces: %w", err)
	}
	for _, i := range all {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(local.AsSlice()) {
				return i.Index, i.Name, nil
			}
		}
	}
	return 0, "", fmt.Errorf("no interface has the address %s", local)
}
