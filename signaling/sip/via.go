package sip

import "encoding/binary"

// A Via is one value of a Via field (RFC 3261 section 20.42).
type Via struct {
	Value     Span
	Transport Span
	Host      Span // sent-by, never empty in a readable Via; IPv6 addresses with their brackets
	Params    Span // from the first ';'
	Branch    Span
	Maddr     Span
	Received  Span
	Rport     Span // its value, if it has one
	Port      int  // 0: none
	HasRport  bool
}

// ParseVia decodes the first of the comma-joined values in s; rest is what
// follows it. The error is an *Error; where its Cause is "syntax", transport
// and sent-by of v are right, and a response can find its way.
func ParseVia(raw []byte, s Span) (v Via, rest Span, err error) {
	var e Error
	s = trim(raw, s)
	next := readVia(raw, s.Start, s.End, &v, &e)
	if next < 0 {
		return v, Span{Start: s.End, End: s.End}, e.result()
	}
	return v, Span{Start: next, End: s.End}, nil
}

// readVia decodes the value of Via at i, and returns where the next begins,
// end if there is none. There is no white space around raw[i:end].
func readVia(raw []byte, i, end int, v *Via, e *Error) int {
	*v = Via{Value: Span{Start: i, End: end}}
	const sip20 = uint64('S' | 'I'<<8 | 'P'<<16 | '/'<<24 | '2'<<32 | '.'<<40 | '0'<<48 | '/'<<56)
	start, odd := i+8, true
	if start < end && binary.LittleEndian.Uint64(raw[i:]) == sip20 {
		// As nearly all are: one space, no other white space.
		i = run(raw, start, end, isToken)
		v.Transport = Span{Start: start, End: i}
		odd = i == start || i+1 >= end || raw[i] != ' ' || class[raw[i+1]]&isHost == 0
		i++
	}
	if odd {
		if i = readSentProtocol(raw, v.Value.Start, end, v); i < 0 {
			return e.set("via", 0, v.Value.Start, "SIP/2.0/, a transport and a space")
		}
	}
	if i = readSentBy(raw, i, end, v); i < 0 {
		v.Host = Span{}
		return e.set("via", 0, v.Transport.End, "host[:port]")
	}
	v.Params.Start = i
	for i < end && raw[i] == ';' {
		var p param
		if i = nextParam(raw, i, end, &p, e); i < 0 {
			v.Params = Span{Start: end, End: end}
			return i
		}
		if c := raw[p.name.Start] | 0x20; c == 'b' || c == 'r' || c == 'm' {
			v.set(raw, &p)
		}
	}
	if v.Params.End = i; i == end && !isLWS(raw[i-1]) {
		return i
	}
	v.Value.End = trim(raw, Span{Start: v.Value.Start, End: i}).End
	v.Params.End = max(v.Params.Start, v.Value.End)
	if i < end && raw[i] != ',' {
		return e.syntax(i, "';', ',' or the end")
	}
	if i < end {
		if i = skipLWS(raw, i+1, end); i == end {
			return e.syntax(i, "a Via behind the comma")
		}
	}
	return i
}

// set takes what v has a place for.
func (v *Via) set(raw []byte, p *param) {
	switch name := p.name.Of(raw); name[0] | 0x20 {
	case 'b':
		if v.Branch.Empty() && equalFold(name, "branch") {
			v.Branch = p.value
		}
	case 'r':
		if equalFold(name, "rport") {
			v.HasRport, v.Rport = true, p.value
		} else if equalFold(name, "received") {
			v.Received = p.value
		}
	case 'm':
		if equalFold(name, "maddr") {
			v.Maddr = p.value
		}
	}
}

// readSentProtocol reads up to sent-by: three tokens with slashes, which may
// have white space around them, and white space. Protocol and version are
// any token: a Via that is not SIP/2.0 is readable.
func readSentProtocol(raw []byte, i, end int, v *Via) int {
	for range 2 {
		if i = skipToken(raw, i, end); i < 0 {
			return -1
		}
		if i = skipLWS(raw, i, end); i == end || raw[i] != '/' {
			return -1
		}
		i = skipLWS(raw, i+1, end)
	}
	next := skipToken(raw, i, end)
	if next < 0 {
		return -1
	}
	v.Transport = Span{Start: i, End: next}
	if i = skipLWS(raw, next, end); i == next {
		return -1
	}
	return i
}

func skipToken(raw []byte, i, end int) int {
	start := i
	i = run(raw, i, end, isToken)
	if i == start {
		return -1
	}
	return i
}

// readSentBy reads host[:port], in which white space may surround the colon,
// and the white space behind it.
func readSentBy(raw []byte, i, end int, v *Via) int {
	start := i
	if i < end && raw[i] == '[' {
		if i = ipv6End(raw, i, end); i < 0 {
			return i
		}
	} else {
		i = run(raw, i, end, isHost)
	}
	if v.Host = (Span{Start: start, End: i}); i == start {
		return -1
	}
	if i = skipLWS(raw, i, end); i == end || raw[i] != ':' {
		return i
	}
	i = skipLWS(raw, i+1, end)
	n, next := digits(raw, i, end, 65535)
	if next == i {
		return -1
	}
	v.Port = int(n)
	return skipLWS(raw, next, end)
}
