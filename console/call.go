package console

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"sbc/lab/ladder"
	"sbc/signaling"
)

// WriteCall writes what is known of one call as text: the ladder of both
// sides with every change and its reason, the media and the ledger.
func WriteCall(w io.Writer, r signaling.CallReport) error {
	p := &page{}
	p.callHead(&r)
	p.line("")
	p.ladder(&r)
	p.media(r.Media)
	p.line("")
	p.line("%s", holds(r.Ledger))
	return p.to(w)
}

// holds says what a call has to give back.
func holds(l signaling.CallLedger) string {
	if l == (signaling.CallLedger{}) {
		return "it holds nothing any more"
	}
	return "it holds " + strings.Join([]string{
		count(l.Ports, "pair") + " of media ports", count(l.Timers, "timer"), count(l.Transactions, "transaction"), count(l.Slots, "place") + " at peers",
	}, ", ")
}

// WriteLadder writes the ladder of a call alone, without what was changed in
// its messages.
func WriteLadder(w io.Writer, r signaling.CallReport) error {
	p := &page{}
	r.Ladder = slices.Clone(r.Ladder)
	for i := range r.Ladder {
		r.Ladder[i].Changes = nil
	}
	p.ladder(&r)
	return p.to(w)
}

func (p *page) callHead(r *signaling.CallReport) {
	p.line("call %s: %s", r.ID, r.State)
	if r.From != "" {
		p.line("from   %s, %s", r.From, r.Caller)
	}
	if r.To != "" {
		p.line("to     %s, %s", r.To, r.Callee)
	}
	if r.Route != "" {
		p.line("route  %s", r.Route)
	}
	if r.Age > 0 {
		p.line("age    %s, answered for %s", seconds(r.Age), seconds(r.Answered))
	}
	if r.Cause != "" {
		p.line("ended  %s", r.Cause)
	}
}

// The participants of the ladder, from left to right.
const (
	caller = iota
	border
	callee
)

// ladder draws the call: the caller's side to the left of us, the callee's to
// the right.
func (p *page) ladder(r *signaling.CallReport) {
	if len(r.Ladder) == 0 {
		p.line("the trace has forgotten its messages")
		return
	}
	c := ladder.Chart{Columns: []string{orElse(r.From, "caller"), "sbc", orElse(r.To, "callee")}}
	for i := range r.Ladder {
		c.Rows = append(c.Rows, step(&r.Ladder[i]))
	}
	p.b.Write(c.AppendTo(nil))
}

func step(e *signaling.LadderEntry) ladder.Row {
	row := ladder.Row{At: time.Duration(e.At * float64(time.Second)), From: border, To: border, Label: e.Label}
	if e.Rule != "" {
		row.Label += " (" + e.Rule + ")"
	}
	far := caller
	if e.Leg == "b" {
		far = callee
	}
	switch e.Kind {
	case "in":
		row.From = far
	case "out":
		row.To = far
	default:
		row.Label = note(e.Kind, row.Label)
	}
	for i := range e.Changes {
		row.Notes = append(row.Notes, change(&e.Changes[i])...)
	}
	return row
}

// change tells of one edit: the field and why, what stood there, and what
// stands there now.
func change(c *signaling.ChangeInfo) []string {
	lines := []string{c.Field + ": " + c.Why}
	if before := strings.TrimSpace(c.Before); before != "" {
		lines = append(lines, "  - "+before)
	}
	if after := strings.TrimSpace(c.After); after != "" {
		lines = append(lines, "  + "+after)
	}
	return lines
}

// note puts the kind before what speaks of itself only with it.
func note(kind, text string) string {
	switch kind {
	case "leak":
		return "LEAK " + text
	case "end":
		return "end: " + text
	}
	return text
}

func (p *page) media(lines []signaling.MediaInfo) {
	if len(lines) == 0 {
		return
	}
	p.line("")
	var rows [][]string
	for _, m := range lines {
		for side, s := range m.Sides {
			rows = append(rows, []string{
				m.Kind + " from " + string(rune('a'+side)), orElse(s.Remote, "off"), s.Local, s.Direction,
				fmt.Sprint(s.Packets), fmt.Sprint(s.Lost), brief(s.Jitter), silence(s.Silent), drops(s.Drops),
			})
		}
	}
	p.table([]string{"MEDIA", "FAR END", "HERE", "DIRECTION", "PACKETS", "LOST", "JITTER", "LAST", "DROPPED"}, rows)
}

func silence(s float64) string {
	if s < 0 {
		return "never"
	}
	return brief(s) + " ago"
}

func drops(d map[string]uint64) string {
	var list []string
	for _, cause := range slices.Sorted(maps.Keys(d)) {
		list = append(list, fmt.Sprintf("%s %d", cause, d[cause]))
	}
	return orElse(strings.Join(list, ", "), "none")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
