package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// Shrink returns a world with as little in it as it can find in which an
// invariant still does not hold: fewer things happen, and the network is
// better. It plays o again and again, a few hundred times.
func Shrink(o Options, invariant string) (Options, *Report) {
	best, err := Run(o)
	fails := func(p Options) bool {
		r, e := Run(p)
		if e != nil || !slices.Contains(r.all, invariant) {
			return false
		}
		o, best = p, r
		return true
	}
	if err != nil || !slices.Contains(best.all, invariant) {
		return o, best
	}
	for _, calmer := range []func(*Options){
		func(p *Options) { p.Loss, p.Duplicate, p.Reorder, p.Jitter = 0, 0, 0, 0 },
		func(p *Options) { p.Loss = 0 }, func(p *Options) { p.Duplicate = 0 },
		func(p *Options) { p.Reorder = 0 }, func(p *Options) { p.Jitter = 0 },
		func(p *Options) { p.PhonesTCP = false },
		func(p *Options) { p.TCP, p.Breaks = 0, 0 }, func(p *Options) { p.IP6 = 0 },
		func(p *Options) { p.Shards = 1 }, func(p *Options) { p.Scarce = false },
	} {
		p := o
		calmer(&p)
		fails(p)
	}
	o.leaveOut(best.things, fails)
	return o, best
}

// leaveOut leaves out what is planned, by halves, quarters and so on, as long
// as it still fails.
func (o Options) leaveOut(things int, fails func(Options) bool) {
	out := map[int]bool{}
	for size := max(things/2, 1); ; size /= 2 {
		for from := 0; from < things; from += size {
			p := o
			p.leftOut = map[int]bool{}
			for i := range things {
				if out[i] || i >= from && i < from+size {
					p.leftOut[i] = true
				}
			}
			if len(p.leftOut) > len(out) && fails(p) {
				out = p.leftOut
			}
		}
		if size == 1 {
			return
		}
	}
}

// Ladder plays a world and returns what passed the SBC's door up to its first
// problem, a line each, and the problem.
func Ladder(o Options) string {
	var b strings.Builder
	w, err := newWorld(o)
	if err != nil {
		return err.Error()
	}
	t := &teller{watch: watch{w}, to: &b}
	w.checkers = append([]checker{t}, w.checkers...)
	w.run(w.begin())
	w.perfect = true
	for i := range 3 {
		w.endCalls(i)
		w.run(w.now + settle)
	}
	w.run(w.now + w.o.rest())
	if len(w.report.Problems) > 0 {
		fmt.Fprintf(&b, "%v\n", w.report.Problems[0])
	}
	return b.String()
}

// A teller writes down what passes until something is wrong.
type teller struct {
	watch
	to *strings.Builder
}

func (t *teller) in(m *message)  { t.tell(m, "──▶") }
func (t *teller) out(m *message) { t.tell(m, "◀──") }

func (t *teller) tell(m *message, arrow string) {
	if len(t.w.report.Problems) > 0 {
		return
	}
	who := m.remote.String()
	if m.from >= 0 {
		who = m.name
	}
	call := ""
	if m.leg != nil {
		call = " (" + m.leg.talk.number + ")"
	}
	fmt.Fprintf(t.to, "%10v  %-6s %s %s%s\n", m.at.Round(time.Millisecond), who, arrow, label(m), call)
}

// label is a message in a few words that are the same on both sides of the
// border and in each run.
func label(m *message) string {
	if m.err != nil {
		return "unreadable: " + m.err.Error()
	}
	words := []string{string(m.sip.MethodName())}
	if !m.sip.IsRequest() {
		words = []string{fmt.Sprint(m.sip.Status()), "(" + string(m.sip.MethodName()) + ")"}
	}
	for _, f := range m.sip.Fields() {
		v := string(m.sip.Unfold(nil, f.Value))
		switch f.ID {
		case sip.FieldReplaces:
			words = append(words, "Replaces")
		case sip.FieldReferTo:
			words = append(words, "Refer-To")
			if strings.Contains(v, "Replaces=") {
				words[len(words)-1] += "?Replaces"
			}
		case sip.FieldEvent, sip.FieldSubscriptionState:
			name, _, _ := strings.Cut(v, ";")
			words = append(words, name)
		case sip.FieldRSeq:
			words = append(words, "RSeq")
		case sip.FieldContentType:
			words = append(words, body(m, v))
		}
	}
	return strings.Join(words, " ")
}

// body is what a body says, in a word.
func body(m *message, contentType string) string {
	text := string(m.sip.Bytes(m.sip.Body()))
	switch {
	case contentType == "application/sdp":
		word := "sdp"
		for _, d := range []string{"sendonly", "recvonly", "inactive"} {
			if strings.Contains(text, "a="+d) {
				word += ":" + d
			}
		}
		return word
	case strings.HasPrefix(contentType, "message/sipfrag"):
		status, _, _ := strings.Cut(text, "\r\n")
		_, status, _ = strings.Cut(status, " ")
		return "sipfrag:" + strings.SplitN(status, " ", 2)[0]
	}
	return contentType
}
