package turn

import (
	"encoding/binary"
	"net/netip"
	"time"

	"sbc/nat"
)

// A request is one whose sender has proved who it is.
type request struct {
	m   nat.STUN
	who identity
	a   *allocation // of the client; nil: none
}

// authenticate finds out who sent a request (RFC 8489 section 9.2.4): nil and
// what it gets instead if nobody we know.
func (f *front) authenticate(now time.Time, m nat.STUN, from netip.AddrPort) (*request, verdict) {
	signed, ok := signedBy(m)
	if !ok {
		return nil, f.challenge(now, m, from, unauthorized)
	}
	user, hasUser := m.Find(nat.AttrUsername)
	_, hasRealm := m.Find(nat.AttrRealm)
	nonce, hasNonce := m.Find(nat.AttrNonce)
	switch {
	case !hasUser || !hasRealm || !hasNonce || len(user) > usernameMax:
		return nil, f.bare(now, m, from, badRequest, Refused)
	case !f.nonces.good(nonce, now, from):
		return nil, f.challenge(now, m, from, staleNonce)
	}
	who, ok := f.users.verify(now, string(user), signed)
	if !ok {
		return nil, f.challenge(now, m, from, unauthorized)
	}
	q := &request{m: m, who: who, a: f.find(from)}
	if q.a != nil && q.a.who.user != who.user {
		// RFC 8656 section 5: all requests are by who made the allocation.
		return nil, q.refuse(wrongCredentials, Unauthorized)
	}
	return q, verdict{}
}

// challenge answers with a nonce, as long as there are not too many to answer
// and the answer is not too long for what asked for it.
func (f *front) challenge(now time.Time, m nat.STUN, from netip.AddrPort, s status) verdict {
	if !f.limiter.allow(now, from.Addr()) {
		return drop(Limited)
	}
	b := beginAnswer(nil, m, s)
	b = appendAttr(b, nat.AttrNonce, f.nonces.append(nil, now, from))
	b = appendAttr(b, nat.AttrRealm, []byte(f.o.Realm))
	setLength(b, 0)
	if len(b) > amplification*len(m) {
		return drop(Unauthorized)
	}
	return verdict{answer: b, refused: true, cause: Unauthorized}
}

// Ours: octets that a request with a forged source can make us send to that
// source, for each of its own.
const amplification = 5

// bare answers somebody unknown without a nonce.
func (f *front) bare(now time.Time, m nat.STUN, from netip.AddrPort, s status, why Cause) verdict {
	if !f.limiter.allow(now, from.Addr()) {
		return drop(Limited)
	}
	b := beginAnswer(nil, m, s)
	setLength(b, 0)
	return verdict{answer: b, refused: true, cause: why}
}

// refuse answers somebody known, with integrity (RFC 8489 section 9.2.4).
func (q *request) refuse(s status, why Cause) verdict {
	b := beginAnswer(nil, q.m, s)
	if s == unknownAttribute {
		var list []byte
		for a := range q.m.Attributes {
			if isStrange(a) {
				list = binary.BigEndian.AppendUint16(list, uint16(a))
			}
		}
		b = appendAttr(b, nat.AttrUnknownAttributes, list)
	}
	return verdict{answer: sign(b, q.who.key), refused: true, cause: why}
}
