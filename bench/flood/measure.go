package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"sbc/bench/machine"
	"sbc/bench/world"
	"sbc/lab/netns"
)

// A cell is one measurement: who is measured, and what it is flooded with.
type cell struct {
	subject subject
	rate    int // packets a second
	sources int // 0: the flood goes into a sink beside it
	tool    tool
}

func (c cell) baseline() bool { return c.sources == 0 }

func (c cell) String() string {
	if c.baseline() {
		return fmt.Sprintf("%s: %d packets/s into a sink", c.subject, c.rate)
	}
	return fmt.Sprintf("%s: %d packets/s from %d sources, %s", c.subject, c.rate, c.sources, c.tool)
}

// An outcome is what came of it.
type outcome struct {
	cell
	calls  tally
	flood  sent
	cpu    time.Duration // of all processes of the subject, from the beginning of the flood to the end of the last call
	lost   int           // datagrams that found no room in a socket of the subject
	kernel int           // packets that the SBC refused in the kernel
	border int           // and in the process, before they were read
	before world.Memory
	grown  world.Memory  // until the last call has ended
	beside time.Duration // the p99 of a second of the baseline that calls are held against; 0: it is one
	except string        // why there was nothing to measure
}

// cells are all measurements, each baseline before those that are held against
// it.
func cells(o options) (list []cell) {
	for _, s := range o.subjects {
		for _, rate := range o.rates {
			list = append(list, cell{s, rate, 0, innocent})
			for _, n := range o.sources {
				list = append(list, cell{s, rate, n, innocent})
			}
		}
		if i := len(o.rates) - 1; len(o.sources) > 1 {
			list = append(list, cell{s, o.rates[i], o.sources[1], scanner}, cell{s, o.rates[i], o.sources[1], fuzzer})
		}
	}
	return list
}

// Ours: how many floods are measured again in a run, which are two minutes.
const againMost = 4

// measureAll measures all cells. A flood beside which calls took too long is
// measured again, behind a baseline of its own: what else the machine does
// changes slowly, and makes calls slower and never faster. A call that failed
// counts in any case.
func measureAll(ctx context.Context, o options, dir string) (list []outcome, err error) {
	again := 0
	var base outcome
	for _, c := range cells(o) {
		if base.except != "" && base.subject == c.subject {
			continue
		}
		r, err := try(ctx, c, o, dir)
		if err == nil && !c.baseline() {
			if r.beside = base.calls.second(); again < againMost && r.slower() > p99Most {
				again++
				r, err = r.again(ctx, base.cell, o, dir)
			}
		}
		if err != nil {
			return list, fmt.Errorf("%v: %w", c, err)
		}
		list = append(list, r)
		if c.baseline() {
			base = r
		}
	}
	return list, nil
}

// again measures a baseline and a flood once more and returns the better flood.
func (r outcome) again(ctx context.Context, base cell, o options, dir string) (outcome, error) {
	b, err := try(ctx, base, o, dir)
	if err != nil {
		return r, err
	}
	second, err := try(ctx, r.cell, o, dir)
	second.beside = b.calls.second()
	failed := r.calls.failed + second.calls.failed
	if second.slower() < r.slower() {
		r = second
	}
	r.calls.failed = failed
	return r, err
}

// try measures a cell and says so. That its engine cannot be had is no error.
func try(ctx context.Context, c cell, o options, dir string) (outcome, error) {
	r, err := measure(ctx, c, o, dir)
	var no *unavailable
	if errors.As(err, &no) {
		r.except, err = no.Error(), nil
	}
	if err == nil {
		fmt.Fprintln(os.Stderr, r.line())
	}
	return r, err
}

// unavailable is an engine that this machine does not have.
type unavailable struct{ output string }

func (e *unavailable) Error() string { return e.output }

// measure runs a fresh subject in a fresh world.
func measure(ctx context.Context, c cell, o options, dir string) (r outcome, err error) {
	r.cell = c
	w, err := newWorld(dir)
	if err != nil {
		return r, err
	}
	defer w.Close()
	p, err := c.subject.start(w, o)
	if err != nil && p != nil && c.subject.isOurs() {
		select {
		case <-p.Done(): // it says why its engine cannot be had
			return r, &unavailable{tail(p.Output())}
		default:
		}
	}
	if err != nil {
		return r, err
	}
	load, err := newCalls(w, o.calls)
	if err != nil {
		return r, err
	}
	defer load.close()
	if err := r.run(ctx, w, p, load, o); err != nil {
		return r, fmt.Errorf("%w; it wrote %q", err, tail(p.Output()))
	}
	if load.strange != nil {
		fmt.Fprintf(os.Stderr, "%v: the first refusal of a call:\n%s", c, load.strange)
	}
	return r, nil
}

// tail returns the end of what a program wrote.
func tail(s string) string { return s[max(0, len(s)-600):] }

// warm is how long calls are made before it counts: code is paged in, tables
// and heaps grow.
const warm = time.Second

func (r *outcome) run(ctx context.Context, w *world.World, p *netns.Process, load *calls, o options) (err error) {
	load.begin()
	if err := load.run(ctx, warm, nil); err != nil {
		return err
	}
	if t := load.tally(); t.failed > 0 || t.made == 0 {
		return fmt.Errorf("before the flood %d of %d calls failed", t.failed, t.made)
	}
	before, err := r.look(w, p)
	if err != nil {
		return err
	}
	g, err := r.startFlood(w, o)
	if err != nil {
		return err
	}
	load.begin()
	// The generator ends by itself; the calls go on until it does.
	if err := load.run(ctx, o.length+world.Patience, g.Done()); err != nil {
		return err
	}
	r.calls = load.tally()
	after, err := r.look(w, p)
	if err != nil {
		return err
	}
	r.cpu, r.lost = after.cpu-before.cpu, after.lost-before.lost
	r.kernel, r.border = after.kernel-before.kernel, after.border-before.border
	r.before, r.grown = before.memory, after.memory.Since(before.memory)
	if err := g.Wait(ctx); err != nil {
		return fmt.Errorf("%w: %s", err, g.Output())
	}
	return json.Unmarshal([]byte(g.Output()), &r.flood)
}

// A look is what one sees of a subject at a moment.
type look struct {
	cpu                  time.Duration
	lost, kernel, border int
	memory               world.Memory
}

// look looks at the time first where it is the end, and last where it is the
// beginning: the questions cost time themselves.
func (r *outcome) look(w *world.World, p *netns.Process) (l look, err error) {
	end := r.calls.made > 0
	if end {
		if l.cpu, err = machine.Sum(p.PID(), machine.CPUTime); err != nil {
			return l, err
		}
	}
	if l.lost, err = lost(w.Middle); err != nil {
		return l, err
	}
	if r.subject.isOurs() {
		m, err := world.ReadMetrics(w.Middle, metricsAddr)
		if err != nil {
			return l, err
		}
		l.kernel, l.border = int(refused(m, "kernel")), int(refused(m, "border"))
	}
	if l.memory, err = memoryOf(w, r.subject, p); err != nil || end {
		return l, err
	}
	l.cpu, err = machine.Sum(p.PID(), machine.CPUTime)
	return l, err
}

// startFlood starts the generator.
func (r *outcome) startFlood(w *world.World, o options) (*netns.Process, error) {
	f := flood{Interface: cable, To: sipAt(world.Outside), Sources: max(r.sources, 1), Rate: r.rate, Length: o.length, Tool: r.tool}
	mac, err := macOf(w.Middle, "eth1")
	if err != nil {
		return nil, err
	}
	if r.baseline() {
		f.Interface, mac = sink, nobody
	}
	f.MAC = mac.String()
	spec, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return w.ITSP.Start(netns.Command{Path: self, Env: []string{specEnv + "=" + string(spec)}})
}
