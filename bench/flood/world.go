package main

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"sbc/bench/world"
	"sbc/lab/netns"
)

// mtu is that of Ethernet: with more, a cable of veth takes no program of XDP.
const mtu = 1500

// The interfaces of the ITSP's namespace: the cable to what is measured, and one
// that ends where it began. What is sent there costs the sender what the cable
// costs, and is dropped.
const (
	cable   = "eth0"
	sink    = "sink0"
	sinkEnd = "sink1"
)

// nobody has no interface: who hears a frame for it drops it at once.
var nobody = net.HardwareAddr{2, 0, 0, 0, 0, 2}

// newWorld makes a world in which forged sources are behind the ITSP, as
// everybody is behind a router.
func newWorld(dir string) (*world.World, error) {
	w, err := world.New(dir)
	if err != nil {
		return nil, err
	}
	if err := finish(w); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func finish(w *world.World) error {
	if err := netns.Join(netns.End{Space: w.ITSP, Interface: sink}, netns.End{Space: w.ITSP, Interface: sinkEnd}); err != nil {
		return err
	}
	for _, e := range []netns.End{{Space: w.ITSP, Interface: cable}, {Space: w.ITSP, Interface: sink}, {Space: w.ITSP, Interface: sinkEnd},
		{Space: w.Middle, Interface: "eth0"}, {Space: w.Middle, Interface: "eth1"}, {Space: w.LAN, Interface: "eth0"}} {
		if err := e.Space.Do(func() error { return setMTU(e.Interface) }); err != nil {
			return fmt.Errorf("MTU of %s: %w", e.Interface, err)
		}
	}
	return w.Middle.Route(netip.MustParsePrefix("0.0.0.0/0"), world.ITSP)
}

func setMTU(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	r.SetUint32(mtu)
	return unix.IoctlIfreq(fd, unix.SIOCSIFMTU, r)
}

// macOf returns the address of an interface.
func macOf(s *netns.Space, name string) (mac net.HardwareAddr, err error) {
	err = s.Do(func() error {
		i, err := net.InterfaceByName(name)
		if err == nil {
			mac = i.HardwareAddr
		}
		return err
	})
	return mac, err
}
