package signaling

import "time"

// A timer is one entry of a shard's timer heap, part of the record that owns
// it: setting it allocates nothing.
type timer struct {
	at    time.Duration // since the start of the process
	turn  uint64        // order in which timers of the same time were set
	pos   int           // place in the heap, from 1; 0: not set
	which uint8         // what it means to its owner
	owner firer
}

// A firer owns timers.
type firer interface {
	fire(s *Shard, which uint8)
}

// timers is a 4-ary min-heap: flatter than a binary one, so that the usual
// case, a timer that is taken out before it fires, moves little.
type timers struct {
	heap []*timer
	turn uint64
}

// next returns when the first timer is due.
func (t *timers) next() (time.Duration, bool) {
	if len(t.heap) == 0 {
		return 0, false
	}
	return t.heap[0].at, true
}

// set sets x to fire at the time at; a timer that was set is moved.
func (t *timers) set(x *timer, at time.Duration) {
	t.turn++
	x.at, x.turn = at, t.turn
	if x.pos == 0 {
		t.heap = append(t.heap, x)
		x.pos = len(t.heap)
		t.up(x)
		return
	}
	t.up(x)
	t.down(x)
}

// stop takes x out. It may not be set.
func (t *timers) stop(x *timer) {
	if x.pos == 0 {
		return
	}
	last := t.heap[len(t.heap)-1]
	t.heap[len(t.heap)-1] = nil
	t.heap = t.heap[:len(t.heap)-1]
	if last != x {
		last.pos = x.pos
		t.heap[last.pos-1] = last
		t.up(last)
		t.down(last)
	}
	x.pos = 0
}

// pop takes out the first timer if it is due at now.
func (t *timers) pop(now time.Duration) *timer {
	if len(t.heap) == 0 || t.heap[0].at > now {
		return nil
	}
	x := t.heap[0]
	t.stop(x)
	return x
}

func (t *timers) less(a, b *timer) bool {
	return a.at < b.at || a.at == b.at && a.turn < b.turn
}

func (t *timers) up(x *timer) {
	for x.pos > 1 {
		parent := t.heap[(x.pos-2)/4]
		if !t.less(x, parent) {
			return
		}
		t.swap(x, parent)
	}
}

func (t *timers) down(x *timer) {
	for {
		first := (x.pos-1)*4 + 1 // index of the first child
		if first >= len(t.heap) {
			return
		}
		least := t.heap[first]
		for _, child := range t.heap[first+1 : min(first+4, len(t.heap))] {
			if t.less(child, least) {
				least = child
			}
		}
		if !t.less(least, x) {
			return
		}
		t.swap(x, least)
	}
}

func (t *timers) swap(a, b *timer) {
	a.pos, b.pos = b.pos, a.pos
	t.heap[a.pos-1], t.heap[b.pos-1] = a, b
}
