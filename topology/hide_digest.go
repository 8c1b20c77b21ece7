package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// Digest is between the client and who challenges it (RFC 3261 section 22):
// realm, nonce and uri have to arrive as they were said. One thing of it cannot
// hold across the border.
const whyIntegrity edit.Reason = "the body changes on its way, auth-int cannot hold (RFC 3261 section 22.4)"

// challenge takes auth-int out of the qop of WWW-Authenticate and
// Proxy-Authenticate. A qop that offers nothing else goes. One field may hold
// several challenges.
func (h *hider) challenge(f sip.Field, why edit.Reason) {
	var list parts
	before := len(h.edits)
	for i := f.Value.Start; i < f.Value.End; {
		i = skip(h.raw, i, f.Value.End, true)
		end := separator(h.raw, i, f.Value.End, ',')
		p := parameter(h.raw, edit.Span{Start: i, End: end})
		goes := false
		if equalFold(p.name.Of(h.raw), []byte("qop")) {
			goes = !h.qop(p.value, why)
		}
		list.add(edit.Span{Start: p.name.Start, End: p.value.End}, goes)
		i = end + 1
	}
	if list.all() {
		h.edits = h.edits[:before]
		h.remove(f, why)
		return
	}
	for i := range list.n {
		if s, ok := list.cut(i); ok {
			h.edits = remove(h.edits, s, why)
		}
	}
}

type authParameter struct{ name, value edit.Span }

// parameter reads name=value. The first of a challenge has the scheme before
// it: what counts is the word before the "=".
func parameter(raw []byte, at edit.Span) (p authParameter) {
	for at.End > at.Start && skip(raw, at.End-1, at.End, true) == at.End {
		at.End--
	}
	n := bytes.IndexByte(at.Of(raw), '=')
	if n < 0 {
		return authParameter{edit.Span{Start: at.Start, End: at.Start}, at}
	}
	p.value = edit.Span{Start: at.Start + n + 1, End: at.End}
	p.name.End = at.Start + n
	for p.name.End > at.Start && skip(raw, p.name.End-1, p.name.End, true) == p.name.End {
		p.name.End--
	}
	p.name.Start = p.name.End
	for p.name.Start > at.Start && skip(raw, p.name.Start-1, p.name.Start, true) == p.name.Start-1 {
		p.name.Start--
	}
	return p
}

// qop takes auth-int out of a list of qualities. It reports whether others are
// left.
func (h *hider) qop(value edit.Span, why edit.Reason) bool {
	var list parts
	at := inner(h.raw, value)
	for i := at.Start; i <= at.End; {
		i = skip(h.raw, i, at.End, true)
		end := separator(h.raw, i, at.End, ',')
		one := inner(h.raw, edit.Span{Start: i, End: end})
		list.add(one, equalFold(one.Of(h.raw), []byte("auth-int")))
		i = end + 1
	}
	if list.all() {
		return false
	}
	for i := range list.n {
		if s, ok := list.cut(i); ok {
			h.edits = remove(h.edits, s, why)
		}
	}
	return true
}

// ofDigest reports whether a field belongs to digest authentication.
func ofDigest(id sip.FieldID, name string) bool {
	switch id {
	case sip.FieldWWWAuthenticate, sip.FieldProxyAuthenticate, sip.FieldAuthorization,
		sip.FieldProxyAuthorization, sip.FieldAuthenticationInfo:
		return true
	}
	return id == sip.FieldUnknown && equalFold([]byte(name), []byte("proxy-authentication-info"))
}
