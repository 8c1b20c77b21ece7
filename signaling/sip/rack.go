package sip

// A RAck names the provisional response that a PRACK acknowledges
// (RFC 3262 section 7.2).
type RAck struct {
	RSeq   uint32
	CSeq   uint32
	Method Span
}

// ParseRAck decodes the value of RAck in s. The error is an *Error.
func ParseRAck(raw []byte, s Span) (r RAck, err error) {
	var e Error
	s = trim(raw, s)
	rseq, i := digits(raw, s.Start, s.End, 1<<32-1)
	next := skipLWS(raw, i, s.End)
	cseq, end := digits(raw, next, s.End, 1<<32-1)
	r = RAck{RSeq: uint32(rseq), CSeq: uint32(cseq), Method: Span{Start: skipLWS(raw, end, s.End), End: s.End}}
	if i == s.Start || next == i || end == next || r.Method.Start == end || skipToken(raw, r.Method.Start, s.End) != s.End {
		e.syntax(end, "two numbers below 2^32 and a method")
	}
	return r, e.result()
}

// ParseNumber decodes a value that is one number below 2^32 and nothing else:
// RSeq, Expires, Min-SE without parameters, Min-Expires. The error is an
// *Error.
func ParseNumber(raw []byte, s Span) (n uint32, err error) {
	var e Error
	s = trim(raw, s)
	v, i := digits(raw, s.Start, s.End, 1<<32-1)
	if i == s.Start || i != s.End {
		e.syntax(i, "a number below 2^32")
	}
	return uint32(v), e.result()
}
