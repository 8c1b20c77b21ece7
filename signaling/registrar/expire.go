package registrar

import "time"

// Next returns when Advance has something to do; ok is false if never.
func (r *Registrar) Next() (at time.Time, ok bool) {
	due, ok := r.due.Next()
	if r.oldest != nil && (!ok || r.oldest.until < due) {
		due, ok = r.oldest.until, true
	}
	return r.epoch.Add(due), ok
}

// Advance does what is due.
func (r *Registrar) Advance(now time.Time) []Effect {
	r.begin()
	at := r.since(now)
	for r.oldest != nil && r.oldest.until <= at {
		r.unheard(r.take(r.oldest.key))
	}
	for t := r.due.Due(at); t != nil; t = r.due.Due(at) {
		b := t.Of
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
		r.due.Set(t, r.nextOf(at, b))
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
	if at < b.due.At() {
		r.due.Set(&b.due, at)
	}
}
