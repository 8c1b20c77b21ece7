package policy

import (
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"
)

// Cause: capacity. A call over a limit gets 503 with Retry-After.
func TestCalls(t *testing.T) {
	r := compiled(t, border())
	c := NewCalls(r)
	for i := range 2 {
		if _, no := c.Take(0, itsp, false); no != nil {
			t.Fatalf("call %d: %+v", i, *no)
		}
	}
	no := take(c, itsp)
	if no == nil || no.Status != 503 || no.Cause != CauseCallsLimit || no.Rule != ref(22) || no.RetryAfter <= 0 {
		t.Errorf("call over the limit: %+v", no)
	}
	if _, no := c.Take(0, pbx, false); no != nil {
		t.Errorf("another peer: %+v", *no)
	}
	if _, no := c.Take(0, pbx, false); no == nil || no.Rule != ref(40) {
		t.Errorf("a limit without a place of its own: %+v", no)
	}
	if c.InUse(itsp) != 2 || c.InUse(pbx) != 1 || c.InUse(named) != 0 {
		t.Errorf("in use: %d %d %d", c.InUse(itsp), c.InUse(pbx), c.InUse(named))
	}
	c.Give(Place{itsp, 0})
	if _, no := c.Take(0, itsp, false); no != nil {
		t.Errorf("after one ended: %+v", *no)
	}
	for range 1000 {
		if _, no := c.Take(0, named, false); no != nil {
			t.Fatalf("a peer without limit: %+v", *no)
		}
	}
}

func TestCallsInAll(t *testing.T) {
	c := NewCalls(compiled(t, border()))
	for range 3 {
		if no := c.Admit(false); no != nil {
			t.Fatalf("%+v", *no)
		}
	}
	if no := c.Admit(false); no == nil || no.Status != 503 || no.Cause != CauseCapacity || no.RetryAfter <= 0 {
		t.Errorf("call over the limit: %+v", no)
	}
	c.Done()
	if c.Total() != 2 {
		t.Errorf("total %d", c.Total())
	}
	if no := c.Admit(false); no != nil {
		t.Errorf("after one ended: %+v", *no)
	}
}

// However many shards take at once, the limit is never passed, no place is
// lost, and the end is zero.
func TestCallsAtOnce(t *testing.T) {
	const limit, shards, tries = 5, 8, 2000
	o := border()
	o.Peers[itsp].Limits.Calls = limit
	c := NewCalls(compiled(t, o))
	var in, most, taken atomic.Int64
	var wait sync.WaitGroup
	for range shards {
		wait.Go(func() {
			for range tries {
				if take(c, itsp) != nil {
					continue
				}
				taken.Add(1)
				n := in.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				if n := c.InUse(itsp); n > limit {
					t.Errorf("%d in use", n)
				}
				in.Add(-1)
				c.Give(Place{itsp, 0})
			}
		})
	}
	wait.Wait()
	if most.Load() > limit || taken.Load() == 0 || c.InUse(itsp) != 0 {
		t.Errorf("most %d of %d, taken %d, rest %d", most.Load(), limit, taken.Load(), c.InUse(itsp))
	}
}

// Two peers' counters are never in one cache line.
func TestCounterSize(t *testing.T) {
	if s := unsafe.Sizeof(counter{}); s != 64 {
		t.Errorf("a counter has %d octets", s)
	}
}

func take(c *Calls, peer int) *Refusal {
	_, no := c.Take(0, peer, false)
	return no
}
