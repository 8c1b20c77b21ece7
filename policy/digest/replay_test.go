package digest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A model of the slots: what is known of each nonce without a bound.
type modelNonce struct {
	client
	*modelUse
}

// A modelUse is how a nonce was used. Two nonces of one slot, generation and
// tag share it.
type modelUse struct {
	ticket
	owners  int // of its slot, when it was made
	used    map[uint32]bool
	highest uint32
}

type modelSlot struct {
	owner  *modelUse
	owners int
}

// use says what a nonce that is used with a count deserves.
func (s *modelSlot) use(n *modelUse, count uint32) Verdict {
	switch {
	case s.owner == n && (n.used[count] || count+windowBits < n.highest):
		return Replayed
	case s.owner != n && s.owners != n.owners:
		return Stale
	case s.owner != n:
		s.owner, s.owners = n, s.owners+1
	}
	n.used[count], n.highest = true, max(n.highest, count)
	return OK
}

// Whatever is made, used, used again and mistyped on several shards, over
// reloads, no nonce is accepted twice with one count; and as long as it is not
// evicted, no count is refused that is new and not far behind.
func TestReplayModel(t *testing.T) {
	rnd := testRand()
	rapid.Check(t, func(t *rapid.T) {
		n := newNonces(testKey, 1<<rapid.IntRange(0, 3).Draw(t, "slots"))
		shards := []*Realm{voice(t, n), voice(t, n), voice(t, n)}
		model := make([]modelSlot, len(n.slots))
		var nonces []modelNonce
		t.Repeat(map[string]func(*rapid.T){
			"challenge": func(t *rapid.T) {
				r := rapid.SampledFrom(shards).Draw(t, "shard")
				m := modelNonce{alice(r.nonce(0, rnd, here)), &modelUse{used: map[uint32]bool{}}}
				m.algorithm = MD5
				m.ticket, _ = n.read([]byte(m.nonce), here)
				m.owners = model[m.slot].owners
				for _, o := range nonces {
					if o.ticket == m.ticket {
						m.modelUse = o.modelUse
					}
				}
				nonces = append(nonces, m)
			},
			"use": func(t *rapid.T) {
				if len(nonces) == 0 {
					t.Skip("nothing to use")
				}
				m := nonces[max(0, len(nonces)-1-rapid.IntRange(0, 10).Draw(t, "back"))]
				m.nc = uint32(max(0, int(m.highest)+rapid.IntRange(-12, 12).Draw(t, "count")))
				q := Query{Msg: message(t, "REGISTER", "", m.line()), Source: here}
				got := rapid.SampledFrom(shards).Draw(t, "shard").Check(0, q).Verdict
				if want := model[m.slot].use(m.modelUse, m.nc); got != want {
					t.Fatalf("nonce %+v with %d: %v, want %v", m.ticket, m.nc, got, want)
				}
			},
			"mistype": func(t *rapid.T) {
				if len(nonces) == 0 {
					t.Skip("nothing to use")
				}
				c := rapid.SampledFrom(nonces).Draw(t, "nonce").client
				c.password, c.nc = "x", 1000
				if got := shards[0].Check(0, Query{Msg: message(t, "REGISTER", "", c.line()), Source: here}); got.Verdict != Wrong {
					t.Fatalf("%+v", got)
				}
			},
			"reload": func(t *rapid.T) {
				shards[rapid.IntRange(0, len(shards)-1).Draw(t, "shard")] = voice(t, n)
			},
		})
	})
}

// The window, count by count.
func TestWindow(t *testing.T) {
	tests := []struct {
		name   string
		counts []uint32
		last   Verdict
	}{
		{"in order", []uint32{1, 2, 3}, OK},
		{"the same", []uint32{1, 1}, Replayed},
		{"overtaken", []uint32{1, 3, 2}, OK},
		{"overtaken, twice", []uint32{1, 3, 2, 2}, Replayed},
		{"what began before the first that came", []uint32{5, 4}, OK},
		{"eight behind", []uint32{1, 10, 2}, OK},
		{"eight behind, known", []uint32{2, 10, 2}, Replayed},
		{"nine behind", []uint32{1, 11, 2}, Replayed},
		{"a leap of the window", []uint32{1, 9, 1}, Replayed},
		{"a leap over the window", []uint32{1, 100, 99}, OK},
		{"none at all", []uint32{0, 0}, Replayed},
		{"none after one", []uint32{1, 0}, OK},
		{"the highest", []uint32{1, countMax}, OK},
		{"the highest again", []uint32{countMax, countMax}, Replayed},
		{"over the highest", []uint32{countMax, countMax + 1}, Stale},
		{"32 bits", []uint32{1, 1<<32 - 1}, Stale},
	}
	for _, test := range tests {
		s := make(slots, 1)
		tk, got := ticket{gen: s.next(0), tag: 7}, OK
		for _, c := range test.counts {
			got = s.use(&tk, c)
		}
		if got != test.last {
			t.Errorf("%s: %v, want %v", test.name, got, test.last)
		}
	}
}

// Two nonces for one slot that were made before either was used: the first
// that is used has it, however often, and the other is stale.
func TestTwoForOneSlot(t *testing.T) {
	s := make(slots, 1)
	a, b := ticket{gen: s.next(0), tag: 1}, ticket{gen: s.next(0), tag: 2}
	for i, test := range []struct {
		t     *ticket
		count uint32
		want  Verdict
	}{{&a, 1, OK}, {&b, 1, Stale}, {&a, 2, OK}, {&b, 2, Stale}, {&a, 2, Replayed}} {
		if got := s.use(test.t, test.count); got != test.want {
			t.Errorf("%d: %v, want %v", i, got, test.want)
		}
	}
	c := ticket{gen: s.next(0), tag: 3}
	if s.use(&c, 1) != OK || s.use(&a, 3) != Stale || s.use(&b, 1) != Stale {
		t.Error("after a third, the first two are not both stale")
	}
}

// When the generations begin again, new nonces are accepted as ever, and who
// was evicted does not come back while its nonce lives.
func TestGenerationsWrap(t *testing.T) {
	n := newNonces(testKey, 1)
	r, rnd := voice(t, n), testRand()
	first := alice(r.nonce(0, rnd, here))
	q := Query{Msg: message(t, "REGISTER", "", first.line()), Source: here}
	if v := r.Check(0, q).Verdict; v != OK {
		t.Fatal(v)
	}
	const owners = 1<<16 + 100
	for i := range owners {
		now := time.Duration(i) * 2 * r.age / owners
		tk, ok := n.read([]byte(r.nonce(now, rnd, here)), here)
		if v := n.slots.use(&tk, 1); !ok || v != OK {
			t.Fatalf("owner %d: %v", i, v)
		}
		if i < 100 || i > owners-200 {
			if v := r.Check(now, q).Verdict; v != Stale {
				t.Fatalf("after %d owners: %v", i+1, v)
			}
		}
	}
}

// However many shards see the same credentials at once, they are accepted once.
func TestReplayAtOnce(t *testing.T) {
	const shards, counts = 8, 3000
	n := newNonces(testKey, 1)
	tk := ticket{gen: n.slots.next(0), tag: 7}
	var accepted [counts]atomic.Int32
	var wait sync.WaitGroup
	for range shards {
		wait.Go(func() {
			for c := range accepted {
				if n.slots.use(&tk, uint32(c)) == OK {
					accepted[c].Add(1)
				}
			}
		})
	}
	wait.Wait()
	for c := range accepted {
		if k := accepted[c].Load(); k != 1 {
			t.Fatalf("count %d was accepted %d times", c, k)
		}
	}
}

// Of nonces that wait for the same slot one gets it.
func TestSlotAtOnce(t *testing.T) {
	const shards, rounds = 8, 1000
	s := make(slots, 1)
	for round := range rounds {
		gen := s.next(0)
		var accepted atomic.Int32
		var wait sync.WaitGroup
		for tag := range shards {
			wait.Go(func() {
				if s.use(&ticket{gen: gen, tag: uint16(tag)}, 1) == OK {
					accepted.Add(1)
				}
			})
		}
		wait.Wait()
		if accepted.Load() != 1 {
			t.Fatalf("round %d: %d", round, accepted.Load())
		}
	}
}
