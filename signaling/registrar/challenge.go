package registrar

import (
	"bytes"
	"time"

	"sbc/signaling/sip"
)

// The PBX takes credentials once (RFC 7616 section 3.4, nc), but those of a
// refresh that is answered here it never sees. Who reads them on the wire could
// register the phone elsewhere with them. So credentials go to the PBX only from
// where it is known that the phone is, and from where its challenge went: others
// are left out, and the PBX asks anew.

// Ours: how long a challenge may be answered. A phone does it at once, or when a
// person has typed the password.
const nonceFor = 5 * time.Minute

// challenge notes the challenges in m, a response that goes by a flow.
func (r *Registrar) challenge(at time.Duration, flow Flow, m *sip.Message) {
	for i, fields := 0, m.Fields(); i < len(fields); i++ {
		switch f := fields[i]; f.ID {
		case sip.FieldWWWAuthenticate, sip.FieldProxyAuthenticate:
			r.nonces.put(r.nonce(flow, m.Raw, f.Value), at).at = at + nonceFor
		}
	}
}

// challengedHere reports whether all credentials in q are for challenges that
// went by its flow, or there are none.
func (r *Registrar) challengedHere(at time.Duration, q *request) bool {
	for i, fields := 0, q.m.Fields(); i < len(fields); i++ {
		switch f := fields[i]; f.ID {
		case sip.FieldAuthorization, sip.FieldProxyAuthorization:
			if s := r.nonces.find(r.nonce(q.flow, q.m.Raw, f.Value)); s == nil || s.at <= at {
				return false
			}
		}
	}
	return true
}

// nonce is the hash of a challenge, or of the credentials for it, with where it
// went. On a stream that is the address: some phones open a connection for each
// request.
func (r *Registrar) nonce(flow Flow, raw []byte, value sip.Span) uint64 {
	remote := flow.Remote
	ip, port := remote.Addr().As16(), remote.Port()
	if r.stream(flow.Listener) {
		port = 0
	}
	b := append(r.buf[:0], ip[:]...)
	b = append(b, byte(flow.Listener>>8), byte(flow.Listener), byte(port>>8), byte(port))
	if a, err := sip.ParseAuth(raw, value); err == nil {
		n, _ := a.Param(raw, "nonce")
		b = append(b, bytes.Trim(n.Of(raw), `"`)...)
	}
	r.buf = b
	return r.sum('n', b)
}
