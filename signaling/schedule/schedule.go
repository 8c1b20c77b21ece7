// Package schedule keeps timers in the order in which they are due.
package schedule

import (
	"iter"
	"time"
)

// A Timer is part of the record that it belongs to: setting it allocates
// nothing. The zero Timer is not set.
type Timer[T any] struct {
	Of   T // what it is for
	at   time.Duration
	turn uint32 // order in which timers of the same time were set
	pos  int32  // place in the heap, from 1; 0: not set
}

// IsSet reports whether t is set.
func (t *Timer[T]) IsSet() bool { return t.pos > 0 }

// At returns when t is due, if it is set: a time since whatever the owner of
// its queue counts from.
func (t *Timer[T]) At() time.Duration { return t.at }

// A Queue holds the timers that are set. It belongs to one goroutine. The zero
// Queue is empty.
//
// It is a 4-ary min-heap: flatter than a binary one, so that the usual case, a
// timer that is taken out before it is due, moves little. The times lie in the
// heap itself, those of the four below one place within 64 octets: to compare
// them the timers, which are anywhere, are not touched.
type Queue[T any] struct {
	heap []entry[T]
	turn uint32
}

type entry[T any] struct {
	at    time.Duration
	timer *Timer[T]
}

// Len returns how many timers are set.
func (q *Queue[T]) Len() int { return len(q.heap) }

// Next returns when the first timer is due; ok is false if none is set.
func (q *Queue[T]) Next() (at time.Duration, ok bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].at, true
}

// All gives the timers that are set, in no order.
func (q *Queue[T]) All() iter.Seq[*Timer[T]] {
	return func(yield func(*Timer[T]) bool) {
		for i := range q.heap {
			if !yield(q.heap[i].timer) {
				return
			}
		}
	}
}

// Set sets t to be due at a time; a timer that was set is moved.
func (q *Queue[T]) Set(t *Timer[T], at time.Duration) {
	q.turn++
	before := t.at
	t.at, t.turn = at, q.turn
	switch e := (entry[T]{at, t}); {
	case t.pos == 0:
		q.heap = append(q.heap, e)
		q.up(len(q.heap)-1, e)
	case at < before:
		q.up(int(t.pos-1), e)
	default:
		q.down(int(t.pos-1), e)
	}
}

// Stop takes t out. It may not be set.
func (q *Queue[T]) Stop(t *Timer[T]) {
	if t.pos == 0 {
		return
	}
	i, last := int(t.pos-1), len(q.heap)-1
	e := q.heap[last]
	q.heap[last] = entry[T]{}
	q.heap = q.heap[:last]
	t.pos = 0
	switch {
	case i == last:
	case i > 0 && less(e, q.heap[(i-1)/4]):
		q.up(i, e)
	default:
		q.down(i, e)
	}
}

// Due returns the first timer if it is due at now, and leaves it set; nil: none
// is.
func (q *Queue[T]) Due(now time.Duration) *Timer[T] {
	if len(q.heap) == 0 || q.heap[0].at > now {
		return nil
	}
	return q.heap[0].timer
}

// Pop takes out the first timer if it is due at now; nil: none is.
func (q *Queue[T]) Pop(now time.Duration) *Timer[T] {
	t := q.Due(now)
	if t != nil {
		q.Stop(t)
	}
	return t
}

func less[T any](a, b entry[T]) bool {
	return a.at < b.at || a.at == b.at && int32(a.timer.turn-b.timer.turn) < 0
}

// up puts e into place i or, before those that are due later, nearer to the top.
func (q *Queue[T]) up(i int, e entry[T]) {
	for i > 0 && less(e, q.heap[(i-1)/4]) {
		q.put(i, q.heap[(i-1)/4])
		i = (i - 1) / 4
	}
	q.put(i, e)
}

// down puts e into place i or, behind those that are due sooner, further down.
func (q *Queue[T]) down(i int, e entry[T]) {
	for {
		first := 4*i + 1
		if first >= len(q.heap) {
			break
		}
		least := first
		for child := first + 1; child < min(first+4, len(q.heap)); child++ {
			if less(q.heap[child], q.heap[least]) {
				least = child
			}
		}
		if !less(q.heap[least], e) {
			break
		}
		q.put(i, q.heap[least])
		i = least
	}
	q.put(i, e)
}

func (q *Queue[T]) put(i int, e entry[T]) {
	q.heap[i] = e
	e.timer.pos = int32(i + 1)
}
