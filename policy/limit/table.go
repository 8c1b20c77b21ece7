package limit

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/dchest/siphash"
)

// A Table limits each of any number of sources, in memory that never grows.
// Any goroutine may call its methods. Times count from the start of the
// process, on a clock that does not jump.
//
// It is a hash table without chains. A source has a bucket of eight words, one
// cache line, and in it the word with its tag:
//
//	63      44 43                         0
//	┌─────────┬────────────────────────────┐
//	│   tag   │  theoretical arrival time  │  in units of 10 µs
//	└─────────┴────────────────────────────┘
//
// A word whose time has passed says what an empty one says: nothing is owed.
// So nothing is ever deleted. A new source takes the word of its bucket whose
// time is the earliest. If that time has not passed, its owner is evicted: it
// gets its whole burst back. It is the one that had used the least of it.
//
// What is gained by many forged sources: to evict a source that has used its
// burst up, all words of its bucket have to be later than its own, which takes
// that many bursts; and as nobody knows the hash, in every bucket. Those who
// are evicted first are those who have hardly asked, and they lose nothing. So
// a flood gains what it sends: each source gets its first burst anyway. That
// is what a Bucket for all sources together is for.
//
// What may be wrong with one source: it shares its word with another one of
// its bucket if their tags are alike, with a chance of one in 131,072 where
// the bucket is full. And if several goroutines meet a new source at once while
// others change its bucket, it may get two words. The later one counts from
// then on, so that it is let through once more for each of these goroutines at
// most.
type Table struct {
	// Constant after NewTable.
	key  [2]uint64
	mask uint64

	// Atomic.
	buckets []bucket
	evicted atomic.Uint64
}

// Ours.
const (
	bucketWords = 8 // a cache line of 64 octets

	// 10 µs, of which 44 bits last 5 years: fine enough for 10,000 a second,
	// and 20 bits are left to tell the sources of a bucket apart.
	unit     = 10 * time.Microsecond
	timeBits = 44
	timeMask = 1<<timeBits - 1

	// A week: no Per and no time to fill a burst is longer. What is further
	// ahead than two of them has passed: so the time may go round, and only a
	// word that nobody has touched for 5 years is taken for a late one.
	longest   = uint64(7 * 24 * time.Hour / unit)
	aheadMost = 2*longest + uint64(skew/unit)

	wordsMax = 1 << 27 // 1 GiB
)

type bucket [bucketWords]atomic.Uint64

// A Kind keeps the sources of one use from being taken for those of another,
// where several share a Table. What they share should be alike in the time of
// a burst: one request of a slow rate is later than a whole burst of a fast
// one, and evicts it.
type Kind byte

// NewTable returns a Table of a number of words of 8 octets, which is raised
// to a power of two. seed must be secret and random: who knows it can choose
// sources that meet in one bucket.
func NewTable(words int, seed [16]byte) *Table {
	n := bucketWords
	for n < words && n < wordsMax {
		n *= 2
	}
	n /= bucketWords
	return &Table{
		key:     [2]uint64{binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:])},
		mask:    uint64(n - 1),
		buckets: make([]bucket, n),
	}
}

// Take takes one of what the source may have, if there is one at this time;
// else wait says when there will be. Of a source that is named by an address
// the caller decides how much of it counts: an IPv6 host has at least 2^64.
func (t *Table) Take(now time.Duration, kind Kind, source []byte, r Rate) (ok bool, wait time.Duration) {
	if r.Per <= 0 {
		return true, 0
	}
	h := siphash.Hash(t.key[0]^uint64(kind), t.key[1], source)
	b := &t.buckets[h&t.mask]
	tag := h &^ timeMask
	at := uint64(max(now, 0) / unit)
	g := r.in(unit, longest)
	for {
		p := b.find(tag, at)
		owed := p.ahead
		if !p.found {
			owed = 0
		}
		next, early := g.arrival(owed)
		if early > 0 {
			return false, time.Duration(early) * unit
		}
		if !b[p.at].CompareAndSwap(p.word, tag|(at+next)&timeMask) {
			continue // Somebody else has got on.
		}
		if !p.found && p.ahead > 0 {
			t.evicted.Add(1)
		}
		return true, 0
	}
}

// A place is a word of a bucket.
type place struct {
	at    int
	word  uint64
	ahead uint64 // of the time; 0: it has passed
	found bool   // it has the tag
}

// find returns the word with a tag, of two the later; if there is none, the
// earliest of all.
func (b *bucket) find(tag, at uint64) (p place) {
	for i := range b {
		w := b[i].Load()
		ahead := (w - at) & timeMask
		if ahead > aheadMost || w == 0 {
			ahead = 0
		}
		found := w&^timeMask == tag
		switch {
		case i == 0, found && !p.found, found && ahead > p.ahead, !found && !p.found && ahead < p.ahead:
			p = place{i, w, ahead, found}
		}
	}
	return p
}

// Words returns how many words the Table has.
func (t *Table) Words() int { return len(t.buckets) * bucketWords }

// Evicted returns how many sources were evicted before their time had passed.
// While it rises the Table is too small for its sources, or is being flooded.
func (t *Table) Evicted() uint64 { return t.evicted.Load() }
