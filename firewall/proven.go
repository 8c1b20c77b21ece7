package firewall

import (
	"sync"
	"sync/atomic"
	"time"
)

// Proofs are the sources that returned what only they could receive, until when.
// Reading takes no lock. When a set is full, the proof goes that ends first.
type proofs struct {
	mu   sync.Mutex // of who writes
	sets []proofSet
}

// Ours: the keys of a set are one cache line.
const proofWays = 8

type proofSet struct {
	// Atomic.
	keys   [proofWays]atomic.Uint64
	until  [proofWays]atomic.Int64
	bucket [proofWays]bucket // of the source
}

func newProofs(n int) *proofs { return &proofs{sets: make([]proofSet, (n+proofWays-1)/proofWays)} }

func (p *proofs) set(hash uint64) *proofSet { return &p.sets[hash%uint64(len(p.sets))] }

// find returns the bucket of a source, or nil if it is not proven now.
func (p *proofs) find(now time.Duration, s source, hash uint64) *bucket {
	set := p.set(hash)
	for i := range set.keys {
		if set.keys[i].Load() != uint64(s) {
			continue
		}
		// The place may be given to another in between.
		if time.Duration(set.until[i].Load()) > now && set.keys[i].Load() == uint64(s) {
			return &set.bucket[i]
		}
		return nil
	}
	return nil
}

// Ours: a proof is written again when a 16th of its life is over. A phone that
// answers challenges does so for each of its calls.
const proofGrain = 16

func (p *proofs) add(now, life time.Duration, s source, hash uint64) {
	set, until := p.set(hash), now+life
	for i := range set.keys {
		if set.keys[i].Load() == uint64(s) && time.Duration(set.until[i].Load()) > until-life/proofGrain && set.keys[i].Load() == uint64(s) {
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at := 0
	for i := range set.keys {
		if set.keys[i].Load() == uint64(s) {
			set.until[i].Store(max(set.until[i].Load(), int64(until)))
			return
		}
		if set.until[i].Load() < set.until[at].Load() {
			at = i
		}
	}
	set.until[at].Store(0) // so that no reader takes one for the other
	set.keys[at].Store(uint64(s))
	set.bucket[at].due.Store(0)
	set.until[at].Store(int64(until))
}
