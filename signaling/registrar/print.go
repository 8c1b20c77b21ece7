package registrar

import (
	"bytes"

	"github.com/dchest/siphash"

	"sbc/signaling/sip"
)

// sum is the keyed hash of b; kind keeps hashes of one use from being taken
// for another's.
func (r *Registrar) sum(kind byte, b []byte) uint64 { return siphash.Hash(r.k0^uint64(kind), r.k1, b) }

// session is the same for what comes for one address-of-record from one
// address.
func (r *Registrar) session(q *request) uint64 {
	ip := q.flow.Remote.Addr().As16()
	r.buf = append(append(r.buf[:0], ip[:]...), q.key...)
	return r.sum('s', r.buf)
}

// source is the hash of where a REGISTER came from. Of IPv6 the network counts:
// a host has more addresses than we have memory.
func (r *Registrar) source(flow Flow) uint64 {
	a := flow.Remote.Addr().Unmap()
	ip, n := a.As16(), 16
	if a.Is6() {
		n = 8
	}
	return r.sum('i', ip[:n])
}

// identify finds the binding that c speaks of, or the serial of a new one. A
// contact is the same when its instance and reg-id are (RFC 5626 section
// 6), or its URI where it has no instance.
func (r *Registrar) identify(q *request, c *asked) {
	raw := q.m.Raw
	instance, ok := sip.Param(raw, c.params, "+sip.instance")
	if !ok || instance.Empty() {
		c.serial = r.serialOfURI(q, c)
		return
	}
	id, _ := sip.Param(raw, c.params, "reg-id")
	b := append(r.buf[:0], q.key...)
	b = append(append(b, 0, 'i'), instance.Of(raw)...)
	b = append(append(b, 0), id.Of(raw)...)
	r.buf = b
	c.serial = q.at(r.opt.Key, r.sum('t', b))
}

func (r *Registrar) serialOfURI(q *request, c *asked) uint64 {
	// A removal need not name the instance.
	if a := r.aors[string(q.key)]; a != nil {
		for _, b := range a.list {
			if b.uri() == string(q.m.Bytes(c.uri)) {
				return b.serial
			}
		}
	}
	b := append(r.buf[:0], q.key...)
	b = append(append(b, 0, 'u'), q.m.Bytes(c.uri)...)
	r.buf = b
	return q.at(r.opt.Key, r.sum('t', b))
}

// fingerprint hashes all in a REGISTER that the PBX must hear of when it
// changes: who registers whom where, the contacts with their parameters and the
// Path; and, where it has credentials, their user name and realm. What changes
// with every refresh is left out: expiries, nonce, nc, response, cnonce.
func (r *Registrar) fingerprint(q *request) (print, creds uint64) {
	m := q.m
	from := m.From()
	b := append(r.buf[:0], m.Bytes(m.CallID())...)
	b = append(append(b, 0), m.Bytes(m.RequestURI())...)
	b = append(append(b, 0), m.Bytes(from.URI)...)
	b = append(append(b, 0), q.key...)
	for i := range q.contacts {
		c := &q.contacts[i]
		b = append(append(b, 0, 'c'), m.Bytes(c.uri)...)
		b = append(b, 0)
		b = appendParams(b, m, c)
	}
	for i, fields := 0, m.Fields(); i < len(fields); i++ {
		switch f := fields[i]; f.ID {
		case sip.FieldPath:
			b = append(append(b, 0, 'p'), m.Bytes(f.Value)...)
		}
	}
	print = r.sum('f', b)
	b = b[:0]
	for i, fields := 0, m.Fields(); i < len(fields); i++ {
		switch f := fields[i]; f.ID {
		case sip.FieldAuthorization, sip.FieldProxyAuthorization:
			b = appendCredentials(append(b, 0, 'a'), m.Raw, f.Value)
		}
	}
	if r.buf = b; len(b) > 0 {
		creds = r.sum('u', b) | 1
	}
	return print, creds
}

// appendCredentials appends what of credentials stays the same.
func appendCredentials(b, raw []byte, value sip.Span) []byte {
	a, err := sip.ParseAuth(raw, value)
	if err != nil || !a.Digest(raw) {
		return append(b, value.Of(raw)...)
	}
	user, _ := a.Param(raw, "username")
	realm, _ := a.Param(raw, "realm")
	b = append(append(b, user.Of(raw)...), 0)
	return append(b, realm.Of(raw)...)
}

// appendParams appends the parameters of a Contact but its expiry, on one line.
func appendParams(dst []byte, m *sip.Message, c *asked) []byte {
	if c.expires.Empty() {
		return bytes.TrimRight(m.Unfold(dst, c.params), " \t")
	}
	dst = m.Unfold(dst, sip.Span{Start: c.params.Start, End: c.expires.Start})
	return bytes.TrimRight(m.Unfold(dst, sip.Span{Start: c.expires.End, End: c.params.End}), " \t")
}
