package sim

import (
	"fmt"
	"time"
)

// A Report says how a world went.
type Report struct {
	Seed      uint64
	Calls     int           // that were tried
	Answered  int           // that the caller saw answered
	Planned   int           // that nothing but the network and the limits stood against
	Events    int           // that happened, in all
	Sent      int           // messages of the SBC
	Relayed   int           // packets that it relayed
	Heard     int           // times that a side was asked whether it hears the other
	Disturbed int           // times that something happened to a phone or its NAT
	Strange   int           // packets and messages of strangers
	Passed    time.Duration // of virtual time
	Hash      uint64        // of everything that the SBC sent
	Problems  []Problem     // the first few; none is what should be

	things int            // that were planned
	all    []string       // invariants that did not hold
	cells  map[string]int // cells passed, of the tables of transactions, dialogs and subscriptions: of one world how often, of several in how many
}

// A Problem is an invariant that did not hold.
type Problem struct {
	At        time.Duration
	Invariant string
	Text      string
}

func (p Problem) String() string { return fmt.Sprintf("at %v: %s: %s", p.At, p.Invariant, p.Text) }

// Ours: the first one is what matters; the rest often follows from it.
const problemsMax = 20

// Ours: after the last thing that people do everything has to end by itself.
// The longest is a call that both user agents have forgotten: the silence of
// its media while held, then BYEs without an answer.
const (
	settle = 5 * time.Second
	rest   = ring + held + 2*64*t1
)

// rest is the time in which everything has ended.
func (o *Options) rest() time.Duration {
	if o.Phones > 0 {
		return rest + grantedMax
	}
	return rest
}

// RFC 3261 table 4.
const t1 = 500 * time.Millisecond

// Run plays the world that o describes. The error is one of the options.
func Run(o Options) (*Report, error) {
	w, err := newWorld(o)
	if err != nil {
		return nil, err
	}
	w.report.Seed = o.Seed
	end := w.begin()
	w.run(end)
	w.note("quiet")
	w.perfect = true
	for i := range 3 { // a call may come up while the others are ended
		w.endCalls(i)
		w.run(w.now + settle)
	}
	w.run(w.now + w.o.rest())
	for _, c := range w.checkers {
		c.end()
	}
	w.report.things = w.things
	w.report.Passed, w.report.Hash = w.now, w.sum.Sum64()
	return &w.report, nil
}

// String is the report for people: counts, and problems a line each.
func (r *Report) String() string {
	s := fmt.Sprintf("%d calls (%d answered, %d planned to be), %d events, %d messages and %d packets sent, %d heard, %d of strangers, %v passed, hash %#x",
		r.Calls, r.Answered, r.Planned, r.Events, r.Sent, r.Relayed, r.Heard, r.Strange, r.Passed.Round(time.Second), r.Hash)
	for _, p := range r.Problems {
		s += "\n" + p.String()
	}
	return s
}

// add adds another world to r.
func (r *Report) add(o *Report) {
	r.Calls, r.Answered, r.Planned = r.Calls+o.Calls, r.Answered+o.Answered, r.Planned+o.Planned
	r.Events, r.Sent, r.Relayed, r.Strange = r.Events+o.Events, r.Sent+o.Sent, r.Relayed+o.Relayed, r.Strange+o.Strange
	r.Passed, r.Heard = r.Passed+o.Passed, r.Heard+o.Heard
	if r.cells == nil {
		r.cells = map[string]int{}
	}
	for cell := range o.cells {
		r.cells[cell]++
	}
}
