package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"sbc/bench/machine"
)

func printTable(w io.Writer, o options, results []result) {
	fmt.Fprintf(w, "INVITE to BYE, for %v, no pauses (peers: 100 ms before the 200 and the BYE); subject on core %d, load on core %d\n",
		o.length, machine.SubjectCore, machine.LoadCore)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tcalls/s\tCPU µs/call\tfailed\tsent again\thighest clean calls/s\tINVITE p50 ms\tp99 ms\tKiB/held call\t")
	for i := range results {
		r := &results[i]
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%d\t%d\t%d\t%.2f\t%.2f\t%.1f\t\n", r.name, r.rate, r.perCall, r.failed, r.resent, r.highest,
			millis(r.quantile(0.5)), millis(r.quantile(0.99)), r.held/1024)
	}
	_ = t.Flush()
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (r *result) quantile(q float64) time.Duration {
	if len(r.transit) == 0 {
		return 0
	}
	return r.transit[min(int(q*float64(len(r.transit))), len(r.transit)-1)]
}

func printGoals(w io.Writer, results []result) {
	if len(results) < 3 {
		return
	}
	ours, topoh, relay := &results[0], &results[1], &results[2]
	ratio := func(name string, a, b, want float64, atMost bool) {
		got, sign, ok := a/b, ">=", a/b >= want
		if atMost {
			sign, ok = "<=", a/b <= want
		}
		fmt.Fprintln(w, machine.Goal{Name: name, Got: fmt.Sprintf("%.2f", got), Want: fmt.Sprintf("%s%.2f", sign, want), OK: ok})
	}
	ratio("calls_cpu_to_topoh_rtpengine", ours.perCall, relay.perCall, 0.25, true)
	ratio("calls_cpu_to_topoh", ours.perCall, topoh.perCall, 1, true)
	ratio("calls_rate_to_topoh_rtpengine", float64(ours.highest), float64(relay.highest), 3, false)
	ratio("calls_memory_to_topoh_rtpengine", ours.held, relay.held, 1./3, true)
	fmt.Fprintln(w, machine.Goal{Name: "calls_failed", Got: fmt.Sprint(ours.failed), Want: "0", OK: ours.failed == 0 && ours.rate >= relay.rate})
}
