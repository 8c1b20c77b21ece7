package console

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

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
	if r.Live {
		p.line("it holds %d pairs of media ports, %d timers, %d transactions, %d places at peers", r.Ledger.Ports, r.Ledger.Timers, r.Ledger.Transactions, r.Ledger.Slots)
	} else {
		p.line("it gave back all that it held")
	}
	return p.to(w)
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

// Ours: three columns of 80, the caller's side, us, and the callee's side.
const (
	timeWidth = 10
	halfWidth = 30
)

// ladder draws the call: the caller's side to the left of us, the callee's to
// the right.
func (p *page) ladder(r *signaling.CallReport) {
	p.line("%*s  %-*s%s", timeWidth, "", halfWidth-1, orElse(r.From, "caller"), "sbc"+pad(orElse(r.To, "callee"), halfWidth-1))
	for i := range r.Ladder {
		p.step(&r.Ladder[i])
	}
}

func (p *page) step(e *signaling.LadderEntry) {
	at := fmt.Sprintf("%*s", timeWidth, clock(e.At))
	text := e.Label
	if e.Rule != "" {
		text += " (" + e.Rule + ")"
	}
	switch {
	case e.Kind == "in" && e.Leg == "a", e.Kind == "out" && e.Leg == "b":
		p.arrow(at, e.Leg, text, true)
	case e.Kind == "in", e.Kind == "out":
		p.arrow(at, e.Leg, text, false)
	default:
		p.line("%s  │%s◆ %s", at, strings.Repeat(" ", halfWidth-1), note(e.Kind, text))
	}
	for _, c := range e.Changes {
		p.change(&c)
	}
}

// clock writes the time since the first message, in milliseconds where those
// say something.
func clock(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.1f ms", s*1000)
	}
	return fmt.Sprintf("%.2f s", s)
}

// arrow draws a message on one side of us.
func (p *page) arrow(at, leg, text string, right bool) {
	const shaft = halfWidth - 1
	if n := len([]rune(text)); n > shaft-6 {
		text = string([]rune(text)[:shaft-7]) + "…"
	}
	fill := shaft - len([]rune(text)) - 3
	before, after := strings.Repeat("─", fill/2), strings.Repeat("─", fill-fill/2)
	drawn := "◀" + before + " " + text + " " + after
	if right {
		drawn = before + " " + text + " " + after + "▶"
	}
	empty := strings.Repeat(" ", shaft)
	if leg == "a" {
		p.line("%s  │%s│%s│", at, drawn, empty)
	} else {
		p.line("%s  │%s│%s│", at, empty, drawn)
	}
}

// change shows one edit: the field, what stood there, what stands there now,
// and why.
func (p *page) change(c *signaling.ChangeInfo) {
	p.line("%*s      %s: %s", timeWidth, "", c.Field, c.Why)
	if before := strings.TrimSpace(c.Before); before != "" {
		p.line("%*s        - %s", timeWidth, "", before)
	}
	if after := strings.TrimSpace(c.After); after != "" {
		p.line("%*s        + %s", timeWidth, "", after)
	}
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

func pad(s string, columns int) string {
	return strings.Repeat(" ", max(columns-len([]rune(s)), 1)) + s
}
