package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"sbc/bench/machine"
)

// bytesMost is what a binding may take.
const bytesMost = 2048

// median returns the middle of what f gives for the rounds, or the mean of the
// two in the middle.
func median(rounds []result, f func(*result) float64) float64 {
	var list []float64
	for i := range rounds {
		list = append(list, f(&rounds[i]))
	}
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

func share(r *result) float64            { return r.share() }
func ownEach(r *result) float64          { return r.each(r.grown.Own) }
func heapEach(r *result) float64         { return r.each(r.grown.Heap) }
func fileEach(r *result) float64         { return r.each(r.grown.File) }
func failures(r *result) float64         { return float64(r.failures()) }
func perSecond(r *result, n int) float64 { return float64(n) / r.window.Seconds() }

func printTable(w io.Writer, o options, all results) {
	fmt.Fprintf(w, "%d phones, each every %v; medians of %d rounds of %v, in turn; subject on core %d, phones and PBX on core %d\n",
		o.phones, o.refresh, o.rounds, o.window, machine.SubjectCore, machine.LoadCore)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tREGISTER/s\tto the PBX/s\tOPTIONS/s\tCPU % of a core\tµs/exchange\tanswer p50 ms\tp99 ms\tfailed\theap B/binding\tmemory B/binding\tfiles\t")
	for k := range kinds {
		for _, name := range []string{sbcName, peerName} {
			rounds := all[k][name]
			if len(rounds) == 0 {
				continue
			}
			of := func(f func(*result) float64) float64 { return median(rounds, f) }
			fmt.Fprintf(t, "%v: %s\t%.0f\t%.1f\t%.0f\t%.2f\t%.1f\t%.2f\t%.2f\t%.0f\t%.0f\t%.0f\t%.0f\t\n", k, name,
				of(func(r *result) float64 { return perSecond(r, r.count.sent) }),
				of(func(r *result) float64 { return perSecond(r, r.count.atPBX) }),
				of(func(r *result) float64 { return perSecond(r, r.count.options) }),
				100*of(share), of(exchange),
				of(func(r *result) float64 { return millis(r.quantile(0.5)) }), of(func(r *result) float64 { return millis(r.quantile(0.99)) }),
				of(failures), of(heapEach), of(ownEach), of(fileEach))
		}
	}
	_ = t.Flush()
}

// exchange is the time in µs for a request with its answer: those with phones,
// and those with the PBX.
func exchange(r *result) float64 {
	n := r.count.sent + r.count.options + r.count.atPBX
	return float64(r.cpu.Microseconds()) / float64(max(n, 1))
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func printGoals(w io.Writer, all results) {
	for k := range kinds {
		ours, theirs := all[k][sbcName], all[k][peerName]
		if len(ours) == 0 || len(theirs) == 0 {
			continue
		}
		suffix := ""
		if k == plain {
			suffix = "-plain"
		}
		b := median(ours, heapEach)
		fmt.Fprintln(w, machine.Goal{Name: "registrations-bytes" + suffix, Got: fmt.Sprintf("%.0f", b), Want: fmt.Sprintf("<=%d", bytesMost), OK: b > 0 && b <= bytesMost})
		ratio := median(ours, share) / median(theirs, share)
		fmt.Fprintln(w, machine.Goal{Name: "registrations-cpu" + suffix, Got: fmt.Sprintf("%.2f", ratio), Want: "<=0.50", OK: ratio <= 0.5})
		n := median(ours, failures)
		fmt.Fprintln(w, machine.Goal{Name: "registrations-failed" + suffix, Got: fmt.Sprintf("%.0f", n), Want: "0", OK: n == 0})
	}
}
