package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"sbc/bench/machine"
	"sbc/bench/world"
	"sbc/lab/netns"
)

// patience bounds every wait for another process.
const patience = 30 * time.Second

// The relays' ports.
const firstPort, lastPort = 20000, 39999

// measureDirect measures the network: the kernel forwards.
func measureDirect(b *bed, o options) (result, error) {
	if err := b.forward("1"); err != nil {
		return result{}, err
	}
	var to [2][]netip.AddrPort
	for range o.calls {
		to[0] = append(to[0], b.ends[1].addr)
		to[1] = append(to[1], b.ends[0].addr)
	}
	r, err := newLoad(b, to).measure(o.length, func() error { return nil })
	if err != nil {
		return result{}, err
	}
	return r, b.forward("0")
}

// measureRelay measures what the process pid relays.
func measureRelay(b *bed, o options, pid int, ports [][2]uint16) (result, error) {
	var to [2][]netip.AddrPort
	for _, p := range ports {
		to[0] = append(to[0], netip.AddrPortFrom(world.Inside, p[0]))
		to[1] = append(to[1], netip.AddrPortFrom(world.Outside, p[1]))
	}
	var times []time.Duration
	r, err := newLoad(b, to).measure(o.length, func() error {
		t, err := machine.CPUTime(pid)
		times = append(times, t)
		return err
	})
	if err != nil {
		return result{}, err
	}
	r.cpu = times[1] - times[0]
	return r, nil
}

// measureSocket measures our engine, in a process of its own.
func measureSocket(b *bed, o options) (result, error) {
	self, err := os.Executable()
	if err != nil {
		return result{}, fmt.Errorf("find this program: %w", err)
	}
	p, err := b.start(self, "-role", "relay")
	if err != nil {
		return result{}, err
	}
	defer p.Kill()
	text, err := json.Marshal(order{
		Calls: o.calls, Inside: world.Inside, Outside: world.Outside,
		LAN: b.ends[0].addr, ITSP: b.ends[1].addr, First: firstPort, Last: lastPort,
	})
	if err != nil {
		return result{}, fmt.Errorf("write order: %w", err)
	}
	if err := p.Input(string(text) + "\n"); err != nil {
		return result{}, err
	}
	var ports [][2]uint16
	if err := answer(p, 0, &ports); err != nil {
		return result{}, err
	}
	r, err := measureRelay(b, o, p.PID(), ports)
	if err != nil {
		return result{}, err
	}
	r.leftover, err = finish(b, p)
	return r, err
}

// finish ends the relay and says what it left behind; empty: nothing.
func finish(b *bed, p *netns.Process) (string, error) {
	if err := p.Input("end\n"); err != nil {
		return "", err
	}
	var a account
	if err := answer(p, 1, &a); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.Wait(ctx); err != nil {
		return "", err
	}
	bound, err := b.Middle.Sockets()
	if err != nil {
		return "", err
	}
	var left []string
	for _, x := range []struct {
		n    int
		what string
	}{{a.Ports, "ports"}, {a.Descriptors, "descriptors"}, {a.Goroutines, "goroutines"}, {len(bound), "sockets"}} {
		if x.n != 0 {
			left = append(left, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	return strings.Join(left, ", "), nil
}

// answer waits for the nth line that the relay writes.
func answer(p *netns.Process, n int, to any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var lines []string
	err := netns.Await(ctx, func() bool {
		lines = strings.SplitAfter(p.Output(), "\n")
		return len(lines) > n && strings.HasSuffix(lines[n], "\n")
	})
	if err != nil {
		return fmt.Errorf("the relay does not answer: %w; it wrote %q", err, p.Output())
	}
	if err := json.Unmarshal([]byte(lines[n]), to); err != nil {
		return fmt.Errorf("the relay answers %q: %w", lines[n], err)
	}
	return nil
}
