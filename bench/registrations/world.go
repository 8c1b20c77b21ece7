package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sbc/bench/machine"
	"sbc/lab/netns"
)

// The addresses of the three namespaces.
var (
	lanAddr     = netip.MustParseAddr("10.77.1.2")
	insideAddr  = netip.MustParseAddr("10.77.1.1")
	outsideAddr = netip.MustParseAddr("10.77.2.1")
	nearAddr    = netip.MustParseAddr("10.77.2.2")
	metricsAddr = netip.MustParseAddrPort("10.77.1.1:9090")

	// homes are the public addresses of the phones.
	homes = netip.MustParsePrefix("10.64.0.0/16")
)

// patience bounds every wait for a program to start.
const patience = 20 * time.Second

// A world is the phones, the PBX and what is between them.
type world struct {
	homes, middle, lan *netns.Space
	dir                string
}

func newWorld(dir string) (w *world, err error) {
	w = &world{dir: dir}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	for _, s := range []struct {
		name  string
		space **netns.Space
		core  int
	}{{"homes", &w.homes, machine.LoadCore}, {"middle", &w.middle, machine.SubjectCore}, {"lan", &w.lan, machine.LoadCore}} {
		if *s.space, err = netns.New(s.name); err != nil {
			return nil, fmt.Errorf("%w (needs root)", err)
		}
		// What is started in a namespace comes from its thread and inherits
		// the core.
		if err = (*s.space).Do(func() error { return machine.PinThread(s.core) }); err != nil {
			return nil, err
		}
	}
	return w, w.wire()
}

// wire lays the cables. The loopback interface of the phones' namespace has all
// their addresses: what it has with a prefix is local as a whole.
func (w *world) wire() error {
	const bits = 24
	for _, cable := range [][2]netns.End{
		{{Space: w.lan, Interface: "eth0", Addr: netip.PrefixFrom(lanAddr, bits)},
			{Space: w.middle, Interface: "eth0", Addr: netip.PrefixFrom(insideAddr, bits)}},
		{{Space: w.homes, Interface: "eth0", Addr: netip.PrefixFrom(nearAddr, bits)},
			{Space: w.middle, Interface: "eth1", Addr: netip.PrefixFrom(outsideAddr, bits)}},
	} {
		if err := netns.Join(cable[0], cable[1]); err != nil {
			return err
		}
	}
	if err := w.homes.AddAddr("lo", homes); err != nil {
		return err
	}
	return w.middle.Route(homes, nearAddr)
}

func (w *world) close() {
	for _, s := range []*netns.Space{w.homes, w.lan, w.middle} {
		if s != nil {
			s.Close()
		}
	}
}

// file writes a file of the world and returns its path.
func (w *world) file(name, text string) (string, error) {
	path := filepath.Join(w.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// bound waits until somebody listens at all addresses in the middle.
func (w *world) bound(p *netns.Process, addrs ...netip.AddrPort) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := netns.Await(ctx, func() bool {
		for _, a := range addrs {
			if !w.middle.Bound(a) {
				return false
			}
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("did not begin to serve: %w; it wrote %q", err, p.Output())
	}
	return nil
}

func workDir(keep string) (dir string, done func(), err error) {
	if keep != "" {
		return keep, func() {}, os.MkdirAll(keep, 0o755)
	}
	dir, err = os.MkdirTemp("", "registrations")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

func build(dir string) (string, error) {
	path := filepath.Join(dir, "sbc")
	out, err := exec.Command("go", "build", "-o", path, "sbc/cmd/sbc").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the SBC: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return path, nil
}
