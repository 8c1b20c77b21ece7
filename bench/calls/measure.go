package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"time"

	"sbc/bench/machine"
	"sbc/bench/world"
	"sbc/lab/netns"
)

// A result is what one subject did.
type result struct {
	name    string
	perCall float64         // CPU µs of all its processes a call
	highest int             // calls a second without a failure
	transit []time.Duration // of INVITEs, sorted
	held    float64         // octets of PSS a held call
	rate    int             // calls a second while CPU and latency were measured
	failed  int             // calls that failed while CPU was measured
	resent  int             // messages that the caller sent again then
}

func measure(s subject, o options, dir string) (result, error) {
	r := result{name: s.name, rate: o.rate}
	for _, step := range []struct {
		name, says string
		run        func(subject, options, string) error
	}{
		{"cpu", fmt.Sprintf("cost at %d calls/s", o.rate), r.measureCost},
		{"latency", fmt.Sprintf("latency at %d calls/s", o.rate), r.measureLatency},
		{"memory", fmt.Sprintf("memory of %d held calls", o.held), r.measureMemory},
		{"rate", "highest clean rate", r.measureRate},
	} {
		if o.step != "" && o.step != step.name {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", s.name, step.says)
		if err := step.run(s, o, dir); err != nil {
			return r, err
		}
	}
	return r, nil
}

// with runs f with a fresh world and a fresh subject.
func with(s subject, o options, dir string, f func(*world.World, []*netns.Process) error) error {
	w, err := world.New(dir)
	if err != nil {
		return err
	}
	defer w.Close()
	ps, err := s.start(w, o)
	if err != nil {
		return err
	}
	if err := f(w, ps); err != nil {
		return fmt.Errorf("%w; it wrote %q", err, tail(ps[0].Output()))
	}
	return nil
}

// tail returns the end of what a program wrote.
func tail(s string) string { return s[max(0, len(s)-2000):] }

func cpu(ps []*netns.Process) (sum time.Duration, err error) {
	for _, p := range ps {
		n, err := machine.Sum(p.PID(), machine.CPUTime)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func pss(ps []*netns.Process) (sum int64, err error) {
	for _, p := range ps {
		n, err := machine.Sum(p.PID(), machine.PSS)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// measureCost measures at o.rate, and where the subject breaks down there, at
// a rate that it can carry: what a call costs in a breakdown is no figure to
// compare with.
func (r *result) measureCost(s subject, o options, dir string) error {
	for r.rate = o.rate; ; r.rate = r.rate * 3 / 5 {
		calls := r.rate * int(o.length.Seconds())
		if err := r.costAt(calls, s, o, dir); err != nil {
			return err
		}
		if r.failed == 0 && r.resent*100 < calls || r.rate < o.rate/4 {
			return nil
		}
		fmt.Fprintf(os.Stderr, "%s: breaks down at %d/s: %d failed, %d sent again, %.0f µs a call\n", s.name, r.rate, r.failed, r.resent, r.perCall)
	}
}

// costAt has nothing but the subject in its namespace: a capture would cost
// CPU time in the interrupts that are charged to the subject.
func (r *result) costAt(calls int, s subject, o options, dir string) error {
	return with(s, o, dir, func(w *world.World, ps []*netns.Process) error {
		if err := warm(w, s, r.rate); err != nil {
			return err
		}
		before, err := cpu(ps)
		if err != nil {
			return err
		}
		got, err := play(w, load{rate: r.rate, calls: calls, pause: s.pause, kind: s.kind})
		if err != nil {
			return err
		}
		after, err := cpu(ps)
		if err != nil {
			return err
		}
		if got.calls == 0 {
			return fmt.Errorf("no call succeeded; the subject wrote %q", ps[0].Output())
		}
		r.perCall = float64(after-before) / float64(time.Microsecond) / float64(got.calls)
		r.failed, r.resent = got.failed, got.resent
		return nil
	})
}

// measureLatency captures what comes and goes on the subject's interfaces.
func (r *result) measureLatency(s subject, o options, dir string) error {
	return with(s, o, dir, func(w *world.World, _ []*netns.Process) error {
		if err := warm(w, s, r.rate); err != nil {
			return err
		}
		in, out, err := captures(w)
		if err != nil {
			return err
		}
		defer in.Close()
		defer out.Close()
		if _, err := play(w, load{rate: r.rate, calls: r.rate * int(o.length.Seconds()), pause: s.pause}); err != nil {
			return err
		}
		r.transit = transits(in, out)
		return nil
	})
}

// warm lets a second's calls be made: code is paged in, tables and heaps grow.
func warm(w *world.World, s subject, rate int) error {
	_, err := play(w, load{rate: rate, calls: rate, pause: s.pause, kind: s.kind})
	return err
}

// play lets the calls of l be made and returns what came of them.
func play(w *world.World, l load) (outcome, error) {
	c, err := callee(w, l)
	if err != nil {
		return outcome{}, err
	}
	p, err := c.call()
	if err != nil {
		return outcome{}, err
	}
	return c.outcome(p)
}

func captures(w *world.World) (in, out *stamped, err error) {
	if in, err = stamp(w.Middle, "eth1"); err != nil {
		return nil, nil, err
	}
	out, err = stamp(w.Middle, "eth0")
	return in, out, err
}

// A stamped is a capture whose times have a common origin.
type stamped struct {
	*netns.Capture
	began time.Time
}

func stamp(s *netns.Space, name string) (*stamped, error) {
	began := time.Now()
	c, err := s.Capture(name)
	return &stamped{c, began}, err
}

// transits returns how long INVITEs were on their way through, sorted: of each
// call, told by the user part of its Request-URI, the first on either side.
func transits(in, out *stamped) []time.Duration {
	came := firstInvites(in, world.ITSP.String())
	var list []time.Duration
	for user, at := range firstInvites(out, world.Inside.String()) {
		if t, ok := came[user]; ok {
			list = append(list, at.Sub(t))
		}
	}
	slices.Sort(list)
	return list
}

func firstInvites(c *stamped, from string) map[string]time.Time {
	first := map[string]time.Time{}
	for _, d := range c.Datagrams() {
		line, _, _ := strings.Cut(string(d.Payload), "\r\n")
		rest, ok := strings.CutPrefix(line, "INVITE sip:")
		if !ok || d.Src.Addr().String() != from {
			continue
		}
		user, _, _ := strings.Cut(rest, "@")
		if _, had := first[user]; !had {
			first[user] = c.began.Add(d.At)
		}
	}
	return first
}

func (r *result) measureMemory(s subject, o options, dir string) error {
	return with(s, o, dir, func(w *world.World, ps []*netns.Process) error {
		if _, err := play(w, load{rate: 100, calls: 100, pause: s.pause}); err != nil {
			return err
		}
		before, err := pss(ps)
		if err != nil {
			return err
		}
		const rate = 200
		l := load{rate: rate, calls: o.held, pause: s.pause, hold: time.Duration(o.held)*time.Second/rate + 8*time.Second}
		c, err := callee(w, l)
		if err != nil {
			return err
		}
		p, err := c.call()
		if err != nil {
			return err
		}
		// All calls are up when the last one has begun and the first ones are
		// still held.
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(o.held)*time.Second/rate+4*time.Second)
		defer cancel()
		<-ctx.Done()
		held, err := pss(ps)
		if err != nil {
			return err
		}
		got, err := c.outcome(p)
		if err != nil || got.failed > 0 || got.calls != o.held {
			return fmt.Errorf("%d of %d held calls, %d failed: %v", got.calls, o.held, got.failed, err)
		}
		r.held = float64(held-before) / float64(o.held)
		return nil
	})
}

// measureRate raises the rate until calls fail or the load lags behind, each
// step with a fresh subject.
func (r *result) measureRate(s subject, o options, dir string) error {
	clean := func(rate int) (ok bool, err error) {
		err = with(s, o, dir, func(w *world.World, _ []*netns.Process) error {
			l := load{rate: rate, calls: rate * 5, pause: s.pause}
			began := time.Now()
			got, err := play(w, l)
			took := time.Since(began)
			ok = got.failed == 0 && got.calls == l.calls && took < l.length()*5/4+time.Second
			fmt.Fprintf(os.Stderr, "%s: %d/s: %d calls, %d failed, %d sent again, %.1f s\n", s.name, rate, got.calls, got.failed, got.resent, took.Seconds())
			return err
		})
		return ok, err
	}
	steps := rates(200, 12000)
	var failed error
	n := sort.Search(len(steps), func(i int) bool {
		ok, err := clean(steps[i])
		if err != nil {
			failed = err
		}
		return !ok
	})
	if n > 0 {
		r.highest = steps[n-1]
	}
	if n == 0 && failed != nil {
		return failed
	}
	return nil
}

// rates are the steps of the ladder, 12 % apart.
func rates(from, to int) (list []int) {
	for r := from; r <= to; r = r * 112 / 100 {
		list = append(list, r)
	}
	return list
}
