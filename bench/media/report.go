package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"sbc/bench/machine"
)

// printTable prints the measurements, a line each.
func printTable(w io.Writer, o options, results []result) {
	fmt.Fprintf(w, "%d calls, 50 packets a second each way, %v; relay on core %d, load on core %d\n",
		o.calls, o.length, machine.SubjectCore, machine.LoadCore)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tsent\tlost\tCPU µs/packet\tp50 µs\tp99 µs\tp99.9 µs\tmax µs\tsent late\t")
	for i := range results {
		r := &results[i]
		cpu := "-"
		if n := r.came[0] + r.came[1]; r.cpu > 0 && n > 0 {
			cpu = fmt.Sprintf("%.2f", micros(r.cpu)/float64(n))
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%.0f\t%.0f\t%.0f\t%.0f\t%d\t\n", r.name, r.sent[0]+r.sent[1], r.lost(), cpu,
			micros(r.quantile(0.5)), micros(r.quantile(0.99)), micros(r.quantile(0.999)), micros(r.quantile(1)), r.late)
	}
	_ = t.Flush()
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// printGoals prints a line for each goal and returns the names of those that
// were missed.
func printGoals(w io.Writer, results []result) (missed []string) {
	goal := func(name, got, want string, ok bool) {
		if !ok {
			missed = append(missed, name)
		}
		fmt.Fprintln(w, machine.Goal{Name: name, Got: got, Want: want, OK: ok})
	}
	ours, theirs := &results[1], &results[2]
	goal("media_loss", fmt.Sprint(ours.lost()), "0", ours.lost() == 0)
	ratio := float64(ours.quantile(0.99)) / float64(theirs.quantile(0.99))
	goal("media_p99_ratio", fmt.Sprintf("%.2f", ratio), "<=1", ratio <= 1)
	left := ours.leftover
	if left == "" {
		left = "nothing"
	}
	goal("media_left_behind", fmt.Sprintf("%q", left), `"nothing"`, ours.leftover == "")
	return missed
}
