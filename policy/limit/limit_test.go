package limit

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"
)

var testSeed = [16]byte{1, 2, 3}

func source(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// A leaky is the limit as people tell it, with a level that leaks: a bucket of
// Burst into which each pours one, and which loses one each Per.
type leaky struct {
	level time.Duration
	at    time.Duration
}

func (l *leaky) take(now time.Duration, r Rate, reserve int) (ok bool, wait time.Duration) {
	l.level, l.at = max(0, l.level-(now-l.at)), now
	if room := time.Duration(r.Burst-reserve) * r.Per; l.level+r.Per > room {
		return false, l.level + r.Per - room
	}
	l.level += r.Per
	return true, 0
}

func someRate(t *rapid.T, unit time.Duration) Rate {
	return Rate{Per: unit * time.Duration(rapid.IntRange(1, 1000).Draw(t, "per")), Burst: rapid.IntRange(1, 8).Draw(t, "burst")}
}

// A Bucket does to the nanosecond what the leaky one does.
func TestBucketExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, b, model, now := someRate(t, 1), Bucket{}, leaky{}, time.Duration(0)
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			now += time.Duration(rapid.IntRange(0, 1500).Draw(t, "later"))
			reserve := rapid.IntRange(0, r.Burst-1).Draw(t, "reserve")
			ok, wait := b.TakeAbove(now, r, reserve)
			if want, wantWait := model.take(now, r, reserve); ok != want || wait != wantWait {
				t.Fatalf("at %v with reserve %d of %+v: %v %v, want %v %v", now, reserve, r, ok, wait, want, wantWait)
			}
		}
	})
}

// A Table does for each source what a leaky bucket of its own does, as long as
// it has words for all.
func TestTableExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := []Rate{someRate(t, unit), someRate(t, unit)}
		start := time.Duration(rapid.SampledFrom([]int64{0, 1, timeMask - 500, timeMask * 3 / 4}).Draw(t, "start")) * unit
		table, now := NewTable(1<<12, testSeed), start
		model := map[[2]int]*leaky{}
		for range rapid.IntRange(1, 100).Draw(t, "n") {
			now += unit * time.Duration(rapid.IntRange(0, 300).Draw(t, "later"))
			key := [2]int{rapid.IntRange(0, 1).Draw(t, "kind"), rapid.IntRange(0, 3).Draw(t, "source")}
			if model[key] == nil {
				model[key] = &leaky{at: now}
			}
			r := rates[key[0]]
			ok, wait := table.Take(now, Kind(key[0]), source(key[1]), r)
			if want, wantWait := model[key].take(now, r, 0); ok != want || wait != wantWait {
				t.Fatalf("at %v, %v of %+v: %v %v, want %v %v", now, key, r, ok, wait, want, wantWait)
			}
		}
		if table.Evicted() != 0 {
			t.Fatalf("%d evicted", table.Evicted())
		}
	})
}

// What is let through of a rate that is no whole number of units is never more
// than the rate, and hardly less.
func TestTableRounds(t *testing.T) {
	for _, r := range []Rate{{time.Second / 3, 1}, {time.Second / 7, 10}, {time.Second / 9999, 50}, {time.Nanosecond, 1}} {
		table, n := NewTable(8, testSeed), 0
		const span = time.Second
		for at := time.Duration(0); at <= span; at += 7 * time.Microsecond {
			if ok, _ := table.Take(at, 0, nil, r); ok {
				n++
			}
		}
		most := r.Burst + int(span/r.Per)
		least := r.Burst + int(span/((r.Per-1)/unit*unit+unit+7*time.Microsecond)) - 1
		if n > most || n < least {
			t.Errorf("%+v: %d in a second, want %d to %d", r, n, least, most)
		}
	}
}

// Who comes again after the wait it was told is let through, and not before.
func TestWait(t *testing.T) {
	r := Rate{Per: 100 * time.Millisecond, Burst: 2}
	table, now := NewTable(8, testSeed), 3*time.Millisecond+3*time.Nanosecond
	for range 2 {
		if ok, wait := table.Take(now, 0, nil, r); !ok || wait != 0 {
			t.Fatal(ok, wait)
		}
	}
	for range 3 {
		if ok, wait := table.Take(now+50*time.Millisecond, 0, nil, r); ok || wait != 50*time.Millisecond {
			t.Fatal(ok, wait)
		}
	}
	if ok, _ := table.Take(now+100*time.Millisecond-unit, 0, nil, r); ok {
		t.Error("before the wait")
	}
	if ok, _ := table.Take(now+100*time.Millisecond, 0, nil, r); !ok {
		t.Error("after the wait")
	}
}

func TestRates(t *testing.T) {
	const huge = 1 << 62
	tests := []struct {
		name string
		r    Rate
		want int // let through at once, of 100
	}{
		{"no limit", Rate{}, 100},
		{"no limit, with a burst", Rate{Burst: 1}, 100},
		{"a negative time", Rate{Per: -1, Burst: 1}, 100},
		{"without a burst", Rate{Per: time.Second}, 1},
		{"a negative burst", Rate{Per: time.Second, Burst: -5}, 1},
		{"a few", Rate{Per: time.Second, Burst: 7}, 7},
		{"an endless time", Rate{Per: huge, Burst: 1}, 1},
		{"an endless burst", Rate{Per: time.Second, Burst: huge}, 100},
		{"as short as may be", Rate{Per: 1, Burst: 3}, 3},
	}
	for _, test := range tests {
		table, bucket, inTable, inBucket := NewTable(8, testSeed), Bucket{}, 0, 0
		for range 100 {
			if ok, _ := table.Take(time.Hour, 0, nil, test.r); ok {
				inTable++
			}
			if ok, _ := bucket.Take(time.Hour, test.r); ok {
				inBucket++
			}
		}
		if inTable != test.want || inBucket != test.want {
			t.Errorf("%s: %d of a table, %d of a bucket, want %d", test.name, inTable, inBucket, test.want)
		}
	}
}

// Classes share a bucket: each leaves what is kept for those above it.
func TestReserve(t *testing.T) {
	var b Bucket
	r := Rate{Per: time.Second, Burst: 10}
	take := func(now time.Duration, reserve int) (n int) {
		for {
			if ok, wait := b.TakeAbove(now, r, reserve); !ok {
				if wait <= 0 {
					t.Errorf("refused with a wait of %v", wait)
				}
				return n
			}
			n++
		}
	}
	for _, step := range []struct {
		reserve, want int
	}{{6, 4}, {6, 0}, {3, 3}, {6, 0}, {-1, 3}, {3, 0}, {10, 0}, {11, 0}} {
		if n := take(0, step.reserve); n != step.want {
			t.Errorf("reserve %d: took %d, want %d", step.reserve, n, step.want)
		}
	}
	if _, wait := b.TakeAbove(0, r, 10); wait != Never {
		t.Errorf("all kept: wait %v", wait)
	}
	if _, wait := b.TakeAbove(0, r, 6); wait != 7*time.Second {
		t.Errorf("6 kept of none: wait %v", wait)
	}
	if n := take(7*time.Second, 6); n != 1 {
		t.Errorf("after the wait: %d", n)
	}
}

// A new configuration may bring a lower rate: nobody waits longer than by it.
func TestLowerRate(t *testing.T) {
	old, lower := Rate{Per: time.Second, Burst: 3600}, Rate{Per: time.Second, Burst: 2}
	table, bucket := NewTable(8, testSeed), Bucket{}
	for range old.Burst {
		table.Take(0, 0, nil, old)
		bucket.Take(0, old)
	}
	if ok, _ := table.Take(0, 0, nil, lower); !ok {
		t.Error("table")
	}
	if ok, _ := bucket.Take(0, lower); !ok {
		t.Error("bucket")
	}
}

// Kinds and seeds keep sources apart.
func TestKinds(t *testing.T) {
	r := Rate{Per: time.Second, Burst: 1}
	table := NewTable(1<<10, testSeed)
	for kind := range Kind(10) {
		for s := range 10 {
			if ok, _ := table.Take(0, kind, source(s), r); !ok {
				t.Errorf("kind %d, source %d is taken for another", kind, s)
			}
		}
	}
	if ok, _ := table.Take(0, 3, source(3), r); ok {
		t.Error("a source is not known again")
	}
	bucketOf := func(table *Table, s int) int {
		before := make([]uint64, len(table.buckets))
		for i := range before {
			before[i] = table.buckets[i][0].Load()
		}
		table.Take(0, 0, source(s), r)
		for i := range before {
			if table.buckets[i][0].Load() != before[i] {
				return i
			}
		}
		return -1
	}
	same := 0
	for s := range 100 {
		if bucketOf(NewTable(1<<10, testSeed), s) == bucketOf(NewTable(1<<10, [16]byte{9}), s) {
			same++
		}
	}
	if same > 20 {
		t.Errorf("%d of 100 sources are in the same bucket under another seed", same)
	}
}

// A flood of sources evicts those that have used least, never one that has
// used its burst up while others of its bucket have not.
func TestEviction(t *testing.T) {
	r := Rate{Per: time.Second, Burst: 10}
	table := NewTable(bucketWords, testSeed) // one bucket
	busy := []byte("busy")
	for range r.Burst {
		table.Take(0, 0, busy, r)
	}
	for s := range 1000 {
		if ok, _ := table.Take(0, 0, source(s), r); !ok {
			t.Fatalf("source %d got nothing", s)
		}
		if ok, _ := table.Take(0, 0, busy, r); ok {
			t.Fatalf("a flood of %d sources gave a busy one its burst back", s+1)
		}
	}
	if n := table.Evicted(); n != 1000-(bucketWords-1) {
		t.Errorf("%d evicted", n)
	}
	// All have gone when their times have passed: nobody is evicted.
	for s := range bucketWords {
		table.Take(time.Minute, 0, source(-1-s), r)
	}
	if n := table.Evicted(); n != 1000-(bucketWords-1) {
		t.Errorf("%d evicted whose time had passed", n-993)
	}
}

// The memory is what was asked for, whoever comes.
func TestSize(t *testing.T) {
	for want, words := range map[int][]int{8: {-1, 0, 1, 8}, 16: {9, 16}, 1 << 16: {1<<16 - 1, 1 << 16}} {
		for _, words := range words {
			if got := NewTable(words, testSeed).Words(); got != want {
				t.Errorf("%d words became %d, want %d", words, got, want)
			}
		}
	}
	table := NewTable(1<<12, testSeed)
	before := &table.buckets[0]
	for s := range 100000 {
		table.Take(0, 0, source(s), Rate{Per: time.Second, Burst: 1})
	}
	if len(table.buckets)*bucketWords != 1<<12 || &table.buckets[0] != before {
		t.Error("the table has moved or grown")
	}
	if n := unsafe.Sizeof(Bucket{}); n != 64 {
		t.Errorf("a Bucket has %d octets", n)
	}
	if n := unsafe.Sizeof(bucket{}); n != 64 || uintptr(unsafe.Pointer(before))%64 != 0 {
		t.Errorf("a bucket of a Table has %d octets at %p", n, before)
	}
}

// However many goroutines take, what is let through is the burst and what time
// brings: no more, and no less but for one that came when the clock of whoever
// was to take it had stood still.
func TestAtOnce(t *testing.T) {
	const workers, tries = 8, 5000
	r := Rate{Per: time.Millisecond, Burst: 50}
	table, bucket := NewTable(1<<10, testSeed), &Bucket{}
	for name, take := range map[string]func(now time.Duration) bool{
		"table": func(now time.Duration) bool {
			ok, _ := table.Take(now, 0, []byte("one"), r)
			return ok
		},
		"bucket": func(now time.Duration) bool {
			ok, _ := bucket.Take(now, r)
			return ok
		},
	} {
		var clock, taken atomic.Int64
		var wait sync.WaitGroup
		for range workers {
			wait.Go(func() {
				for range tries {
					if take(time.Duration(clock.Add(int64(unit)))) {
						taken.Add(1)
					}
				}
			})
		}
		wait.Wait()
		span := time.Duration(clock.Load())
		most := int64(r.Burst) + int64(span/r.Per)
		if n := taken.Load(); n > most || n < most-1 {
			t.Errorf("%s: %d in %v, want %d", name, n, span, most)
		}
	}
}

// Sources that come to the same buckets at once: each gets its burst, and once
// more for each other goroutine at most.
func TestManyAtOnce(t *testing.T) {
	const workers, sources, tries = 4, 64, 5000
	r := Rate{Per: time.Hour, Burst: 5}
	table := NewTable(1<<7, testSeed)
	var taken [sources]atomic.Int64
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := range tries {
				s := (i*7 + w*13) % sources
				if ok, _ := table.Take(0, 0, source(s), r); ok {
					taken[s].Add(1)
				}
			}
		})
	}
	wait.Wait()
	if table.Evicted() != 0 {
		t.Fatalf("%d evicted", table.Evicted())
	}
	for s := range taken {
		if n := taken[s].Load(); n < int64(r.Burst) || n > int64(r.Burst+workers-1) {
			t.Errorf("source %d got %d, want %d", s, n, r.Burst)
		}
	}
}

// Shards have read their clocks at different times: one whose clock is behind
// lets nobody through who has used its burst up by another's.
func TestClocksApart(t *testing.T) {
	r := Rate{Per: time.Millisecond, Burst: 3}
	table, bucket := NewTable(8, testSeed), Bucket{}
	for range r.Burst {
		table.Take(time.Minute, 0, nil, r)
		bucket.Take(time.Minute, r)
	}
	for _, now := range []time.Duration{time.Minute, time.Minute - time.Millisecond, time.Minute - time.Second, time.Second} {
		if ok, _ := table.Take(now, 0, nil, r); ok {
			t.Errorf("table, at %v", now)
		}
		if ok, _ := bucket.Take(now, r); ok {
			t.Errorf("bucket, at %v", now)
		}
	}
}

// Of two words that a source has the later counts, wherever it is.
func TestTwoWords(t *testing.T) {
	r := Rate{Per: time.Second, Burst: 2}
	table := NewTable(bucketWords, testSeed)
	table.Take(0, 0, nil, r)
	b := &table.buckets[0]
	once := b[0].Load()
	table.Take(0, 0, nil, r)
	twice := b[0].Load()
	for _, words := range [][2]uint64{{once, twice}, {twice, once}} {
		b[2].Store(words[0])
		b[5].Store(words[1])
		b[0].Store(0)
		if ok, _ := table.Take(0, 0, nil, r); ok {
			t.Errorf("%x", words)
		}
	}
}
