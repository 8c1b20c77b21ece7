package registrar

import (
	"time"

	"sbc/nat"
)

// A pending is a REGISTER that the PBX has not answered yet. It keeps what the
// request said: its message is gone.
type pending struct {
	key     uint64
	ep      int
	aor     string // see aor.key
	hash    uint64 // of aor
	session uint64
	flow    Flow
	callID  uint64
	print   uint64
	creds   uint64
	cseq    uint32
	want    []want
	path    string
	kind    nat.Kind
	star    bool
	near    bool // see request.near
	again   bool // it answers a challenge
	answers bool // its credentials are for a challenge that went by its flow
	until   time.Duration

	next         *pending // for the same address-of-record
	older, newer *pending
}

// A want is one Contact of it.
type want struct {
	serial   uint64
	text     string // see binding.text
	uriBytes uint16
	seconds  uint32 // that the phone asked for; 0: the binding is to go
	there    uint32 // that we asked for
}

// crosses tells whether q has to wait for another REGISTER.
func (r *Registrar) crosses(q *request) bool {
	strangers := 0
	for p := r.waiting[q.hash]; p != nil; p = p.next {
		if p.aor != string(q.key) {
			continue
		}
		if p.callID == q.callID && p.flow == q.flow {
			return true
		}
		// What a stranger wants does not stop who is known.
		if (p.star || q.star) && (p.near || !q.near) {
			return true
		}
		if !p.near {
			strangers++
		}
	}
	return !q.near && strangers >= strangersMax
}

// await keeps what Answered needs of q.
func (r *Registrar) await(at time.Duration, q *request) *pending {
	r.serial++
	p := &pending{
		key: r.serial, ep: q.ep, hash: q.hash, session: q.session, flow: q.flow, callID: q.callID, print: q.print, creds: q.creds,
		cseq: q.m.CSeq(), star: q.star, near: q.near, again: q.answersChallenge, until: at + underwayFor,
	}
	if p.aor = r.nameOf(q); len(q.contacts) > 0 {
		p.want = make([]want, len(q.contacts))
	}
	for i := range q.contacts {
		c := &q.contacts[i]
		p.want[i] = want{serial: c.serial, seconds: c.seconds, uriBytes: uint16(c.uri.Len())}
		if b := append(append(r.buf[:0], '<'), q.m.Bytes(c.uri)...); c.seconds > 0 {
			b = appendParams(append(b, '>'), q.m, c)
			p.want[i].text, r.buf = string(b), b
		}
	}
	if q.path {
		p.path = pathOf(q.m)
	}
	far := nat.Look(q.m, nil, q.flow.Remote, r.stream(q.flow.Listener))
	p.kind = far.Kind()
	r.underway[p.key] = p
	p.next, r.waiting[p.hash] = r.waiting[p.hash], p
	if p.older = r.newest; p.older != nil {
		p.older.newer = p
	} else {
		r.oldest = p
	}
	r.newest = p
	return p
}

func (r *Registrar) nameOf(q *request) string {
	if q.aor != nil {
		return q.aor.key
	}
	return string(q.key)
}

// take removes what waits under key; nil if nothing does.
func (r *Registrar) take(key uint64) *pending {
	p := r.underway[key]
	if p == nil {
		return nil
	}
	delete(r.underway, key)
	at := r.waiting[p.hash]
	if at == p {
		if r.waiting[p.hash] = p.next; p.next == nil {
			delete(r.waiting, p.hash)
		}
	} else {
		for at.next != p {
			at = at.next
		}
		at.next = p.next
	}
	if p.older != nil {
		p.older.newer = p.newer
	} else {
		r.oldest = p.newer
	}
	if p.newer != nil {
		p.newer.older = p.older
	} else {
		r.newest = p.older
	}
	return p
}
