package policy

import (
	"time"

	"sbc/policy/limit"
)

// Copy returns counters of their own that stand where those of c stand now: what
// is taken from them is taken from nobody.
func (c *Calls) Copy() *Calls {
	n := NewCalls(c.rules)
	n.all.n.Store(c.all.n.Load())
	for i := range n.peers {
		n.peers[i].become(c.peers[i])
	}
	for i := range n.realms {
		n.realms[i].become(c.realms[i])
	}
	return n
}

func (u *usage) become(o *usage) {
	u.calls.n.Store(o.calls.n.Load())
	u.lines.n.Store(o.lines.n.Load())
	u.kbits.n.Store(o.kbits.n.Load())
	u.rate.Become(&o.rate)
	u.tolls.Become(&o.tolls)
}

// A Use is what a peer or a realm has of its limits.
type Use struct {
	Limits *Limits // to be read only
	Ref    Ref     // of the limits, or of what has none

	Calls, Lines, Kbits int
	Wait                time.Duration // until it may begin one more call; 0: now
}

// Uses returns what a peer and its realm have at a time since the start of the
// process. Nothing is taken.
func (c *Calls) Uses(now time.Duration, peer int) (ofPeer, ofRealm Use) {
	p := &c.rules.o.Peers[peer]
	r := &c.rules.o.Realms[p.Realm]
	return c.peers[peer].use(now, &p.Limits, p.Ref), c.realms[p.Realm].use(now, &r.Limits, r.Ref)
}

func (u *usage) use(now time.Duration, l *Limits, ref Ref) Use {
	if l.Ref != (Ref{}) {
		ref = l.Ref
	}
	n := Use{Limits: l, Ref: ref, Calls: int(u.calls.n.Load()), Lines: int(u.lines.n.Load()), Kbits: int(u.kbits.n.Load())}
	var b limit.Bucket
	b.Become(&u.rate)
	_, n.Wait = b.Take(now, l.Rate)
	return n
}
