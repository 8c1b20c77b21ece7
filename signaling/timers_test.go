package signaling

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The heap gives timers back in the order of their times, and of two at the
// same time the one that was set first.
func TestTimersAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h timers
		all := make([]timer, 20)
		set := map[int]time.Duration{}
		turn := map[int]uint64{}
		now := time.Duration(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			i := rapid.IntRange(0, len(all)-1).Draw(t, "timer")
			switch rapid.IntRange(0, 3).Draw(t, "do") {
			case 0, 1:
				at := now + time.Duration(rapid.IntRange(0, 9).Draw(t, "after"))
				h.set(&all[i], at)
				set[i], turn[i] = at, h.turn
			case 2:
				h.stop(&all[i])
				delete(set, i)
			case 3:
				now++
				for x := h.pop(now); x != nil; x = h.pop(now) {
					want := first(set, turn)
					if x != &all[want] || set[want] > now {
						t.Fatalf("popped the wrong timer at %d", now)
					}
					delete(set, want)
				}
				if i := first(set, turn); i >= 0 && set[i] <= now {
					t.Fatalf("timer %d was due at %d and did not fire at %d", i, set[i], now)
				}
			}
			if len(h.heap) != len(set) {
				t.Fatalf("%d timers are set, want %d", len(h.heap), len(set))
			}
		}
	})
}

func first(set map[int]time.Duration, turn map[int]uint64) int {
	best := -1
	for i, at := range set {
		if best < 0 || at < set[best] || at == set[best] && turn[i] < turn[best] {
			best = i
		}
	}
	return best
}

func BenchmarkTimersSetStop(b *testing.B) {
	var h timers
	all := make([]timer, 100_000)
	for i := range all {
		h.set(&all[i], time.Duration(i*7919%32_000)*time.Millisecond)
	}
	b.ReportAllocs()
	for i := range b.N {
		x := &all[i*31%len(all)]
		h.stop(x)
		h.set(x, x.at+32*time.Second)
	}
}
