package console

import (
	"bytes"
	"io"
	"strings"
	"time"

	"sbc/lab/ladder"
	"sbc/signaling"
	"sbc/telemetry"
)

// A Tracer writes steps of several calls as text, each as one line of its
// call's ladder, behind the call's short id. Above the first line of a call
// stands who calls whom.
type Tracer struct {
	Width int // characters a line may have; 0: 100

	// To of each call that was named, the oldest first: it is named again when
	// that changes.
	to    map[string]string
	order []string
}

// Ours: calls that one follows by eye, many times over.
const tracedMax = 1 << 10

// Ours: as wide as the ladders of the other reports.
const (
	traceWidth = 100
	idWidth    = 7 // a short id and a blank
)

// Write writes one step.
func (t *Tracer) Write(w io.Writer, ev *signaling.TraceEvent) error {
	p := &page{}
	if t.news(ev) {
		to := ev.Callee
		if ev.To != "" {
			to = ev.To + " (" + ev.Callee + ")"
		}
		p.line("%s %s: %s (%s) calls %s", pad(ev.Call), ev.Time.Local().Format(time.DateTime), ev.From, ev.Caller, to)
	}
	id := telemetry.Escape(pad(ev.Call)) + " "
	for line := range strings.Lines(t.draw(ev)) {
		p.b.WriteString(id + line)
	}
	return p.to(w)
}

func pad(id string) string { return id + strings.Repeat(" ", max(idWidth-1-len(id), 0)) }

// news tells whether the call of a step has to be named.
func (t *Tracer) news(ev *signaling.TraceEvent) bool {
	if t.to == nil {
		t.to = map[string]string{}
	}
	to, known := t.to[ev.Call]
	if known && to == ev.To {
		return false
	}
	if !known {
		if len(t.order) == tracedMax {
			delete(t.to, t.order[0])
			t.order = t.order[1:]
		}
		t.order = append(t.order, ev.Call)
	}
	t.to[ev.Call] = ev.To
	return true
}

// draw draws a step between life lines that stand where those of all others
// do: a row above it, which is cut off again, asks for as much as there is.
func (t *Tracer) draw(ev *signaling.TraceEvent) string {
	width := t.Width
	if width <= 0 {
		width = traceWidth
	}
	wide := ladder.Row{From: caller, To: border, Label: strings.Repeat("-", width)}
	c := ladder.Chart{Columns: []string{"", "", ""}, Width: width - idWidth, Rows: []ladder.Row{wide, step(&ev.LadderEntry)}}
	b := c.AppendTo(nil)
	const above = 3 // the names, a line below them, and the row
	for range above {
		_, b, _ = bytes.Cut(b, []byte("\n"))
	}
	return string(b)
}
