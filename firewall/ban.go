package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"sbc/telemetry"
)

// A ban is one that is, or one that was and is remembered.
type ban struct {
	// Constant once it is in the table.
	prefix netip.Prefix
	until  time.Duration

	// Guarded by mu.
	id     uint64
	since  time.Duration
	times  uint32 // this one and those before it
	by     Origin
	reason string
	did    Tally
	index  int // in its queue
}

// An Origin is who made a ban.
type Origin uint8

const (
	ByScore   Origin = iota // its offences
	ByHand                  // the operator
	ByMerge                 // so many networks of it were banned
	ByEarlier               // it was found in the kernel at the start
	origins
)

var originNames = [origins]string{"score", "operator", "networks", "earlier run"}

func (o Origin) String() string { return originNames[o] }

// A Ban is one as the operator sees it.
type Ban struct {
	Prefix   netip.Prefix
	Since    time.Time
	Until    time.Time
	Times    int // this one and those before it that are remembered
	By       Origin
	Reason   string // escaped
	Offences Tally  // those that led to it
}

// Why returns what is known of it: "ticket 17", "8 digest failure", or nothing.
func (b Ban) Why() string {
	what := b.Offences.String()
	if b.Reason == "" || what == "" {
		return b.Reason + what
	}
	return b.Reason + ": " + what
}

// A queue has the ban first that ends first.
type queue []*ban

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].until < q[j].until }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].index, q[j].index = i, j }
func (q *queue) Push(x any)        { b := x.(*ban); b.index = len(*q); *q = append(*q, b) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	b := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return b
}

// Bans returns the bans that are, the last one first.
func (g *Guard) Bans(now time.Duration) []Ban {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	list := make([]Ban, 0, len(g.active))
	for _, b := range g.active {
		list = append(list, Ban{
			Prefix: b.prefix, Since: g.wall(b.since), Until: g.wall(b.until), Times: int(b.times),
			By: b.by, Reason: telemetry.Escape(b.reason), Offences: b.did,
		})
	}
	slices.SortFunc(list, func(a, b Ban) int {
		if c := b.Since.Compare(a.Since); c != 0 {
			return c
		}
		return a.Prefix.Compare(b.Prefix)
	})
	return list
}

func (g *Guard) wall(at time.Duration) time.Time { return g.o.Start.Add(at) }

// Ours:
const (
	// What fits a line of a list.
	reasonMax = 120
	// The longest ban by hand: for ever, in a clock of 63 bits of nanoseconds.
	handMax = 100 * 365 * 24 * time.Hour
)

// Ban bans a network for d by hand; a ban that exists gets the new time. The
// error says why it cannot be: somebody is in it who is never banned, or it is
// more than one source and somebody has registered from there.
func (g *Guard) Ban(now time.Duration, p netip.Prefix, d time.Duration, reason string) error {
	p, ok := clean(p)
	if !ok || d <= 0 {
		return fmt.Errorf("ban %v for %v: want a network, and a time that is more than 0", p, d)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	if err := g.refuses(p); err != nil {
		g.counts.refused.Add(1)
		return err
	}
	b := g.again(now, p)
	b.by, b.reason, b.until = ByHand, cut(reason), now+min(d, handMax)
	g.put(now, b)
	return nil
}

func cut(reason string) string { return reason[:min(len(reason), reasonMax)] }

// Unban lifts the ban of a network, and forgets what the sources in it have done:
// they are policed no more either. The error says that there was neither.
func (g *Guard) Unban(now time.Duration, p netip.Prefix) error {
	p, ok := clean(p)
	if !ok {
		return errors.New("unban: no network")
	}
	lifted, err := g.unban(now, p)
	if err != nil {
		return err
	}
	if had := g.scores.forgive(p.Overlaps); !lifted && had == 0 {
		return fmt.Errorf("unban %v: it is not banned, and has done nothing", p)
	}
	return nil
}

func (g *Guard) unban(now time.Duration, p netip.Prefix) (lifted bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	if b, ok := g.bans.Load().Get(p); ok {
		g.lift(b)
		return true, nil
	}
	if wider, _, ok := g.bans.Load().LookupPrefixLPM(p); ok {
		return false, fmt.Errorf("unban %v: it is banned as a part of %v: lift that", p, wider)
	}
	return false, nil
}
