package sip

import "iter"

// Param returns the value of a parameter in params (";a=b;c"); for one
// without a value ok is true and the value is empty. Names are compared
// without case. A quoted value keeps its quotes.
func Param(raw []byte, params Span, name string) (value Span, ok bool) {
	for i := params.Start; i < params.End; {
		if raw[i] == ';' || isSpace(raw[i]) {
			i++
			continue
		}
		end := endOf(raw, i, params.End, ";")
		n, v := splitParam(raw, Span{Start: i, End: end})
		if equalFold(n.Of(raw), name) {
			return v, true
		}
		i = end
	}
	return Span{}, false
}

func splitParam(raw []byte, s Span) (name, value Span) {
	for i := s.Start; i < s.End; i++ {
		if raw[i] == '=' {
			return trim(raw, Span{Start: s.Start, End: i}), trim(raw, Span{Start: i + 1, End: s.End})
		}
	}
	return trim(raw, s), Span{Start: s.End, End: s.End}
}

// endOf returns the first offset from i on at which one of stop stands,
// outside of quotes and angle brackets; end if there is none.
func endOf(raw []byte, i, end int, stop string) int {
	for ; i < end; i++ {
		c := raw[i]
		switch {
		case c == '"':
			if i = quoteEnd(raw, i, end); i < 0 {
				return end
			}
		case c == '<':
			for i < end && raw[i] != '>' {
				i++
			}
		default:
			for j := range len(stop) {
				if c == stop[j] {
					return i
				}
			}
		}
	}
	return end
}

// quoteEnd returns the offset of the quote that ends the quoted string that
// begins at i, or -1.
func quoteEnd(raw []byte, i, end int) int {
	for i++; i < end; i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func trim(raw []byte, s Span) Span {
	for s.Start < s.End && isSpace(raw[s.Start]) {
		s.Start++
	}
	for s.End > s.Start && isSpace(raw[s.End-1]) {
		s.End--
	}
	return s
}

// Tokens yields the members of a comma-separated list, without the white
// space around them; empty ones are left out.
func Tokens(raw []byte, value Span) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		for i := value.Start; i < value.End; {
			end := endOf(raw, i, value.End, ",")
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
