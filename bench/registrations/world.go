package main

import (
	"net/netip"

	"sbc/bench/world"
)

// metricsAddr is where the SBC says how large its heap is.
var metricsAddr = netip.AddrPortFrom(world.Inside, 9090)

// homes are the public addresses of the phones, in the namespace of the ITSP.
var homes = netip.MustParsePrefix("10.64.0.0/16")

// newWorld makes a world with the homes. The loopback interface of their
// namespace has all their addresses: what it has with a prefix is local as a
// whole.
func newWorld(dir string) (*world.World, error) {
	w, err := world.New(dir)
	if err != nil {
		return nil, err
	}
	if err = w.ITSP.AddAddr("lo", homes); err == nil {
		err = w.Middle.Route(homes, world.ITSP)
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}
