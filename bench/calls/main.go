// Command calls measures what a call costs: sipp calls sipp through the SBC,
// and then through Kamailio (topology hiding, dialogs, with and without
// rtpengine) on the same machine in the same run.
//
// What is measured has one core to itself, the load the other one. The SBC is
// called without a pause between the messages of a call; Kamailio, whose
// workers would overtake each other, is given a pause of 100 ms before the 200
// and before the BYE.
//
// In the end the SBC alone: what a message costs in calls over TCP, and in
// calls that are held, resumed and referred to somebody, beside a plain call
// over UDP.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"sbc/bench/machine"
	"sbc/bench/world"
)

// options are what the command line says.
type options struct {
	rate    int           // calls a second at which the cost is measured
	length  time.Duration // of each measurement
	held    int           // calls held for the measurement of memory
	binary  string        // the SBC; empty: built from this checkout
	subject string        // only this one; empty: all
	step    string        // only this measurement; empty: all
	keep    string        // directory for logs; empty: a temporary one, removed
}

func main() {
	var o options
	flag.IntVar(&o.rate, "rate", 500, "calls a second at which CPU and latency are measured")
	seconds := flag.Int("seconds", 10, "length of each measurement")
	flag.IntVar(&o.held, "held", 1000, "calls held at once, for the memory that they take")
	flag.StringVar(&o.binary, "sbc", "", "the SBC's binary; default: built from here")
	flag.StringVar(&o.subject, "only", "", "measure only this subject: sbc, topoh or topoh+rtpengine")
	flag.StringVar(&o.step, "measure", "", "measure only this: cpu, latency, memory, rate or kinds")
	flag.StringVar(&o.keep, "keep", "", "keep configurations and logs in this directory")
	flag.Parse()
	o.length = time.Duration(*seconds) * time.Second
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "calls:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	if flag.NArg() > 0 || o.rate < 1 || o.length <= 0 || o.held < 1 {
		return errors.New("-rate, -seconds and -held must be at least 1, and there are no arguments")
	}
	if runtime.NumCPU() < 2 {
		return errors.New("needs two cores: one for what is measured, one for the load")
	}
	if err := machine.RaiseFiles(); err != nil {
		return err
	}
	if err := machine.PinProcess(machine.LoadCore); err != nil {
		return err
	}
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
	switch o.step {
	case "", "cpu", "latency", "memory", "rate", "kinds":
	default:
		return fmt.Errorf("-measure %s: want cpu, latency, memory, rate or kinds", o.step)
	}
	var results []result
	for _, s := range subjects(o) {
		if o.subject != "" && o.subject != s.name || o.step == "kinds" {
			continue
		}
		r, err := measure(s, o, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		results = append(results, r)
	}
	if o.step != "kinds" {
		printTable(os.Stdout, o, results)
	}
	if o.step == "" {
		printGoals(os.Stdout, results)
	}
	if (o.step == "" || o.step == "kinds") && (o.subject == "" || o.subject == ours(plain).name) {
		return compareKinds(os.Stdout, o, dir)
	}
	return nil
}
