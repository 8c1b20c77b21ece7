// Command registrations measures what it costs to keep phones registered: so
// many refresh every 60 s, through the SBC towards a PBX, and then at a
// Kamailio that is the registrar itself (registrar, usrloc in memory,
// nathelper), on the same machine in the same run, in turn.
//
// What is measured has one core to itself, the phones and the PBX share the
// other one. Each phone has a flow of its own and a private address in Via and
// Contact, as behind a router at home; its REGISTER carries credentials, which
// nobody here checks. The PBX grants 30 minutes; the first time of each phone
// is drawn from up to 30 minutes, so that the PBX gets from the beginning what
// it gets after hours, when the phones' times have spread.
//
// Two loads are measured. In "kept" the phones answer the OPTIONS that keep
// their NATs open: the SBC learns how seldom that may be, which takes some
// minutes, and is measured after them; Kamailio sends one every 30 s, as its
// own configuration has it. In "plain" there are no OPTIONS: the phones do not
// answer those of the SBC, which gives up after two registrations, and
// Kamailio sends none.
//
// The memory of a binding is what lives in the SBC's heap, 40 s after the last
// REGISTER, when all transactions are over: its growth between the first
// hundredth of the phones and all of them, divided by their number. Beside it
// stands what the process's memory (Pss_Anon and Pss_Shmem of all its processes)
// grows by meanwhile, under the load: with the transactions, and with what a
// garbage collector leaves lying around until it comes next.
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
	phones  int
	ramp    int           // registrations a second until all phones have one
	rounds  int           // measurements of each subject, in turn; the median counts
	window  time.Duration // of a measurement
	learn   time.Duration // refreshes before a measurement of the SBC, "kept"
	mute    time.Duration // the same, "plain"
	settle  time.Duration // the same, of Kamailio
	rest    time.Duration // from the end of the load until the SBC's heap is measured
	refresh time.Duration // between two REGISTERs of a phone
	binary  string        // the SBC; empty: built from this checkout
	load    string        // only this one; empty: all
	subject string        // only this one; empty: all
	keep    string        // directory for logs; empty: a temporary one, removed
}

func main() {
	o := options{refresh: time.Minute}
	flag.IntVar(&o.phones, "phones", 20_000, "phones")
	flag.IntVar(&o.ramp, "ramp", 1000, "registrations a second until all phones have one")
	flag.IntVar(&o.rounds, "rounds", 2, "measurements of each subject, in turn; the median counts")
	flag.DurationVar(&o.window, "window", time.Minute, "length of a measurement")
	flag.DurationVar(&o.learn, "learn", 5*time.Minute, "how long the SBC may learn the intervals of keep-alives before it is measured")
	flag.DurationVar(&o.mute, "mute", 130*time.Second, "how long the SBC may find out that phones do not answer OPTIONS")
	flag.DurationVar(&o.settle, "settle", 30*time.Second, "how long Kamailio is loaded before it is measured")
	flag.DurationVar(&o.rest, "rest", 40*time.Second, "without registrations, until the SBC's heap is measured: a transaction lasts 32 s")
	flag.StringVar(&o.binary, "sbc", "", "the SBC's binary; default: built from here")
	flag.StringVar(&o.load, "load", "", "measure only this load: kept or plain")
	flag.StringVar(&o.subject, "only", "", "measure only this subject: sbc or kamailio")
	flag.StringVar(&o.keep, "keep", "", "keep configurations and logs in this directory")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "registrations:", err)
		os.Exit(1)
	}
}

func (o *options) check() error {
	switch {
	case flag.NArg() > 0:
		return errors.New("there are no arguments")
	case o.phones < 100 || o.phones > phonesMax:
		return fmt.Errorf("-phones: want 100 to %d", phonesMax)
	case o.ramp < 1 || o.rounds < 1 || o.window < time.Second:
		return errors.New("-ramp and -rounds must be at least 1, -window a second")
	case o.load != "" && o.load != kept.String() && o.load != plain.String():
		return errors.New("-load: want kept or plain")
	case o.subject != "" && o.subject != sbcName && o.subject != peerName:
		return fmt.Errorf("-only: want %s or %s", sbcName, peerName)
	case runtime.NumCPU() < 2:
		return errors.New("needs two cores: one for what is measured, one for the load")
	}
	return nil
}

func run(o options) error {
	if err := o.check(); err != nil {
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
	if o.binary == "" && o.subject != peerName {
		if o.binary, err = world.Build(dir); err != nil {
			return err
		}
	}
	all, err := measureAll(o, dir)
	if err != nil {
		return err
	}
	printTable(os.Stdout, o, all)
	if o.subject == "" {
		printGoals(os.Stdout, all)
	}
	return nil
}
