package bleed

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// tell writes the table and the sum.
func (r *Report) tell(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "attack\tsprayed\thears\tis heard\taudio a to b\taudio b to a\trefused")
	for i := range r.Attacks {
		a := &r.Attacks[i]
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t%s\t%s\n", a.Attack, a.Sprayed, a.Hears, a.Heard, a.Audio[1], a.Audio[0], causes(a.Refused))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	_, err := fmt.Fprintf(w, "attacker hears %d packets, is heard %d packets\n", r.Hears, r.Heard)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (a Audio) String() string {
	if a.Complete {
		return fmt.Sprintf("complete (%d)", a.Came)
	}
	return fmt.Sprintf("WRONG (%d of %d)", a.Came, a.Sent-a.Missed)
}

func causes(n map[string]int) string {
	var list []string
	for _, c := range slices.Sorted(maps.Keys(n)) {
		list = append(list, fmt.Sprintf("%s %d", c, n[c]))
	}
	return strings.Join(list, ", ")
}
