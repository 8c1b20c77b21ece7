package registrar

import (
	"time"

	"sbc/signaling/sip"
)

// Bind answers a REGISTER for endpoints whose bindings are kept here alone: its
// sender has proved to be the user of the address-of-record in To. As with
// Register, retransmissions must not come here; there is always an answer, which
// lists all bindings of the address-of-record (RFC 3261 section 10.3 step 8).
func (r *Registrar) Bind(now time.Time, ep int, flow Flow, m *sip.Message) Verdict {
	r.begin()
	at := r.since(now)
	q := &r.q
	v := r.bindHere(at, now, q, ep, flow, m)
	v.Effects = r.do
	q.m, q.aor = nil, nil
	return v
}

// Admit tells whether a REGISTER may be looked at that came by a flow; if not, when
// it may come again, as complete lines. Register does this itself.
func (r *Registrar) Admit(now time.Time, flow Flow) (ok bool, fields []byte) {
	r.begin()
	ok, wait := r.sources.pass(r.source(flow), r.since(now))
	if !ok {
		r.out = appendRetryAfter(r.out, int((wait+time.Second-1)/time.Second))
	}
	return ok, r.out
}

func (r *Registrar) bindHere(at time.Duration, now time.Time, q *request, ep int, flow Flow, m *sip.Message) Verdict {
	if no := r.read(q, ep, flow, m); no.yes() {
		return r.refuse(no, ep)
	}
	r.match(q)
	// Who has proved itself may have another contact in the place of its oldest.
	if no := r.check(at, q); no.yes() && no.cause != "binding_limit" {
		return r.refuse(no, ep)
	}
	p := r.await(at, q)
	r.take(p.key)
	if p.star {
		for a := r.aors[p.aor]; a != nil && len(a.list) > 0; {
			r.forget(a.list[0])
		}
	}
	for i := range p.want {
		r.grantHere(at, p, &p.want[i])
	}
	if a := r.aors[p.aor]; a != nil {
		for _, b := range a.list {
			r.out = appendContact(r.out, b, at)
		}
	}
	r.out = append(r.out, p.path...)
	if q.outbound() {
		r.out = append(r.out, "Require: outbound\r\n"...) // RFC 5626 section 6
	}
	r.out = append(r.out, "Date: "...)
	r.out = append(now.UTC().AppendFormat(r.out, "Mon, 02 Jan 2006 15:04:05 GMT"), "\r\n"...)
	return Verdict{Status: 200, Fields: r.out}
}

// grantHere does what a REGISTER wants of one contact. Nobody else gives a binding
// time: it ends when its phone's time is over.
func (r *Registrar) grantHere(at time.Duration, p *pending, w *want) {
	b := r.bindings[w.serial]
	switch {
	case w.seconds == 0:
		if b != nil {
			r.forget(b)
		}
		return
	case b == nil:
		b = r.bind(at, p, w)
	case b.text != w.text:
		r.lost(b) // who looks for it finds the other contact
	}
	r.update(at, b, p, w, expiresMax)
	b.text = w.text
	b.granted = b.here - at
	b.there = b.here
	r.sooner(b, b.there)
	r.registered(at, b)
	r.save(b)
}

// outbound reports whether q asks for the procedures of RFC 5626, which are those
// by which every binding is reached here: a contact has a reg-id.
func (q *request) outbound() bool {
	f, ok := q.m.First(sip.FieldSupported)
	if !ok || !sip.HasToken(q.m.Raw, f.Value, "outbound") {
		return false
	}
	for i := range q.contacts {
		if _, has := sip.Param(q.m.Raw, q.contacts[i].params, "reg-id"); has {
			return true
		}
	}
	return false
}
