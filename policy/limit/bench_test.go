package limit

import (
	"testing"
	"time"
)

func TestAllocations(t *testing.T) {
	table, key, r := NewTable(1<<10, testSeed), source(1), Rate{Per: time.Second, Burst: 5}
	var b Bucket
	now := time.Duration(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += time.Millisecond
		table.Take(now, 0, key, r)
		key[0]++
		b.TakeAbove(now, r, 2)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A million sources on 65,536 words: nearly each evicts another.
func BenchmarkTakeFlood(b *testing.B) {
	table, r := NewTable(1<<16, testSeed), Rate{Per: time.Second, Burst: 5}
	keys := make([][16]byte, 1_000_000)
	for i := range keys {
		copy(keys[i][:], source(i))
	}
	i, now := 0, time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		if i++; i == len(keys) {
			i = 0
		}
		now += 100 * time.Nanosecond
		table.Take(now, 0, keys[i][:], r)
	}
}

// 30,000 sources that have a word each.
func BenchmarkTakeHit(b *testing.B) {
	table, r := NewTable(1<<16, testSeed), Rate{Per: time.Second, Burst: 5}
	keys := make([][16]byte, 30_000)
	for i := range keys {
		copy(keys[i][:], source(i))
	}
	i, now := 0, time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		if i++; i == len(keys) {
			i = 0
		}
		now += time.Microsecond
		table.Take(now, 0, keys[i][:], r)
	}
}

// One source over its rate.
func BenchmarkTakeRefused(b *testing.B) {
	table, r, key := NewTable(1<<16, testSeed), Rate{Per: time.Hour, Burst: 1}, make([]byte, 16)
	b.ReportAllocs()
	for b.Loop() {
		table.Take(0, 0, key, r)
	}
}

func BenchmarkTakeParallel(b *testing.B) {
	table, r := NewTable(1<<16, testSeed), Rate{Per: time.Microsecond, Burst: 5}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		var key [16]byte
		for i := 0; p.Next(); i++ {
			key[0], key[1] = byte(i), byte(i>>8)
			table.Take(time.Duration(i), 0, key[:], r)
		}
	})
}

func BenchmarkBucket(b *testing.B) {
	var bucket Bucket
	r, now := Rate{Per: time.Microsecond, Burst: 5}, time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		now += 100
		bucket.TakeAbove(now, r, 2)
	}
}
