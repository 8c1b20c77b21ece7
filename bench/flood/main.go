// Command flood measures what a flood of scanners does to calls of a known peer:
// 100 calls a second go through the SBC, with each of its engines, and then
// through Kamailio with the anti-flood of Debian's configuration (pike, and bans
// in a hash table), on the same machine in the same run, while OPTIONS, REGISTER
// and INVITE come from 1, 1,000 and 1,048,576 addresses, by forged packets.
//
// What is measured has one core to itself. The calls and the flood share the
// other one; so that this is in all figures, each is held against a baseline: the
// same calls beside the same flood, which goes into a cable that leads nowhere.
//
// A flooded kernel works in the name of who sends: packets that come by a cable
// of veth are delivered, refused by nftables and BPF, and put into a socket's
// queue in the time of the sender. So the cost of a refused packet is what the
// subject and the generator use together, less what both use in the baseline,
// divided by the packets that were not lost in a socket's queue.
//
// In the end registrars: how often in a second of one core the SBC and
// Kamailio answer a REGISTER without credentials and one with wrong ones, and
// what of that package policy/digest needs by itself.
//
// It needs root, two cores and Kamailio. Figures of a machine on which others
// work at the same time are noisy; ratios of one run are less so.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"sbc/bench/machine"
	"sbc/bench/world"
)

// specEnv is set in the process that generates the flood: what to send.
const specEnv = "SBC_BENCH_FLOOD"

// Ours: a run takes about 10 minutes.
const longest = 20 * time.Minute

// options are what the command line says.
type options struct {
	calls    int           // a second
	length   time.Duration // of a flood
	rates    []int         // packets a second, rising
	sources  []int
	subjects []subject
	binary   string // the SBC; empty: built from this checkout
	keep     string // directory for configurations; empty: a temporary one, removed
	step     string // only this; empty: all
}

func main() {
	if spec := os.Getenv(specEnv); spec != "" {
		exit(generate(spec, os.Stdout))
	}
	o := options{rates: []int{10_000, 100_000}, sources: []int{1, 1000, 1 << 20}, subjects: append(slices.Clone(engines), kamailio)}
	flag.IntVar(&o.calls, "calls", 100, "calls a second of the known peer")
	seconds := flag.Int("seconds", 10, "length of each flood")
	short := flag.Bool("short", false, "about a minute: floods of 3 s, at the higher rate only, from 1,000 and 1,048,576 sources, and fewer engines")
	rate := flag.Int("rate", 0, "only floods of so many packets a second; 0: 10,000 and 100,000")
	only := flag.String("only", "", "measure only this subject: none, nftables, tcx, xdp or kamailio")
	flag.StringVar(&o.step, "measure", "", "measure only this: flood or digest")
	flag.StringVar(&o.binary, "sbc", "", "the SBC's binary; default: built from here")
	flag.StringVar(&o.keep, "keep", "", "keep configurations in this directory")
	flag.Parse()
	o.length = time.Duration(*seconds) * time.Second
	if *short {
		o.length, o.rates, o.sources = 3*time.Second, o.rates[1:], o.sources[1:]
		o.subjects = []subject{ours + "none", ours + "tcx", kamailio}
	}
	if *rate != 0 {
		o.rates = []int{*rate}
	}
	if *only != "" {
		o.subjects = slices.DeleteFunc(o.subjects, func(s subject) bool { return s.engine() != *only })
	}
	exit(run(o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "flood:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (o *options) check() error {
	switch {
	case flag.NArg() > 0:
		return errors.New("there are no arguments")
	case o.calls < 1 || o.length <= 0:
		return errors.New("-calls and -seconds must be at least 1")
	case o.rates[0] < 1:
		return errors.New("-rate must be at least 1")
	case len(o.subjects) == 0:
		return errors.New("-only: want none, nftables, tcx, xdp or kamailio; -short has none, tcx and kamailio")
	case !slices.Contains([]string{"", "flood", "digest"}, o.step):
		return errors.New("-measure: want flood or digest")
	case os.Geteuid() != 0:
		return errors.New("needs root: for network namespaces, raw sockets and programs in the kernel")
	case runtime.NumCPU() < 2:
		return errors.New("needs two cores: one for what is measured, one for the load")
	}
	if _, err := exec.LookPath(string(kamailio)); err != nil {
		return errors.New("needs Kamailio: make bench-deps")
	}
	return nil
}

func run(o options) error {
	if err := o.check(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	if err := machine.PinProcess(machine.LoadCore); err != nil {
		return err
	}
	undo, err := machine.Favour("self")
	if err != nil {
		return err
	}
	defer undo()
	dir, done, err := world.Directory(o.keep)
	if err != nil {
		return err
	}
	defer done()
	if o.binary == "" {
		if o.binary, err = world.Build(dir); err != nil {
			return err
		}
	}
	var r results
	err = r.measure(ctx, o, dir)
	switch ctx.Err() {
	case context.Canceled:
		return errors.New("interrupted; nothing is left behind")
	case context.DeadlineExceeded:
		return fmt.Errorf("not done after %v: try -short", longest)
	}
	if err != nil {
		return err
	}
	r.print(os.Stdout, o)
	return nil
}

// results are all that was measured.
type results struct {
	floods  []outcome
	answers []answers
	paces   []pace
}

func (r *results) measure(ctx context.Context, o options, dir string) (err error) {
	if o.step != "digest" {
		if r.floods, err = measureAll(ctx, o, dir); err != nil {
			return err
		}
	}
	if o.step == "flood" {
		return nil
	}
	if r.paces, err = paces(); err != nil {
		return err
	}
	r.answers, err = registerAll(ctx, o, dir)
	return err
}
