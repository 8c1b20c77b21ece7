package sip

import (
	"bytes"
	"errors"
	"iter"
)

// A NameAddr is the value of From, To, Contact, Route and their like: a URI
// with an optional display name, and parameters (RFC 3261 section 20.10).
type NameAddr struct {
	Value     Span // all of it
	Display   Span // with its quotes
	URI       Span // without angle brackets
	Params    Span // of the field, from the first ';'
	Tag       Span
	Bracketed bool
}

// ErrStar is what NameAddrs gives for "*" (RFC 3261 section 10.2.2).
var ErrStar = errors.New("the value is *")

// NameAddrs yields the comma-joined values of a field. It ends after the
// first error, which is ErrStar or an *Error.
func (m *Message) NameAddrs(f Field) iter.Seq2[NameAddr, error] {
	return func(yield func(NameAddr, error) bool) {
		var (
			na NameAddr
			u  URI
		)
		for i := f.Value.Start; i < f.Value.End; {
			if isStar(m.Raw, i, f.Value.End) {
				yield(NameAddr{Value: Span{Start: i, End: i + 1}}, ErrStar)
				return
			}
			var e Error
			if i = readNameAddr(m.Raw, i, f.Value.End, &na, &u, &e); i < 0 {
				yield(na, e.result())
				return
			}
			if !yield(na, nil) {
				return
			}
		}
	}
}

// ParseNameAddr decodes the one value in s. The error is ErrStar or an *Error.
func ParseNameAddr(raw []byte, s Span) (na NameAddr, err error) {
	s = trim(raw, s)
	if isStar(raw, s.Start, s.End) {
		return NameAddr{Value: s}, ErrStar
	}
	var (
		u URI
		e Error
	)
	if i := readNameAddr(raw, s.Start, s.End, &na, &u, &e); i >= 0 && i < s.End {
		e.syntax(na.Value.End, "one value")
	}
	return na, e.result()
}

// isStar tells whether the value at i is "*".
func isStar(raw []byte, i, end int) bool {
	if i == end || raw[i] != '*' {
		return false
	}
	i = skipLWS(raw, i+1, end)
	return i == end || raw[i] == ','
}

// readNameAddr decodes the value at i and its URI, and returns where the next
// value begins, end if there is none. There is no white space around
// raw[i:end].
func readNameAddr(raw []byte, i, end int, na *NameAddr, u *URI, e *Error) int {
	*na = NameAddr{Value: Span{Start: i, End: end}}
	open := i
	if i < end && raw[i] != '<' {
		if open = readDisplay(raw, i, end, na, e); open < 0 {
			return open
		}
	}
	if open < end && raw[open] == '<' {
		if i = readURI(raw, open+1, end, false, u, nil); i < 0 || i == end || raw[i] != '>' {
			return unclosed(raw, open, end, u, e)
		}
		na.Bracketed, na.URI = true, u.All
		i++
	} else if i = readURI(raw, i, end, true, u, e); i >= 0 {
		na.URI = u.All
	} else {
		return i
	}
	if i < end && raw[i] != ';' {
		i = skipLWS(raw, i, end)
	}
	na.Params.Start = i
	for i < end && raw[i] == ';' {
		var p param
		if i = nextParam(raw, i, end, &p, e); i < 0 {
			return i
		}
		if p.name.Len() == 3 && raw[p.name.Start]|0x20 == 't' && equalFold(p.name.Of(raw), "tag") {
			if !na.Tag.Empty() || p.value.Empty() {
				return e.syntax(p.name.Start, "one tag, with a value")
			}
			na.Tag = p.value
		}
	}
	if na.Params.End = i; i < end || isLWS(raw[i-1]) {
		return nextValue(raw, i, end, na, e)
	}
	return i
}

// nextValue ends the value of na at i, less white space, and returns where
// the next begins, end if there is none.
func nextValue(raw []byte, i, end int, na *NameAddr, e *Error) int {
	if i < end && raw[i] != ',' {
		return e.syntax(i, "';', ',' or the end")
	}
	na.Value.End = trim(raw, Span{Start: na.Value.Start, End: i}).End
	na.Params.End = max(na.Params.Start, na.Value.End)
	if i == end {
		return i
	}
	if i = skipLWS(raw, i+1, end); i == end {
		return e.syntax(i, "a value behind the comma")
	}
	return i
}

// readDisplay reads a display name and returns where the '<' behind it is. A
// value without a display name is an addr-spec, and the offset some other.
func readDisplay(raw []byte, i, end int, na *NameAddr, e *Error) int {
	start := i
	if raw[i] == '"' {
		q := quoteEnd(raw, i, end)
		if q < 0 {
			return e.set("quoting", 400, i, "the end of the quoted string")
		}
		na.Display = Span{Start: i, End: q + 1}
		if i = skipLWS(raw, q+1, end); i == end || raw[i] != '<' {
			return e.set("quoting", 400, i, "'<'")
		}
		return i
	}
	// The grammar has tokens here. Devices write names in UTF-8 and with
	// dots and brackets; what cannot be told from an addr-spec is refused.
	for i < end && raw[i] != '<' {
		switch raw[i] {
		case '"', '>':
			return e.set("quoting", 400, i, "'<'")
		case ',', ';':
			return start
		}
		i++
	}
	if i < end {
		na.Display = trim(raw, Span{Start: start, End: i})
		return i
	}
	return start
}

// unclosed says what is wrong with the URI in the brackets that open.
func unclosed(raw []byte, open, end int, u *URI, e *Error) int {
	// Whatever else is wrong: without its end there is no URI to judge.
	if bytes.IndexByte(raw[open:end], '>') < 0 {
		return e.set("quoting", 400, open, "'>'")
	}
	if i := readURI(raw, open+1, end, false, u, e); i >= 0 {
		return e.syntax(i, "'>'")
	}
	return -1
}
