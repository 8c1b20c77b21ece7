package main

import (
	"fmt"
	"net/netip"
	"strconv"

	"sbc/bench/machine"
	"sbc/bench/world"
	"sbc/lab/netns"
)

// farPort is where each far end sends from and listens; calls are told apart
// by the relay's ports.
const farPort = 4000

// A bed is the network with the far ends' sockets. The relay stands in the
// middle.
type bed struct {
	*world.World
	ends [2]*end // by side: LAN, ITSP
}

func newBed() (*bed, error) {
	w, err := world.New("")
	if err != nil {
		return nil, err
	}
	b := &bed{World: w}
	if err := b.lay(); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// lay makes the direct way, and the sockets.
func (b *bed) lay() error {
	if err := b.LAN.Route(netip.PrefixFrom(world.ITSP, world.Bits).Masked(), world.Inside); err != nil {
		return err
	}
	if err := b.ITSP.Route(netip.PrefixFrom(world.LAN, world.Bits).Masked(), world.Outside); err != nil {
		return err
	}
	for side, at := range []struct {
		space *netns.Space
		addr  netip.Addr
	}{{b.LAN, world.LAN}, {b.ITSP, world.ITSP}} {
		err := at.space.Do(func() (err error) {
			b.ends[side], err = newEnd(netip.AddrPortFrom(at.addr, farPort))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// forward switches IP forwarding where the relay is.
func (b *bed) forward(on string) error {
	return b.Middle.Sysctl("net/ipv4/ip_forward", on)
}

// start starts a relay: in its namespace, on its core, with the highest weight
// for its session.
func (b *bed) start(path string, args ...string) (*netns.Process, error) {
	p, err := b.Middle.Start(netns.Command{Path: path, Args: args})
	if err != nil {
		return nil, err
	}
	if _, err = machine.Favour(strconv.Itoa(p.PID())); err != nil {
		p.Kill()
		return nil, fmt.Errorf("start %s: %w; it wrote %q", path, err, p.Output())
	}
	return p, nil
}

func (b *bed) close() {
	for _, e := range b.ends {
		e.close()
	}
	b.Close()
}
