package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"sbc/fastpath"
	"sbc/firewall"
)

// Engines that [Options].Want may name, beside those of [firewall.Kernel].
const (
	Auto = "auto" // the best that there is
	None = "none"
)

// Options of Open.
type Options struct {
	// Want names an engine: auto, xdp, tcx (clsact, where the kernel has no
	// tcx), clsact, nftables or none.
	Want string
	// Interfaces are those that carry listeners, for the engines of BPF.
	// nftables takes packets of all.
	Interfaces []string
}

// An engine is one that may be wanted.
type engine struct {
	name  string
	needs string // capabilities
	open  func(Options) (firewall.Kernel, error)
}

var engines = []engine{
	{"tcx", "CAP_BPF and CAP_NET_ADMIN", byHooks(fastpath.TCX, fastpath.Clsact)},
	{"nftables", "CAP_NET_ADMIN", func(Options) (firewall.Kernel, error) { return interfaced(openNFT()) }},
	{"clsact", "CAP_BPF and CAP_NET_ADMIN", byHooks(fastpath.Clsact)},
	{"xdp", "CAP_BPF and CAP_NET_ADMIN", byHooks(fastpath.XDP)},
}

// inOrder are the engines that auto tries: the first ones.
const inOrder = 2

func byHooks(hooks ...fastpath.Hook) func(Options) (firewall.Kernel, error) {
	return func(o Options) (firewall.Kernel, error) {
		return interfaced(openBPF(o.Interfaces, leaseTime, hooks...))
	}
}

// interfaced keeps a nil pointer from becoming an engine.
func interfaced[K interface {
	*bpf | *nft
	firewall.Kernel
}](k K, err error) (firewall.Kernel, error) {
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Open opens the engine that is wanted, in the network namespace of the calling
// thread. got is one line for the log: which one it is, and why it is none
// before it. An engine that is named and cannot be had is an error that says
// what to do; auto always finds one, at the last none, for which k is nil.
func Open(o Options) (k firewall.Kernel, got string, err error) {
	if o.Want == None {
		return nil, "none", nil
	}
	if o.Want == Auto || o.Want == "" {
		k, got = automatic(o)
		return k, got, nil
	}
	for _, e := range engines {
		if e.name != o.Want {
			continue
		}
		if k, err = e.open(o); err != nil {
			return nil, "", fmt.Errorf("kernel engine %s: %s", o.Want, e.explain(err))
		}
		return k, line(k, o, e, nil), nil
	}
	return nil, "", fmt.Errorf("kernel engine %q: there are %s, xdp, tcx, clsact, nftables and %s", o.Want, Auto, None)
}

func automatic(o Options) (firewall.Kernel, string) {
	var not []string
	for _, e := range engines[:inOrder] {
		k, err := e.open(o)
		if err == nil {
			return k, line(k, o, e, not)
		}
		not = append(not, e.explain(err))
	}
	return nil, withReasons("none", not)
}

// line says what was got.
func line(k firewall.Kernel, o Options, e engine, not []string) string {
	got := k.Name()
	if got == string(fastpath.Clsact) && e.name != got {
		not = append(not, "tcx needs Linux 6.6")
	}
	if got != "nftables" {
		got += " on " + strings.Join(o.Interfaces, ", ")
	}
	return withReasons(got, not)
}

func withReasons(got string, not []string) string {
	if len(not) == 0 {
		return got
	}
	return got + ": " + strings.Join(not, "; ")
}

// explain says in a line why an engine cannot be had, and what would help.
func (e engine) explain(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Sprintf("%s needs %s: give them to the process (AmbientCapabilities= of its unit), or run it as root", e.name, e.needs)
	case e.name == "nftables" && (errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL)):
		return fmt.Sprintf("nftables needs a kernel with nf_tables (modprobe nf_tables): %s", text)
	case e.name == "xdp" && errors.Is(err, unix.EOPNOTSUPP):
		return fmt.Sprintf("xdp: %s: choose tcx", text)
	}
	return e.name + ": " + text
}
