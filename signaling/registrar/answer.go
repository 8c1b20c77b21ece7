package registrar

import (
	"strconv"
	"time"

	"sbc/signaling/sip"
)

// refuse answers a REGISTER that cannot be.
func (r *Registrar) refuse(no refusal, ep int) Verdict {
	switch no.status {
	case 423:
		r.out = append(r.out, "Min-Expires: "...)
		r.out = strconv.AppendInt(r.out, int64(r.opt.Endpoints[ep].MinExpires.Seconds()), 10)
		r.out = append(r.out, "\r\n"...)
	case 503:
		return r.answer(503, no.cause, 60+r.opt.Rand.IntN(60))
	}
	return Verdict{Status: no.status, Cause: no.cause, Fields: r.out}
}

// later sends a phone back for a time.
func (r *Registrar) later(cause string, wait time.Duration) Verdict {
	return r.answer(503, cause, int((wait+time.Second-1)/time.Second))
}

func (r *Registrar) answer(status int, cause string, retryAfter int) Verdict {
	r.out = appendRetryAfter(r.out, retryAfter)
	return Verdict{Status: status, Cause: cause, Fields: r.out}
}

func appendRetryAfter(dst []byte, seconds int) []byte {
	dst = append(dst, "Retry-After: "...)
	return append(strconv.AppendInt(dst, int64(max(seconds, 1)), 10), "\r\n"...)
}

// repeatFor is how long an answer of ours is given again when the phone asks
// again, because it was lost (RFC 3261 section 17.2.2, timer J).
const repeatFor = 32 * time.Second

// refresh answers an unchanged REGISTER without the PBX: the phone's bindings
// get new time here, of what the PBX gave.
func (r *Registrar) refresh(at time.Duration, now time.Time, q *request) Verdict {
	for i := range q.contacts {
		c := &q.contacts[i]
		c.b.cseq, c.b.ours = q.m.CSeq(), true
		r.grant(at, c.b, c.seconds)
		r.registered(at, c.b)
	}
	return r.repeat(at, now, q)
}

// repeat tells a phone what its refresh got when it came: asked again, the same
// again (RFC 3261 section 8.2.7).
func (r *Registrar) repeat(at time.Duration, now time.Time, q *request) Verdict {
	came, outbound := q.contacts[0].b.came, false
	now = now.Add(came - at)
	for i := range q.contacts {
		b := q.contacts[i].b
		r.out = appendContact(r.out, b, came)
		outbound = outbound || b.outbound
	}
	if q.path {
		r.out = append(r.out, q.contacts[0].b.path...)
	}
	if outbound {
		r.out = append(r.out, "Require: outbound\r\n"...)
	}
	r.out = append(r.out, "Date: "...)
	r.out = append(now.UTC().AppendFormat(r.out, "Mon, 02 Jan 2006 15:04:05 GMT"), "\r\n"...)
	return Verdict{Status: 200, Fields: r.out}
}

// grant gives a phone that asked for so many seconds new time for b: what
// phones are told less up to 10 %, so that they do not come all at once, and no
// more than the PBX has given.
func (r *Registrar) grant(at time.Duration, b *binding, asked uint32) {
	full := r.opt.Endpoints[b.aor.ep].Refresh
	b.refresh = min(full-time.Duration(r.opt.Rand.Int64N(int64(full/10)+1)), time.Duration(asked)*time.Second)
	b.here = min(at+b.refresh, b.there)
	r.sooner(b, b.here)
}

// appendContact writes what a phone is told of its binding.
func appendContact(dst []byte, b *binding, at time.Duration) []byte {
	dst = append(append(dst, "Contact: "...), b.text...)
	dst = append(dst, ";expires="...)
	return append(strconv.AppendInt(dst, int64(max((b.here-at)/time.Second, 1)), 10), "\r\n"...)
}

// relay lets q go to the PBX, and writes the lines of it that are ours.
func (r *Registrar) relay(at time.Duration, q *request) Verdict {
	p := r.await(at, q)
	e := &r.opt.Endpoints[q.ep]
	if q.star {
		r.out = append(r.out, "Contact: *\r\nExpires: 0\r\n"...)
		return Verdict{Key: p.key, Fields: r.out}
	}
	most, has := expiresOf(q.m)
	if has && most > 0 {
		most = max(most, uint32(e.Expires.Seconds()))
	}
	for i := range q.contacts {
		c := &q.contacts[i]
		there := c.seconds
		if there > 0 {
			there = max(there, uint32(e.Expires.Seconds()))
			most, has = max(most, there), true
		}
		p.want[i].there = there
		r.out = append(r.out, "Contact: <sip:"...)
		r.out = r.opt.Token(r.out, c.serial)
		r.out = append(append(append(r.out, '@'), e.Contact...), '>')
		r.out = appendParams(r.out, q.m, c)
		r.out = append(r.out, ";expires="...)
		r.out = append(strconv.AppendInt(r.out, int64(there), 10), "\r\n"...)
	}
	if has {
		r.out = append(r.out, "Expires: "...)
		r.out = append(strconv.AppendInt(r.out, int64(most), 10), "\r\n"...)
	}
	return Verdict{Key: p.key, Fields: r.out}
}

// pathOf returns the Path fields of m as lines, without folds. They stay here:
// the PBX reaches the phone only through us, and we by them.
func pathOf(m *sip.Message) string { return linesOf(m, sip.FieldPath, pathBytesMax) }

// linesOf returns the fields of m with an ID as complete lines; "" if there are
// none, or more than max octets.
func linesOf(m *sip.Message, id sip.FieldID, most int) string {
	var b []byte
	for i, fields := 0, m.Fields(); i < len(fields); i++ {
		if fields[i].ID == id {
			b = append(append(b, id.String()...), ": "...)
			b = append(m.Unfold(b, fields[i].Value), "\r\n"...)
		}
	}
	if len(b) > most {
		return ""
	}
	return string(b)
}
