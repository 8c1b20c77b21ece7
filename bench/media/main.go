package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"sbc/bench/machine"
)

// options are what the command line says.
type options struct {
	calls   int
	length  time.Duration // of each measurement
	threads int           // of rtpengine; 0: its default
}

// warmUp comes before each measurement. Ours: rtpengine looks for the address
// of a far end for three seconds.
const warmUp = 4 * time.Second

func main() {
	var o options
	role := flag.String("role", "", "used by the program itself")
	flag.IntVar(&o.calls, "calls", 500, "calls held at once, 50 packets a second each way")
	seconds := flag.Int("seconds", 60, "length of each measurement")
	flag.IntVar(&o.threads, "peer-threads", 0, "worker threads of rtpengine; 0: its default")
	flag.Parse()
	o.length = time.Duration(*seconds) * time.Second

	err := run(o, *role)
	if err != nil {
		fmt.Fprintln(os.Stderr, "media:", err)
		os.Exit(1)
	}
}

func run(o options, role string) error {
	if role == "relay" {
		return serveRelay(os.Stdin, os.Stdout)
	}
	if o.calls < 1 || o.length <= 0 || flag.NArg() > 0 {
		return errors.New("-calls and -seconds must be at least 1, and there are no arguments")
	}
	if runtime.NumCPU() < 2 {
		return errors.New("needs two cores: one for the relay, one for the load")
	}
	if err := machine.RaiseFiles(); err != nil {
		return err
	}
	if err := machine.PinProcess(machine.LoadCore); err != nil {
		return err
	}
	undo, err := machine.Favour("self")
	if err != nil {
		return err
	}
	defer undo()
	results, err := measureAll(o)
	if err != nil {
		return err
	}
	printTable(os.Stdout, o, results)
	if missed := printGoals(os.Stdout, results); len(missed) > 0 {
		return fmt.Errorf("missed: %s", strings.Join(missed, ", "))
	}
	return nil
}

// measureAll measures the direct way, the socket engine and rtpengine.
func measureAll(o options) ([]result, error) {
	b, err := newBed()
	if err != nil {
		return nil, err
	}
	defer b.close()

	var results []result
	for _, m := range []struct {
		name string
		run  func(*bed, options) (result, error)
	}{
		{"direct", measureDirect},
		{"socket", measureSocket},
		{"rtpengine", measurePeer},
	} {
		fmt.Fprintf(os.Stderr, "%s: %d calls, %v\n", m.name, o.calls, o.length)
		r, err := m.run(b, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		r.name = m.name
		results = append(results, r)
	}
	return results, nil
}
