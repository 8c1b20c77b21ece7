package registrar

import (
	"time"

	"sbc/nat"
)

// join adds b to those that its flow reaches.
func (r *Registrar) join(b *binding) {
	first := r.flows[b.flow]
	if b.prev, b.next = nil, first; first != nil {
		first.prev = b
	}
	r.flows[b.flow] = b
}

// leave takes b from those that its flow reaches.
func (r *Registrar) leave(b *binding) {
	switch {
	case b.prev != nil:
		b.prev.next = b.next
	case b.next != nil:
		r.flows[b.flow] = b.next
	case r.flows[b.flow] == b:
		delete(r.flows, b.flow)
	}
	if b.next != nil {
		b.next.prev = b.prev
	}
	b.prev, b.next = nil, nil
}

// move lets b be reached by another flow.
func (r *Registrar) move(b *binding, to Flow) {
	r.lost(b)
	r.leave(b)
	old := b.flow
	b.flow = to
	r.join(b)
	r.emit(Moved, b).Old = old
	b.keep = nat.Keepalive{}
}

// reached says that the phone of b is behind its flow, if it is and that has
// not been said.
func (r *Registrar) reached(at time.Duration, b *binding) {
	if !b.up && b.state(at) == Reachable {
		b.up = true
		r.emit(Reach, b)
	}
}

// lost says that the phone of b is not behind its flow any more.
func (r *Registrar) lost(b *binding) {
	if b.up {
		b.up = false
		r.emit(Unreach, b)
	}
}

// Broke tells that the connection of a flow is gone. What was reached by it
// answers 480 until its phone registers anew.
func (r *Registrar) Broke(flow Flow) []Effect {
	r.begin()
	for b := r.flows[flow]; b != nil; b = b.next {
		b.down = true
		r.lost(b)
	}
	return r.do
}

// Lookup finds the binding of the serial in a token.
func (r *Registrar) Lookup(now time.Time, serial uint64) (Binding, State) {
	b := r.bindings[serial]
	if b == nil {
		return Binding{}, Unknown
	}
	at := r.since(now)
	s := b.state(at)
	if s == Unknown {
		return Binding{}, Unknown
	}
	return r.export(at, b), s
}

// forget ends a binding.
func (r *Registrar) forget(b *binding) {
	r.lost(b)
	r.emit(Delete, b)
	r.leave(b)
	r.due.Stop(&b.due)
	delete(r.bindings, b.serial)
	a := b.aor
	for i := range a.list {
		if a.list[i] == b {
			a.list = append(a.list[:i], a.list[i+1:]...)
			break
		}
	}
	if len(a.list) == 0 {
		delete(r.aors, a.key)
		r.count[a.ep]--
	}
}
