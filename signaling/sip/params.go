package sip

import "iter"

// A param is one parameter of a field; value is empty for a flag.
type param struct{ name, value Span }

// nextParam reads the parameter that begins with the ';' at i, and returns
// the offset of what follows it and the white space behind it: ';', ',' or
// end.
func nextParam(raw []byte, i, end int, p *param, e *Error) int {
	i = skipLWS(raw, i+1, end)
	start := i
	i = run(raw, i, end, isToken)
	if i == start {
		return e.syntax(i, "the name of a parameter")
	}
	p.name, p.value = Span{Start: start, End: i}, Span{Start: i, End: i}
	if i == end || raw[i] == ';' {
		return i
	}
	if i = skipLWS(raw, i, end); i < end && raw[i] == '=' {
		if i = skipLWS(raw, i+1, end); i < end && raw[i] == '"' {
			start = i
			if i = quoteEnd(raw, i, end); i < 0 {
				return e.set("quoting", 400, start, "the end of the quoted string")
			}
			i++
			p.value = Span{Start: start, End: i}
		} else {
			p.value.Start = i
			i = run(raw, i, end, isValue)
			p.value.End = i
		}
		i = skipLWS(raw, i, end)
	}
	if i < end && raw[i] != ';' && raw[i] != ',' {
		return e.syntax(i, "';', ',' or the end")
	}
	return i
}

// Param returns the value of a parameter in params (";a=b;c"); for one
// without a value ok is true and the value is empty. Names are compared
// without case. A quoted value keeps its quotes.
func Param(raw []byte, params Span, name string) (value Span, ok bool) {
	var (
		p param
		e Error
	)
	for i := skipLWS(raw, params.Start, params.End); i >= 0 && i < params.End && raw[i] == ';'; {
		if i = nextParam(raw, i, params.End, &p, &e); i >= 0 && equalFold(p.name.Of(raw), name) {
			return p.value, true
		}
	}
	return Span{}, false
}

// Tokens yields the members of a comma-separated list, without the white
// space around them; empty ones are left out.
func Tokens(raw []byte, value Span) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		for i := value.Start; i < value.End; {
			end := endOf(raw, i, value.End, ',')
			if s := trim(raw, Span{Start: i, End: end}); !s.Empty() && !yield(s) {
				return
			}
			i = end + 1
		}
	}
}

// HasToken reports whether a comma-separated list has a member, in any case.
func HasToken(raw []byte, value Span, token string) bool {
	for s := range Tokens(raw, value) {
		if equalFold(s.Of(raw), token) {
			return true
		}
	}
	return false
}
