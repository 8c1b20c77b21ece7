package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// Goals: how many times faster than sipgo the whole work is, and how often it
// may allocate when nothing is kept from one message to the next.
const (
	speedGoal  = 8
	allocsGoal = 2
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "parse:", err)
		os.Exit(1)
	}
}

func run(w io.Writer) error {
	o, t, datagram := new(ours), newTheirs(), []byte(invite)
	all := []*contender{
		{name: "sipgo parse", work: func() error { _, err := t.parse(datagram); return err }},
		{name: "sipgo parse, look, write", work: func() error { return t.pass(datagram) }},
		{name: "sbc parse", work: func() error { return o.m.Parse(datagram) }},
		{name: "sbc parse, look, write", work: func() error { return o.pass(datagram) }},
		{name: "sbc the same, nothing kept", work: func() error { return o.fresh(datagram) }},
	}
	if err := measure(all); err != nil {
		return err
	}
	print(w, all)
	return nil
}

// print writes the table and the goals. Speed is that of the way the border
// works (a shard keeps its Message and buffer), allocations those without.
func print(w io.Writer, all []*contender) {
	base := all[1].median()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "INVITE of 9 fields with SDP, %d octets, median of %d turns\n", len(invite), turns)
	fmt.Fprintln(t, "\tns/message\tallocs\toctets allocated\tratio\t")
	for i, c := range all {
		ratio := "-"
		if i != 0 && i != 2 {
			ratio = fmt.Sprintf("%.1f", base/c.median())
		} else if i == 2 {
			ratio = fmt.Sprintf("%.1f", all[0].median()/c.median())
		}
		fmt.Fprintf(t, "%s\t%.0f\t%.1f\t%.0f\t%s\t\n", c.name, c.median(), c.allocs, c.bytes, ratio)
	}
	_ = t.Flush()
	speed := base / all[3].median()
	goal(w, "parse_speed", fmt.Sprintf("%.1f", speed), fmt.Sprintf(">=%d", speedGoal), speed >= speedGoal)
	allocs := all[4].allocs
	goal(w, "parse_allocs", fmt.Sprintf("%.0f", allocs), fmt.Sprintf("<=%d", allocsGoal), allocs < allocsGoal+0.5)
}

func goal(w io.Writer, name, got, want string, ok bool) {
	word := "ok"
	if !ok {
		word = "short"
	}
	fmt.Fprintf(w, "goal %s got=%s want=%s %s\n", name, got, want, word)
}
