// Package world is the network that benchmarks measure in: a LAN, what is
// measured, and an ITSP, each in a network namespace. What is measured has a
// core to itself, the load shares the other one.
package world

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

// The addresses: LAN and Inside are at the ends of one cable, Outside and ITSP
// at those of the other.
var (
	LAN     = netip.MustParseAddr("10.77.1.2")
	Inside  = netip.MustParseAddr("10.77.1.1")
	Outside = netip.MustParseAddr("10.77.2.1")
	ITSP    = netip.MustParseAddr("10.77.2.2")
)

// Bits is the length of the prefix of both networks.
const Bits = 24

// Patience bounds every wait for a program to start or to end.
const Patience = 20 * time.Second

// A World is three namespaces and a directory for files. In the middle, eth0
// leads to the LAN and eth1 to the ITSP.
type World struct {
	LAN, Middle, ITSP *netns.Space
	Dir               string
}

// New makes a world, which needs root. The caller must Close it.
func New(dir string) (*World, error) {
	w := &World{Dir: dir}
	if err := w.lay(); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *World) lay() (err error) {
	for _, s := range []struct {
		name  string
		space **netns.Space
		core  int
	}{{"itsp", &w.ITSP, machine.LoadCore}, {"middle", &w.Middle, machine.SubjectCore}, {"lan", &w.LAN, machine.LoadCore}} {
		if *s.space, err = netns.New(s.name); err != nil {
			return fmt.Errorf("%w (needs root)", err)
		}
		// What is started in a namespace comes from its thread and inherits
		// the core.
		if err = (*s.space).Do(func() error { return machine.PinThread(s.core) }); err != nil {
			return err
		}
	}
	for _, cable := range [][2]netns.End{
		{{Space: w.LAN, Interface: "eth0", Addr: netip.PrefixFrom(LAN, Bits)},
			{Space: w.Middle, Interface: "eth0", Addr: netip.PrefixFrom(Inside, Bits)}},
		{{Space: w.ITSP, Interface: "eth0", Addr: netip.PrefixFrom(ITSP, Bits)},
			{Space: w.Middle, Interface: "eth1", Addr: netip.PrefixFrom(Outside, Bits)}},
	} {
		if err = netns.Join(cable[0], cable[1]); err != nil {
			return err
		}
	}
	return nil
}

// Close ends what runs in the world, and the world.
func (w *World) Close() {
	for _, s := range []*netns.Space{w.ITSP, w.LAN, w.Middle} {
		if s != nil {
			s.Close()
		}
	}
}

// File writes a file of the world and returns its path.
func (w *World) File(name, text string) (string, error) {
	path := filepath.Join(w.Dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// Serves waits until p, in a namespace, takes what comes to all addresses by
// UDP, or by TCP.
func Serves(in *netns.Space, p *netns.Process, tcp bool, addrs ...netip.AddrPort) error {
	takes := in.Bound
	if tcp {
		takes = in.Listens
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	err := netns.Await(ctx, func() bool {
		for _, a := range addrs {
			if !takes(a) {
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

// Directory returns keep, made if need be, or a temporary directory when keep
// is empty; done removes the latter.
func Directory(keep string) (dir string, done func(), err error) {
	if keep != "" {
		return keep, func() {}, os.MkdirAll(keep, 0o755)
	}
	dir, err = os.MkdirTemp("", "bench-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

// Build builds the SBC of this checkout into dir and returns its path.
func Build(dir string) (string, error) {
	path := filepath.Join(dir, "sbc")
	out, err := exec.Command("go", "build", "-o", path, "sbc/cmd/sbc").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the SBC: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return path, nil
}
