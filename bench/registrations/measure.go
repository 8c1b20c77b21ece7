package main

import (
	"fmt"
	"os"
	"slices"
	"time"

	"sbc/bench/machine"
	"sbc/bench/world"
	"sbc/lab/netns"
)

// A result is what one subject did in one measurement.
type result struct {
	cpu        time.Duration // of all its processes, in the window
	window     time.Duration
	count      counts // in the window
	all        counts // from the beginning
	unanswered int
	unbound    int             // phones that were not registered when the window began
	times      []time.Duration // from REGISTER to answer, sorted
	grown      world.Memory    // for all phones but the first hundredth
	phones     int             // for which it grew
}

// share is the part of a core that it used.
func (r *result) share() float64 { return r.cpu.Seconds() / r.window.Seconds() }

// failures are REGISTERs that should have been granted.
func (r *result) failures() int { return r.unanswered + r.unbound + r.count.failed + r.count.sentBack }

func (r *result) each(n int64) float64 { return float64(n) / float64(r.phones) }

func (r *result) quantile(q float64) time.Duration {
	if len(r.times) == 0 {
		return 0
	}
	return r.times[min(int(q*float64(len(r.times))), len(r.times)-1)]
}

// results are the rounds of each subject under each kind of load.
type results [kinds]map[string][]result

// measureAll measures the subjects in turn: what else the machine does changes
// slowly.
func measureAll(o options, dir string) (all results, err error) {
	for k := range kinds {
		if o.load != "" && o.load != k.String() {
			continue
		}
		all[k] = map[string][]result{}
		for round := range o.rounds {
			for _, name := range []string{sbcName, peerName} {
				if o.subject != "" && o.subject != name {
					continue
				}
				r, err := measure(name, k, o, dir)
				if err != nil {
					return all, fmt.Errorf("%s: %w", name, err)
				}
				fmt.Fprintf(os.Stderr, "%v %d/%d %s: %.2f %% of a core for %d REGISTERs, %d of them to the PBX, and %d OPTIONS; %.0f octets a binding; %d failed\n",
					k, round+1, o.rounds, name, 100*r.share(), r.count.sent, r.count.atPBX, r.count.options, r.each(r.grown.Own), r.failures())
				all[k][name] = append(all[k][name], r)
			}
		}
	}
	return all, nil
}

// measure runs a fresh subject in a fresh world.
func measure(name string, k kind, o options, dir string) (r result, err error) {
	w, err := newWorld(dir)
	if err != nil {
		return r, err
	}
	defer w.Close()
	p, err := start(name, k, w, o)
	if err != nil {
		return r, err
	}
	l, err := newLoad(w, k, o)
	if err != nil {
		return r, err
	}
	defer l.close()
	if r, err = l.measure(w, p, name); err != nil {
		out := p.Output()
		return r, fmt.Errorf("%w; it wrote %q", err, out[max(0, len(out)-2000):])
	}
	if l.strange != nil {
		fmt.Fprintf(os.Stderr, "%s: the first answer that was none:\n%s", name, l.strange)
	}
	return r, nil
}

func (l *load) measure(w *world.World, p *netns.Process, name string) (r result, err error) {
	ramp := func(phones int) time.Duration { return time.Duration(phones) * time.Second / time.Duration(l.o.ramp) }
	first := l.o.phones / 100
	if err := l.run(time.Now().Add(ramp(first))); err != nil {
		return r, err
	}
	before, err := world.MemoryOf(p)
	if err == nil && name == sbcName {
		before.Heap, err = l.heap(w, time.Second)
	}
	if err != nil {
		return r, err
	}
	r.phones = l.o.phones - l.ramped
	if err := l.run(l.began.Add(ramp(l.o.phones) + l.settle(name))); err != nil {
		return r, err
	}
	if err := l.window(p, &r); err != nil {
		return r, err
	}
	after, err := world.MemoryOf(p)
	if err == nil && name == sbcName {
		after.Heap, err = l.heap(w, l.o.rest)
	}
	r.grown = after.Since(before)
	return r, err
}

// settle is how long a subject is loaded before it is measured.
func (l *load) settle(name string) time.Duration {
	switch {
	case name != sbcName:
		return l.o.settle
	case l.kind == kept:
		return l.o.learn
	}
	return l.o.mute
}

// heap measures the SBC's heap after a rest without registrations. Phones only
// answer meanwhile, and their plan is put off.
func (l *load) heap(w *world.World, rest time.Duration) (int64, error) {
	began := time.Now()
	if err := l.listen(began.Add(rest)); err != nil {
		return 0, err
	}
	n, err := world.Heap(w.Middle, metricsAddr)
	l.began = l.began.Add(time.Since(began))
	return n, err
}

// window measures what is used in the window and what comes of it.
func (l *load) window(p *netns.Process, r *result) error {
	r.unbound = len(l.phones) - l.bound()
	l.times = make([]time.Duration, 0, 2*l.o.phones)
	counted, from := l.sum, time.Now()
	used, err := machine.Sum(p.PID(), machine.CPUTime)
	if err != nil {
		return err
	}
	if err := l.run(from.Add(l.o.window)); err != nil {
		return err
	}
	now, err := machine.Sum(p.PID(), machine.CPUTime)
	if err != nil {
		return err
	}
	to := time.Now()
	r.cpu, r.window, r.count = now-used, to.Sub(from), l.sum.since(counted)
	r.times, l.times = l.times, nil
	slices.Sort(r.times)
	for late := to.Add(drain); ; {
		r.all = l.sum
		if r.unanswered = l.unanswered(from, to); r.unanswered == 0 || time.Now().After(late) {
			return nil
		}
		if err := l.run(time.Now().Add(drain / 20)); err != nil {
			return err
		}
	}
}
