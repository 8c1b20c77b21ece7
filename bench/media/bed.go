package main

import (
	"fmt"
	"net/netip"
	"strconv"

	"sbc/bench/machine"
	"sbc/lab/netns"
)

// The addresses of the three namespaces.
var (
	lanAddr     = netip.MustParseAddr("10.90.1.10")
	insideAddr  = netip.MustParseAddr("10.90.1.1")
	outsideAddr = netip.MustParseAddr("10.90.2.1")
	itspAddr    = netip.MustParseAddr("10.90.2.10")
)

// farPort is where each far end sends from and listens; calls are told apart
// by the relay's ports.
const farPort = 4000

// A world is the network: the far ends' sockets and the namespace of the
// relay.
type world struct {
	lan, relay, itsp *netns.Space
	ends             [2]*end // by side: LAN, ITSP
}

func newWorld() (w *world, err error) {
	w = new(world)
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	for _, s := range []struct {
		name  string
		space **netns.Space
	}{{"lan", &w.lan}, {"relay", &w.relay}, {"itsp", &w.itsp}} {
		if *s.space, err = netns.New(s.name); err != nil {
			return nil, fmt.Errorf("%w (needs root)", err)
		}
	}
	if err := w.wire(); err != nil {
		return nil, err
	}
	// What is started in the relay's namespace comes from its thread and
	// inherits the core.
	if err := w.relay.Do(func() error { return machine.PinThread(machine.SubjectCore) }); err != nil {
		return nil, err
	}
	for side, at := range []struct {
		space *netns.Space
		addr  netip.Addr
	}{{w.lan, lanAddr}, {w.itsp, itspAddr}} {
		err := at.space.Do(func() (err error) {
			w.ends[side], err = newEnd(netip.AddrPortFrom(at.addr, farPort))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return w, nil
}

// wire lays the cables and the routes for the direct way.
func (w *world) wire() error {
	const bits = 24
	for _, cable := range [][2]netns.End{
		{{Space: w.lan, Interface: "eth0", Addr: netip.PrefixFrom(lanAddr, bits)},
			{Space: w.relay, Interface: "eth0", Addr: netip.PrefixFrom(insideAddr, bits)}},
		{{Space: w.relay, Interface: "eth1", Addr: netip.PrefixFrom(outsideAddr, bits)},
			{Space: w.itsp, Interface: "eth0", Addr: netip.PrefixFrom(itspAddr, bits)}},
	} {
		if err := netns.Join(cable[0], cable[1]); err != nil {
			return err
		}
	}
	if err := w.lan.Route(netip.PrefixFrom(itspAddr, bits).Masked(), insideAddr); err != nil {
		return err
	}
	return w.itsp.Route(netip.PrefixFrom(lanAddr, bits).Masked(), outsideAddr)
}

// forward switches IP forwarding where the relay is.
func (w *world) forward(on string) error {
	return w.relay.Sysctl("net/ipv4/ip_forward", on)
}

// start starts a relay: in its namespace, on its core, with the highest weight
// for its session.
func (w *world) start(path string, args ...string) (*netns.Process, error) {
	p, err := w.relay.Start(netns.Command{Path: path, Args: args})
	if err != nil {
		return nil, err
	}
	if _, err = machine.Favour(strconv.Itoa(p.PID())); err != nil {
		p.Kill()
		return nil, fmt.Errorf("start %s: %w; it wrote %q", path, err, p.Output())
	}
	return p, nil
}

func (w *world) close() {
	for _, e := range w.ends {
		e.close()
	}
	for _, s := range []*netns.Space{w.lan, w.relay, w.itsp} {
		if s != nil {
			s.Close()
		}
	}
}
