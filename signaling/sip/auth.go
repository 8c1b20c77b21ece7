package sip

import (
	"bytes"
	"slices"
)

// An Auth is the value of Authorization, Proxy-Authorization,
// WWW-Authenticate or Proxy-Authenticate (RFC 3261 section 20.7).
type Auth struct {
	Scheme Span
	Params Span // what follows the scheme
}

// ParseAuth decodes the value in s. Parameters of the Digest scheme are
// judged: each is name=value and stands there once. Those of other schemes may
// be anything. The error is an *Error of the cause "auth_syntax".
func ParseAuth(raw []byte, s Span) (a Auth, err error) {
	var e Error
	s = trim(raw, s)
	i := run(raw, s.Start, s.End, isToken)
	a.Scheme = Span{Start: s.Start, End: i}
	a.Params = Span{Start: skipLWS(raw, i, s.End), End: s.End}
	if i == s.Start || a.Params.Start == i || a.Params.Empty() {
		e.set("auth_syntax", 400, i, "a scheme and parameters")
		return a, e.result()
	}
	if !a.Digest(raw) {
		return a, nil
	}
	var (
		p     param
		names [authParamsMax]Span
	)
	i = a.Params.Start
	for n := 0; i < s.End; n++ {
		begin := i
		if n == authParamsMax {
			e.set("auth_syntax", 400, begin, "fewer parameters")
			break
		}
		if i = nextAuthParam(raw, i, s.End, &p, &e); i < 0 {
			break
		}
		name := p.name.Of(raw)
		if slices.ContainsFunc(names[:n], func(o Span) bool { return bytes.EqualFold(o.Of(raw), name) }) {
			e.set("auth_syntax", 400, begin, "each parameter once")
			break
		}
		names[n] = p.name
	}
	return a, e.result()
}

// Ours: RFC 7616 has twelve parameters, and 3GPP adds three. Each is compared with
// those before it.
const authParamsMax = 32

// Digest reports whether the scheme is Digest (RFC 7616).
func (a Auth) Digest(raw []byte) bool { return equalFold(a.Scheme.Of(raw), "digest") }

// Param returns the value of a parameter. A quoted value keeps its quotes:
// AppendUnquoted takes them off.
func (a Auth) Param(raw []byte, name string) (value Span, ok bool) {
	return authParam(raw, a.Params, []byte(name))
}

func authParam(raw []byte, params Span, name []byte) (value Span, ok bool) {
	var (
		p param
		e Error
	)
	for i := params.Start; i >= 0 && i < params.End; {
		if i = nextAuthParam(raw, i, params.End, &p, &e); i >= 0 && bytes.EqualFold(p.name.Of(raw), name) {
			return p.value, true
		}
	}
	return Span{}, false
}

// nextAuthParam reads name=value at i and returns where the next begins, end
// if there is none.
func nextAuthParam(raw []byte, i, end int, p *param, e *Error) int {
	const want = "name=value"
	next := skipToken(raw, i, end)
	if next < 0 {
		return e.set("auth_syntax", 400, i, want)
	}
	p.name = Span{Start: i, End: next}
	if i = skipLWS(raw, next, end); i == end || raw[i] != '=' {
		return e.set("auth_syntax", 400, i, want)
	}
	i = skipLWS(raw, i+1, end)
	if i < end && raw[i] == '"' {
		if next = quoteEnd(raw, i, end) + 1; next == 0 {
			return e.set("auth_syntax", 400, i, "the end of the quoted string")
		}
	} else if next = run(raw, i, end, isValue); next == i {
		return e.set("auth_syntax", 400, i, want)
	}
	p.value = Span{Start: i, End: next}
	if i = skipLWS(raw, next, end); i == end {
		return i
	}
	if raw[i] != ',' {
		return e.set("auth_syntax", 400, i, "',' or the end")
	}
	if i = skipLWS(raw, i+1, end); i == end {
		return e.set("auth_syntax", 400, i, "a parameter behind the comma")
	}
	return i
}
