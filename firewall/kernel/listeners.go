package kernel

import (
	"fmt"
	"net/netip"

	"sbc/firewall"
)

// places are where strangers are policed, each once.
type places struct {
	udp, tcp []netip.AddrPort
	local    []netip.Addr // whose fragments are policed
}

// placesOf checks the listeners.
func placesOf(p firewall.Policing) (all places, err error) {
	if all.udp, err = listeners(p.UDP); err == nil {
		all.tcp, err = listeners(p.TCP)
	}
	seen := map[netip.Addr]bool{}
	for _, list := range [][]netip.AddrPort{all.udp, all.tcp} {
		for _, l := range list {
			if !seen[l.Addr()] {
				seen[l.Addr()] = true
				all.local = append(all.local, l.Addr())
			}
		}
	}
	return all, err
}

func listeners(list []netip.AddrPort) (all []netip.AddrPort, err error) {
	seen := map[netip.AddrPort]bool{}
	for _, l := range list {
		l = plain(l)
		if !l.IsValid() || l.Addr().IsUnspecified() || l.Port() == 0 {
			return nil, fmt.Errorf("police %v: a listener has an address and a port", l)
		}
		if !seen[l] {
			seen[l] = true
			all = append(all, l)
		}
	}
	return all, nil
}
