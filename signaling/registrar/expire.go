package registrar

import "time"

// Next returns when Advance has something to do; ok is false if never.
func (r *Registrar) Next() (at time.Time, ok bool) {
	switch {
	case len(r.heap) > 0 && (r.oldest == nil || r.heap[0].due <= r.oldest.until):
		return r.epoch.Add(r.heap[0].due), true
	case r.oldest != nil:
		return r.epoch.Add(r.oldest.until), true
	}
	return time.Time{}, false
}

// Advance does what is due.
func (r *Registrar) Advance(now time.Time) []Effect {
	r.begin()
	at := r.since(now)
	for r.oldest != nil && r.oldest.until <= at {
		r.unheard(r.take(r.oldest.key))
	}
	for len(r.heap) > 0 && r.heap[0].due <= at {
		b := r.heap[0]
		if at >= b.there {
			r.forget(b)
			continue
		}
		if at >= b.here {
			r.lost(b)
		}
		if at >= b.probe {
			r.plan(at, b)
		}
		b.due = r.nextOf(at, b)
		r.down(0)
	}
	return r.do
}

// nextOf returns when something is to be done about b.
func (r *Registrar) nextOf(at time.Duration, b *binding) time.Duration {
	due := b.there
	if b.here > at {
		due = min(due, b.here)
	}
	return max(min(due, b.probe), at+1)
}

// sooner sees to it that b is looked at no later than at a time. A later time
// than before needs nothing: who looks too early looks again.
func (r *Registrar) sooner(b *binding, at time.Duration) {
	if at < b.due {
		b.due = at
		r.up(int(b.heapAt))
	}
}

// push adds b to the heap.
func (r *Registrar) push(b *binding, due time.Duration) {
	b.due, b.heapAt = due, int32(len(r.heap))
	r.heap = append(r.heap, b)
	r.up(len(r.heap) - 1)
}

// remove takes b out of the heap.
func (r *Registrar) remove(b *binding) {
	i, last := int(b.heapAt), len(r.heap)-1
	r.swap(i, last)
	r.heap[last] = nil
	r.heap = r.heap[:last]
	b.heapAt = -1
	if i < last {
		r.down(i)
		r.up(i)
	}
}

func (r *Registrar) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if r.heap[parent].due <= r.heap[i].due {
			return
		}
		r.swap(i, parent)
		i = parent
	}
}

func (r *Registrar) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(r.heap) {
			return
		}
		if child+1 < len(r.heap) && r.heap[child+1].due < r.heap[child].due {
			child++
		}
		if r.heap[i].due <= r.heap[child].due {
			return
		}
		r.swap(i, child)
		i = child
	}
}

func (r *Registrar) swap(i, j int) {
	h := r.heap
	h[i], h[j] = h[j], h[i]
	h[i].heapAt, h[j].heapAt = int32(i), int32(j)
}
