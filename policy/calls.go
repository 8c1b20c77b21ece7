package policy

import (
	"slices"
	"sync/atomic"
	"time"

	"sbc/policy/limit"
)

// Calls counts the calls that exist and their media, in all, by peer and by
// realm, and refuses those over a limit. What was taken must be given back
// exactly once, by the call's ledger.
type Calls struct {
	// Constant after NewCalls.
	rules *Rules

	// Atomic. Shared by all that With has made of one.
	all    *counter
	peers  []*usage
	realms []*usage
}

// A usage is what a peer or a realm has now.
type usage struct {
	calls, lines, kbits counter
	rate, tolls         limit.Bucket
}

// A counter has a cache line of its own, so that shards that count calls of
// different peers do not slow each other down.
type counter struct {
	n atomic.Int64
	_ [56]byte
}

// take adds n unless that passes the limit. The counter never shows more
// than the limit, so that what the ledger compares it with is always equal.
func (c *counter) take(n, limit int) bool {
	if limit == 0 {
		c.n.Add(int64(n))
		return true
	}
	for {
		have := c.n.Load()
		if have+int64(n) > int64(limit) {
			return false
		}
		if c.n.CompareAndSwap(have, have+int64(n)) {
			return true
		}
	}
}

// NewCalls returns counters at zero for the limits of r.
func NewCalls(r *Rules) *Calls {
	return (&Calls{all: new(counter)}).With(r)
}

// With returns the same counters for the limits of r, whose peers and realms begin
// with those that c counts by, in their order. A call that is over a new limit
// goes on.
func (c *Calls) With(r *Rules) *Calls {
	return &Calls{rules: r, all: c.all, peers: grown(c.peers, len(r.o.Peers)), realms: grown(c.realms, len(r.o.Realms))}
}

func grown(list []*usage, n int) []*usage {
	list = slices.Clip(list)
	for len(list) < n {
		list = append(list, new(usage))
	}
	return list
}

// Admit takes a place for one more call in all. urgent: whatever the limit.
func (c *Calls) Admit(urgent bool) *Refusal {
	most := c.rules.o.Calls
	if urgent {
		most = 0
	}
	if c.all.take(1, most) {
		return nil
	}
	return &c.rules.refusals.capacity
}

// Done gives back what Admit took.
func (c *Calls) Done() { c.all.n.Add(-1) }

// Total returns how many calls there are in all.
func (c *Calls) Total() int { return int(c.all.n.Load()) }

// A Place is what one leg of a call has: a place at its peer and in its realm.
type Place struct{ Peer, Realm int }

// Take takes a place for one more call at a peer and in its realm, at a time since
// the start of the process. A call takes one at the peer that it comes from and
// one at the peer that it goes to. urgent: whatever the limits.
func (c *Calls) Take(now time.Duration, peer int, urgent bool) (Place, *Refusal) {
	p := Place{peer, c.rules.o.Peers[peer].Realm}
	of := c.limits(p)
	for i, l := range of {
		if ok, _ := l.has.rate.Take(now, l.Rate); !ok && !urgent {
			return p, &of[i].no.rate
		}
	}
	for i, l := range of {
		most := l.Calls
		if urgent {
			most = 0
		}
		if !l.has.calls.take(1, most) {
			for _, taken := range of[:i] {
				taken.has.calls.n.Add(-1)
			}
			return p, &of[i].no.calls
		}
	}
	return p, nil
}

// Give gives back what Take took.
func (c *Calls) Give(p Place) {
	c.peers[p.Peer].calls.n.Add(-1)
	c.realms[p.Realm].calls.n.Add(-1)
}

// Load takes media for a place: so many lines with so many kbit/s in all. urgent:
// whatever the limits.
func (c *Calls) Load(p Place, lines, kbits int, urgent bool) *Refusal {
	of := c.limits(p)
	for i, l := range of {
		mostLines, mostKbits := l.Lines, l.Kbits
		if urgent {
			mostLines, mostKbits = 0, 0
		}
		no := &of[i].no.lines
		if l.has.lines.take(lines, mostLines) {
			if l.has.kbits.take(kbits, mostKbits) {
				continue
			}
			l.has.lines.n.Add(-int64(lines))
			no = &of[i].no.kbits
		}
		for _, taken := range of[:i] {
			taken.has.unload(lines, kbits)
		}
		return no
	}
	return nil
}

// Unload gives back what Load took.
func (c *Calls) Unload(p Place, lines, kbits int) {
	c.peers[p.Peer].unload(lines, kbits)
	c.realms[p.Realm].unload(lines, kbits)
}

func (u *usage) unload(lines, kbits int) {
	u.lines.n.Add(-int64(lines))
	u.kbits.n.Add(-int64(kbits))
}

// limited are limits, what is had of them, and what is said to more.
type limited struct {
	*Limits
	has *usage
	no  *limitRefusals
}

func (c *Calls) limits(p Place) [2]limited {
	r := c.rules
	return [2]limited{
		{&r.o.Peers[p.Peer].Limits, c.peers[p.Peer], &r.refusals.peers[p.Peer]},
		{&r.o.Realms[p.Realm].Limits, c.realms[p.Realm], &r.refusals.realms[p.Realm]},
	}
}

// InUse returns how many calls a peer has. Below zero something was given
// back twice: a bug that the ledger shows.
func (c *Calls) InUse(peer int) int { return int(c.peers[peer].calls.n.Load()) }

// Media returns how many media lines a peer has, and their estimate in kbit/s.
func (c *Calls) Media(peer int) (lines, kbits int) {
	return int(c.peers[peer].lines.n.Load()), int(c.peers[peer].kbits.n.Load())
}
