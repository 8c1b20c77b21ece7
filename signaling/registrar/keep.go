package registrar

import (
	"time"

	"sbc/nat"
)

// mayKeep tells whether OPTIONS are sent for b: on UDP, to a phone that is
// there, and for one binding of a flow only.
func (r *Registrar) mayKeep(at time.Duration, b *binding) bool {
	return b.prev == nil && !b.down && at < b.here && !r.stream(b.flow.Listener) && !r.opt.Endpoints[b.aor.ep].Silent
}

// plan asks the plan of b what to do, and does it.
func (r *Registrar) plan(at time.Duration, b *binding) {
	b.probe = nat.Never
	if !r.mayKeep(at, b) {
		return
	}
	send, next := b.keep.Next(at, b.calls > 0, b.came+b.habit)
	b.probe = max(next, at+1)
	if send {
		r.emit(KeepAlive, b)
	}
	r.sooner(b, b.probe)
}

// registered notes a registration of b's phone by its flow.
func (r *Registrar) registered(at time.Duration, b *binding) {
	// A phone comes again when it is used to, which may be long before it must.
	b.habit = b.refresh
	if last := at - b.came; b.came > 0 && last < b.refresh {
		b.habit = last
	}
	b.came = at
	b.keep.Heard(at)
	r.reached(at, b)
	r.plan(at, b)
}

// Heard tells that anything came by a flow.
func (r *Registrar) Heard(now time.Time, flow Flow) []Effect {
	b := r.flows[flow]
	if b == nil {
		return nil
	}
	r.begin()
	for at := r.since(now); b != nil; b = b.next {
		b.keep.Heard(at)
		r.reached(at, b)
	}
	return r.do
}

// KeptAlive tells that the phone answered the OPTIONS of an effect KeepAlive,
// with whatever status.
func (r *Registrar) KeptAlive(now time.Time, serial uint64) []Effect {
	r.begin()
	b := r.bindings[serial]
	if b == nil || b.down {
		return nil
	}
	at := r.since(now)
	b.keep.Answered(at)
	for o := b; o != nil; o = o.next {
		r.reached(at, o)
	}
	r.plan(at, b)
	return r.do
}

// InCall tells that a call by a flow has begun, or ended: while one is up, no
// longer interval is tried.
func (r *Registrar) InCall(now time.Time, flow Flow, up bool) []Effect {
	r.begin()
	at := r.since(now)
	for b := r.flows[flow]; b != nil; b = b.next {
		switch {
		case up:
			b.calls++
		case b.calls > 0:
			b.calls--
		}
		r.plan(at, b)
	}
	return r.do
}

// interval returns the learned interval of keep-alives, 0 where
// none is.
func (r *Registrar) interval(at time.Duration, b *binding) time.Duration {
	if !r.mayKeep(at, b) || !b.keep.Learning() {
		return 0
	}
	return b.keep.Interval()
}
