package limit

import (
	"math"
	"sync/atomic"
	"time"
)

// A Bucket is one limit. The zero Bucket is full; it must not be copied. Any
// goroutine may call its methods. Times count from the start of the process,
// on a clock that does not jump.
type Bucket struct {
	// Atomic.
	tat atomic.Uint64 // nanoseconds

	_ [56]byte // a cache line for each, so that those of different peers do not slow each other down
}

// Take takes one, if there is one at this time; else wait says when there
// will be.
func (b *Bucket) Take(now time.Duration, r Rate) (ok bool, wait time.Duration) {
	return b.TakeAbove(now, r, 0)
}

// TakeAbove takes one if reserve are left after it. So classes share a
// Bucket: the highest takes with reserve 0, and each other leaves what is
// kept for those above it. Over time the classes above may use up the whole
// rate; a class below gets what they leave. A reserve of the whole Burst or
// more is never left.
func (b *Bucket) TakeAbove(now time.Duration, r Rate, reserve int) (ok bool, wait time.Duration) {
	if r.Per <= 0 {
		return true, 0
	}
	if reserve >= r.burst() {
		return false, Never
	}
	const bound = math.MaxInt64 / 4 // 73 years
	g := r.in(1, bound)
	if reserve > 0 {
		g.tolerance = Rate{r.Per, r.burst() - reserve}.in(1, bound).tolerance
	}
	at := uint64(max(now, 0))
	for {
		tat := b.tat.Load()
		next, early := g.arrival(max(tat, at) - at)
		if early > 0 {
			return false, time.Duration(early)
		}
		if b.tat.CompareAndSwap(tat, at+next) {
			return true, 0
		}
	}
}

// Become makes b what o is now, to try on b what must not be taken from o. b is
// no other goroutine's meanwhile.
func (b *Bucket) Become(o *Bucket) { b.tat.Store(o.tat.Load()) }
