package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The queue gives timers back in the order of their times, and of two at the
// same time the one that was set first.
func TestQueueAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q Queue[int]
		all := make([]Timer[int], 20)
		set := map[int]time.Duration{}
		turn := map[int]int{}
		now := time.Duration(0)
		for step := range rapid.IntRange(1, 200).Draw(t, "steps") {
			i := rapid.IntRange(0, len(all)-1).Draw(t, "timer")
			switch rapid.IntRange(0, 3).Draw(t, "do") {
			case 0, 1:
				at := now + time.Duration(rapid.IntRange(0, 9).Draw(t, "after"))
				q.Set(&all[i], at)
				set[i], turn[i] = at, step
			case 2:
				q.Stop(&all[i])
				delete(set, i)
			case 3:
				now++
				for x := q.Pop(now); x != nil; x = q.Pop(now) {
					want := first(set, turn)
					if x != &all[want] || set[want] > now {
						t.Fatalf("popped the wrong timer at %d", now)
					}
					delete(set, want)
				}
			}
			next, ok := q.Next()
			if at, any := set[first(set, turn)]; ok != any || next != at {
				t.Fatalf("the next timer is due at %d, %v, want %d, %v", next, ok, at, any)
			}
			for i := range all {
				if at, ok := set[i]; all[i].IsSet() != ok || ok && all[i].At() != at {
					t.Fatalf("timer %d: set %v at %d, want %v at %d", i, all[i].IsSet(), all[i].At(), ok, at)
				}
			}
			if q.Len() != len(set) {
				t.Fatalf("%d timers are set, want %d", q.Len(), len(set))
			}
		}
	})
}

// first returns the timer that is due first, -1 if none is set.
func first(set map[int]time.Duration, turn map[int]int) int {
	best := -1
	for i, at := range set {
		if best < 0 || at < set[best] || at == set[best] && turn[i] < turn[best] {
			best = i
		}
	}
	return best
}

func BenchmarkSetStop(b *testing.B) {
	var q Queue[int]
	all := make([]Timer[int], 100_000)
	for i := range all {
		q.Set(&all[i], time.Duration(i*7919%32_000)*time.Millisecond)
	}
	b.ReportAllocs()
	for i := range b.N {
		t := &all[i*31%len(all)]
		q.Stop(t)
		q.Set(t, t.At()+32*time.Second)
	}
}

// What a timer costs that is left alone until it is due.
func BenchmarkSetPop(b *testing.B) {
	var q Queue[int]
	all := make([]Timer[int], 100_000)
	for i := range all {
		q.Set(&all[i], time.Duration(i))
	}
	b.ReportAllocs()
	for range b.N {
		t := q.Pop(1 << 62)
		q.Set(t, t.At()+time.Duration(len(all)))
	}
}
