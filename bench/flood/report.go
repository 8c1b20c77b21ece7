package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"sbc/bench/machine"
)

// Ours, what has to be reached:
const (
	// What a scheduler gives and takes away.
	p99Most = 1.5
	// 5 MiB of tables of the guard, whose pages are there once they were touched,
	// and 4,000 messages of 5 KiB, the share of strangers that may come at once;
	// then what a collector leaves lying around until the heap has doubled.
	memoryMost = 32 << 20
	heapMost   = 8 << 20 // what is alive: tables do not grow with the number of sources
	// To refuse costs no more than it costs who parses before it looks into a
	// table: the mean of all floods.
	costMost = 1
	// Kamailio reads and answers in one process; here a message goes from who
	// reads to who answers.
	answerMost = 1.5
)

// line is what is told of a measurement when it has been made.
func (r *outcome) line() string {
	if r.except != "" {
		return fmt.Sprintf("%v: cannot be had here: %s", r.cell, strings.TrimSpace(r.except))
	}
	return fmt.Sprintf("%v: %.0f/s were sent, %d of %d calls failed, p99 %.2f ms", r.cell, r.flood.rate(), r.calls.failed, r.calls.made, millis(r.calls.quantile(0.99)))
}

// of returns the baseline of an outcome, nil if there is none.
func (r *results) of(o *outcome) *outcome {
	for i := range r.floods {
		if b := &r.floods[i]; b.baseline() && b.subject == o.subject && b.rate == o.rate && b.except == "" {
			return b
		}
	}
	return nil
}

// cost is the time in µs that a packet takes which is refused, whoever pays.
func (o *outcome) cost(base *outcome) float64 {
	sender := float64(o.flood.CPU) - float64(base.flood.CPU)*float64(o.flood.Packets)/float64(max(base.flood.Packets, 1))
	n := float64(o.flood.Packets) - float64(o.lost)
	return (float64(o.cpu-base.cpu) + sender) / float64(time.Microsecond) / max(n, 1)
}

// slower is how much longer calls take to be set up beside the flood.
func (o *outcome) slower() float64 {
	return float64(o.calls.second()) / float64(max(o.beside, 1))
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func kib(n int64) string { return fmt.Sprintf("%.0f", float64(n)/1024) }

func (r *results) print(w io.Writer, o options) {
	if len(r.floods) > 0 {
		r.printFloods(w, o)
	}
	if len(r.answers) > 0 {
		r.printDigest(w)
	}
	for _, g := range r.goals() {
		fmt.Fprintln(w, g)
	}
}

func (r *results) printFloods(w io.Writer, o options) {
	fmt.Fprintf(w, "Floods of %v beside %d calls/s of a known peer; subject on core %d, calls and flood on core %d. \"sink\": the flood goes nowhere.\n",
		o.length, o.calls, machine.SubjectCore, machine.LoadCore)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tsources\ttool\tpackets/s\tcalls\tfailed\tsent again\tset-up p50 ms\tp99 ms\tp99 of a second\tto sink\tCPU µs/refused\tlost %\tby kernel %\tby border %\tmemory KiB\tgrown KiB\theap grown KiB\t")
	for i := range r.floods {
		f := &r.floods[i]
		if f.except != "" {
			fmt.Fprintf(t, "%s\tcannot be had here\t\n", f.subject)
			continue
		}
		base := r.of(f)
		source, with, ratio, cost := "sink", "", "", ""
		if !f.baseline() && base != nil {
			source, with = fmt.Sprint(f.sources), string(f.tool)
			ratio, cost = fmt.Sprintf("%.2f", f.slower()), fmt.Sprintf("%.2f", f.cost(base))
		}
		part := func(n int) string {
			if f.baseline() {
				return ""
			}
			return fmt.Sprintf("%.1f", 100*float64(n)/float64(max(f.flood.Packets, 1)))
		}
		in, by, heap := "", "", ""
		if f.subject.isOurs() {
			in, by, heap = part(f.kernel), part(f.border), kib(f.grown.Heap)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.0f\t%d\t%d\t%d\t%.2f\t%.2f\t%.2f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", f.subject, source, with, f.flood.rate(),
			f.calls.made, f.calls.failed, f.calls.resent, millis(f.calls.quantile(0.5)), millis(f.calls.quantile(0.99)), millis(f.calls.second()),
			ratio, cost, part(f.lost), in, by, kib(f.before.Own), kib(f.grown.Own), heap)
	}
	_ = t.Flush()
}

func (r *results) printDigest(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "REGISTER, answered with 401\ta second and core\tCPU % of its core\t")
	for q := range questions {
		for _, s := range registrars {
			fmt.Fprintf(t, "%v: %s\t%.0f\t%.0f\t\n", q, s.name(), r.answered(s, q, (*answers).rate),
				r.answered(s, q, func(a *answers) float64 { return 100 * a.cpu.Seconds() / a.took.Seconds() }))
		}
	}
	_ = t.Flush()
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "policy/digest alone\tchallenges/s and core\tverifications/s and core\t")
	for _, p := range r.paces {
		fmt.Fprintf(t, "%v\t%.0f\t%.0f\t\n", p.algorithm, p.challenges, p.verifying)
	}
	_ = t.Flush()
}

// goals are those for which there are figures.
func (r *results) goals() (list []machine.Goal) {
	most := func(name, format string, got, want float64) {
		list = append(list, machine.Goal{Name: name, Got: fmt.Sprintf(format, got), Want: "<=" + fmt.Sprintf(format, want), OK: got <= want})
	}
	for _, s := range engines {
		worst, ok := r.worst(s)
		if !ok {
			continue
		}
		of := "." + s.engine()
		list = append(list, machine.Goal{Name: "flood.failed_calls" + of, Got: fmt.Sprint(worst.failed), Want: "0", OK: worst.failed == 0})
		most("flood.p99_ratio"+of, "%.2f", worst.slower, p99Most)
		most("flood.memory_growth"+of, "%.1fMiB", worst.memory/(1<<20), memoryMost/(1<<20))
		most("flood.heap_growth"+of, "%.1fMiB", worst.heap/(1<<20), heapMost/(1<<20))
		if worst.theirs > 0 {
			most("flood.cpu_to_kamailio"+of, "%.2f", worst.cost/worst.theirs, costMost)
		}
	}
	for q := range questions {
		own, other := r.answered(registrars[0], q, (*answers).rate), r.answered(kamailio, q, (*answers).rate)
		if own > 0 && other > 0 {
			most([questions]string{"flood.challenge_to_kamailio", "flood.verify_to_kamailio"}[q], "%.2f", other/own, answerMost)
		}
	}
	return list
}

// A worst is the worst of all floods of an engine, and of costs the sum.
type worst struct {
	failed               int
	slower, memory, heap float64 // growth in octets, beyond that of the baseline
	cost, theirs         float64 // of refused packets, here and at Kamailio
}

func (r *results) worst(s subject) (w worst, ok bool) {
	for i := range r.floods {
		f := &r.floods[i]
		base := r.of(f)
		if f.subject != s || f.baseline() || base == nil {
			continue
		}
		ok = true
		w.failed += f.calls.failed
		w.slower = max(w.slower, f.slower())
		w.memory = max(w.memory, float64(f.grown.Own-base.grown.Own))
		w.heap = max(w.heap, float64(f.grown.Heap-base.grown.Heap))
		if k := slices.IndexFunc(r.floods, func(k outcome) bool {
			return k.subject == kamailio && k.rate == f.rate && k.sources == f.sources && k.tool == f.tool
		}); k >= 0 {
			if b := r.of(&r.floods[k]); b != nil {
				w.cost += f.cost(base)
				w.theirs += r.floods[k].cost(b)
			}
		}
	}
	return w, ok
}

// answered returns the median of what f gives for the rounds of a registrar, 0 if
// there are none.
func (r *results) answered(s subject, q question, f func(*answers) float64) float64 {
	var list []float64
	for i := range r.answers {
		if a := &r.answers[i]; a.subject == s && a.question == q {
			list = append(list, f(a))
		}
	}
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}
