package sip

import (
	"errors"
	"iter"
)

// A NameAddr is the value of From, To, Contact, Route and their like: a URI
// with an optional display name, and parameters.
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
// first error.
func (m *Message) NameAddrs(f Field) iter.Seq2[NameAddr, error] {
	return func(yield func(NameAddr, error) bool) {
		for i := f.Value.Start; i < f.Value.End; {
			end := endOf(m.Raw, i, f.Value.End, ",")
			na, err := ParseNameAddr(m.Raw, Span{Start: i, End: end})
			if !yield(na, err) || err != nil {
				return
			}
			if end == f.Value.End-1 {
				yield(na, bad("syntax", 400, end, "a value behind the comma"))
				return
			}
			i = end + 1
		}
	}
}

// ParseNameAddr decodes one value. Without angle brackets, what follows the
// first ';' belongs to the field, not to the URI (RFC 3261 section 20.10).
func ParseNameAddr(raw []byte, s Span) (NameAddr, error) {
	s = trim(raw, s)
	na := NameAddr{Value: s}
	if s.Len() == 1 && raw[s.Start] == '*' {
		return na, ErrStar
	}
	i := s.Start
	if i < s.End && raw[i] == '"' {
		end := quoteEnd(raw, i, s.End)
		if end < 0 {
			return na, bad("quoting", 400, i, "the end of the quoted string")
		}
		na.Display = Span{Start: i, End: end + 1}
		i = end + 1
	}
	lt := i
	for lt < s.End && raw[lt] != '<' && raw[lt] != '"' {
		lt++
	}
	if lt == s.End {
		return na.bare(raw, i)
	}
	if raw[lt] == '"' {
		return na, bad("quoting", 400, lt, "'<'")
	}
	if na.Display.Empty() {
		na.Display = trim(raw, Span{Start: i, End: lt})
	} else if !trim(raw, Span{Start: i, End: lt}).Empty() {
		return na, bad("quoting", 400, i, "'<'")
	}
	gt := lt + 1
	for gt < s.End && raw[gt] != '>' && raw[gt] != '<' {
		gt++
	}
	if gt == s.End || raw[gt] == '<' {
		return na, bad("quoting", 400, lt, "'>'")
	}
	na.Bracketed, na.URI = true, Span{Start: lt + 1, End: gt}
	if na.URI.Empty() {
		return na, bad("syntax", 400, lt, "a URI in the brackets")
	}
	return na.params(raw, gt+1)
}

// bare reads addr-spec without angle brackets.
func (na NameAddr) bare(raw []byte, i int) (NameAddr, error) {
	if !na.Display.Empty() {
		return na, bad("quoting", 400, i, "'<'")
	}
	end := i
	for end < na.Value.End && raw[end] != ';' {
		if isSpace(raw[end]) {
			if t := trim(raw, Span{Start: end, End: na.Value.End}); !t.Empty() && raw[t.Start] != ';' {
				return na, bad("syntax", 400, end, "';' or the end")
			}
			break
		}
		end++
	}
	na.URI = Span{Start: i, End: end}
	if na.URI.Empty() {
		return na, bad("syntax", 400, i, "a URI")
	}
	return na.params(raw, end)
}

func (na NameAddr) params(raw []byte, i int) (NameAddr, error) {
	na.Params = trim(raw, Span{Start: i, End: na.Value.End})
	if err := checkParams(raw, na.Params); err != nil {
		return na, err
	}
	if !na.Params.Empty() {
		na.Tag, _ = Param(raw, na.Params, "tag")
	}
	return na, nil
}

// checkParams tells whether params are ';'-separated, without empty ones.
func checkParams(raw []byte, params Span) error {
	for i := params.Start; i < params.End; {
		if isSpace(raw[i]) {
			i++
			continue
		}
		if raw[i] != ';' {
			return bad("syntax", 400, i, "';'")
		}
		i++
		for i < params.End && isSpace(raw[i]) {
			i++
		}
		if i == params.End || lower[raw[i]] == 0 {
			return bad("syntax", 400, i, "the name of a parameter")
		}
		for i < params.End && raw[i] != ';' {
			switch c := raw[i]; {
			case c == '"':
				end := quoteEnd(raw, i, params.End)
				if end < 0 {
					return bad("quoting", 400, i, "the end of the quoted string")
				}
				i = end
			case c == ',' || c == '<' || c == '>':
				return bad("syntax", 400, i, "';' or the end")
			}
			i++
		}
	}
	return nil
}
