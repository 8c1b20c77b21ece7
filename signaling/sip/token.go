package sip

// ParseToken decodes a value that is a token with parameters: Event,
// Subscription-State, Content-Disposition, Reason. The error is an *Error.
func ParseToken(raw []byte, s Span) (token, params Span, err error) {
	var (
		p param
		e Error
	)
	s = trim(raw, s)
	i := run(raw, s.Start, s.End, isToken)
	token = Span{Start: s.Start, End: i}
	if i == s.Start {
		e.syntax(i, "a token")
		return token, Span{Start: i, End: i}, e.result()
	}
	i = skipLWS(raw, i, s.End)
	params = Span{Start: i, End: s.End}
	for i >= 0 && i < s.End && raw[i] == ';' {
		i = nextParam(raw, i, s.End, &p, &e)
	}
	if i >= 0 && i < s.End {
		e.syntax(i, "';' or the end")
	}
	return token, params, e.result()
}

// AppendUnquoted appends what a quoted string means: without its quotes and
// the backslashes of its quoted-pairs, each fold as one space. What is not
// quoted is appended as it is.
func AppendUnquoted(dst, b []byte) []byte {
	if n := len(b); n < 2 || b[0] != '"' || b[n-1] != '"' {
		return append(dst, b...)
	}
	b = b[1 : len(b)-1]
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\\' && i+1 < len(b):
			i++
			dst = append(dst, b[i])
		case b[i] == '\r' || b[i] == '\n':
			for i+1 < len(b) && isLWS(b[i+1]) {
				i++
			}
			dst = append(dst, ' ')
		default:
			dst = append(dst, b[i])
		}
	}
	return dst
}
