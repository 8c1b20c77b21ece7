package firewall

import (
	"sync/atomic"
	"time"
)

// A pace is a Rate as a bucket reads it.
type pace struct {
	interval time.Duration // of one packet; 0: no bound
	slack    time.Duration // how far ahead of its pace a sender may be
}

func paceOf(r Rate) pace {
	if r.PerSecond <= 0 {
		return pace{}
	}
	i := max(time.Second/time.Duration(r.PerSecond), 1)
	return pace{i, i * time.Duration(min(max(r.Burst, 1)-1, burstMax))}
}

// Ours: more at once is no bound, and would not fit a clock of nanoseconds.
const burstMax = 1 << 32

// A bucket bounds a rate by the generic cell rate algorithm (ITU-T I.371): all
// that it keeps is the time at which its sender would be within its pace again.
// Any goroutine may take from it.
type bucket struct{ due atomic.Int64 }

// take reports whether one packet more is within the pace.
func (b *bucket) take(now time.Duration, p pace) bool {
	if p.interval == 0 {
		return true
	}
	for {
		old := b.due.Load()
		due := max(time.Duration(old), now)
		if due-now > p.slack {
			return false
		}
		if b.due.CompareAndSwap(old, int64(due+p.interval)) {
			return true
		}
	}
}

// Buckets are a table of a fixed size, by hash. Two senders that meet in it
// share a bucket.
type buckets []bucket

// Ours: 512 KiB. At 1,000 senders at a time one in 65 shares a bucket.
const bucketsLen = 1 << 16

func newBuckets() buckets { return make(buckets, bucketsLen) }

func (t buckets) at(hash uint64) *bucket { return &t[hash%bucketsLen] }
