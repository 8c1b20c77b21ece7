package policy

import (
	"slices"
	"sync/atomic"
)

// Calls counts the calls that exist, in all and by peer, and refuses those
// over a limit. What was taken must be given back exactly once, by the
// call's ledger.
type Calls struct {
	// Constant after NewCalls.
	rules *Rules

	// Atomic. Shared by all that With has made of one.
	all   *counter
	peers []*counter
}

// A counter has a cache line of its own, so that shards that count calls of
// different peers do not slow each other down.
type counter struct {
	n atomic.Int64
	_ [56]byte
}

// take adds one unless that passes the limit. The counter never shows more
// than the limit, so that what the ledger compares it with is always equal.
func (c *counter) take(limit int) bool {
	if limit == 0 {
		c.n.Add(1)
		return true
	}
	for {
		n := c.n.Load()
		if n >= int64(limit) {
			return false
		}
		if c.n.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// NewCalls returns counters at zero for the limits of r.
func NewCalls(r *Rules) *Calls {
	return (&Calls{all: new(counter)}).With(r)
}

// With returns the same counters for the limits of r, whose peers begin with
// those that c counts by, in their order. A call that is over a new limit goes
// on.
func (c *Calls) With(r *Rules) *Calls {
	n := &Calls{rules: r, all: c.all, peers: slices.Clip(c.peers)}
	for len(n.peers) < len(r.o.Peers) {
		n.peers = append(n.peers, new(counter))
	}
	return n
}

// Admit takes a place for one more call in all.
func (c *Calls) Admit() *Refusal {
	if c.all.take(c.rules.o.Calls) {
		return nil
	}
	return &c.rules.refusals.capacity
}

// Done gives back what Admit took.
func (c *Calls) Done() { c.all.n.Add(-1) }

// Total returns how many calls there are in all.
func (c *Calls) Total() int { return int(c.all.n.Load()) }

// Take takes a place for one more call of a peer. A call takes one at the
// peer that it comes from and one at the peer that it goes to.
func (c *Calls) Take(peer int) *Refusal {
	if c.peers[peer].take(c.rules.o.Peers[peer].Calls) {
		return nil
	}
	return &c.rules.refusals.callsLimit[peer]
}

// Give gives back what Take took.
func (c *Calls) Give(peer int) { c.peers[peer].n.Add(-1) }

// InUse returns how many calls a peer has. Below zero something was given
// back twice: a bug that the ledger shows.
func (c *Calls) InUse(peer int) int { return int(c.peers[peer].n.Load()) }
