package registrar

import (
	"strings"
	"time"

	"sbc/nat"
)

// Restore takes a record that an earlier process saved, before any other
// event. A phone on UDP is reachable at once, for as long as it was last told;
// one on a stream when it registers by a new connection. The effects say so,
// and delete what is over. The error tells of a record that cannot be read.
func (r *Registrar) Restore(now time.Time, data []byte) ([]Effect, error) {
	r.begin()
	at := r.since(now)
	rec, err := decode(data)
	if err != nil {
		return nil, err
	}
	b := new(binding)
	*b = rec.b
	b.there = at + min(time.Duration(rec.there-now.UnixMilli())*time.Millisecond, b.granted)
	b.made = at - min(max(time.Duration(now.UnixMilli()-rec.made)*time.Millisecond, 0), 100*365*24*time.Hour)
	ep, known := r.endpoints(rec.endpoints)
	if !known || b.there <= at || r.bindings[b.serial] != nil {
		return append(r.do, Effect{Do: Delete, Endpoints: ep, Serial: b.serial, AOR: rec.aor}), nil
	}
	listener, ok := r.listenerOf(rec.listener)
	b.flow.Listener = listener
	b.down = !ok || r.stream(listener) || !b.flow.Remote.IsValid()
	b.stale = b.stale || b.down
	b.refresh = min(max(b.refresh, time.Second), r.opt.Endpoints[ep].Refresh)
	b.here = min(at+b.refresh, b.there)
	b.keep.Heard(at)
	b.came, b.habit, b.probe = at, b.refresh, nat.Never
	r.insert(ep, rec.aor, b)
	r.reached(at, b)
	r.plan(at, b)
	return r.do, nil
}

// insert puts a restored binding where bind would have.
func (r *Registrar) insert(ep int, name string, b *binding) {
	key := string([]byte{byte(ep >> 8), byte(ep)}) + name
	a := r.aorOf(ep, key)
	// A copy lets go of the record that the strings were cut from.
	b.text, b.path = strings.Clone(b.text), strings.Clone(b.path)
	if b.route == r.route {
		b.route = r.route
	}
	r.route = b.route
	b.aor = a
	a.list = append(a.list, b)
	r.bindings[b.serial] = b
	r.join(b)
	b.due.Of = b
	r.due.Set(&b.due, b.here)
}

func (r *Registrar) endpoints(name string) (ep int, ok bool) {
	for i := range r.opt.Endpoints {
		if r.opt.Endpoints[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

func (r *Registrar) listenerOf(name string) (listener uint16, ok bool) {
	for i := range r.opt.Listeners {
		if r.opt.Listeners[i].Name == name && name != "" {
			return uint16(i), true
		}
	}
	return 0, false
}
