package sip

import (
	"bytes"
	"encoding/binary"
)

// Ours. A message of a user agent has 10 to 30 fields and 1 to 4 KiB; ISUP and
// long History-Info reach 10 KiB.
const (
	fieldSectionMax = 32 << 10
	fieldMax        = 8 << 10
	fieldsMax       = 256
	viasMax         = 70 // RFC 3261 section 20.22: Max-Forwards starts at 70
	bodyMax         = 64 << 10
	uriMax          = 2 << 10
)

// Parse reads the message in a datagram. m keeps datagram until the next
// Parse; octets behind the body are cut (RFC 3261 section 18.3). The error is
// an *Error.
func (m *Message) Parse(datagram []byte) error {
	if err := m.parseFields(datagram); err != nil {
		return err
	}
	if err := m.check(); err != nil {
		return err
	}
	rest := len(datagram) - m.body.Start
	switch {
	case m.length > rest:
		m.cut(len(datagram))
		return bad("content_length", 400, len(datagram), "as many octets as Content-Length says")
	case m.length >= 0:
		rest = m.length
	}
	if rest > bodyMax {
		m.cut(m.body.Start)
		return bad("too_large", 413, m.body.Start, "a body of 64 KiB at most")
	}
	m.cut(m.body.Start + rest)
	return nil
}

// ParseStream reads one message from the start of what a stream has brought so
// far, and returns its length. 0 and no error: more is needed. RFC 3261
// section 18.3 wants a Content-Length on streams.
func (m *Message) ParseStream(b []byte) (n int, err error) {
	skip := 0
	for skip < len(b) && (b[skip] == '\r' || b[skip] == '\n') {
		skip++
	}
	end := bytes.Index(b[skip:], []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) > fieldSectionMax {
			return 0, bad("too_large", 0, len(b), "an end of the fields")
		}
		return 0, nil
	}
	end += skip + 4
	if err := m.parseFields(b[:end]); err != nil {
		return end, err
	}
	if err := m.check(); err != nil {
		return end, err
	}
	switch {
	case m.length < 0:
		return end, bad("content_length", 400, end, "a Content-Length")
	case m.length > bodyMax:
		return end, bad("too_large", 413, end, "a body of 64 KiB at most")
	case end+m.length > len(b):
		return 0, nil
	}
	m.Raw = b[skip : end+m.length]
	m.body = Span{Start: end - skip, End: end - skip + m.length}
	return end + m.length, nil
}

func (m *Message) cut(end int) {
	m.Raw = m.Raw[:end:end]
	m.body.End = end
}

func (m *Message) reset(b []byte) {
	m.Raw = b
	m.response, m.method, m.status = false, UnknownMethod, 0
	m.methodName, m.uri, m.reason, m.start, m.body, m.callID = Span{}, Span{}, Span{}, Span{}, Span{}, Span{}
	m.fieldsEnd, m.length, m.cseq, m.maxForwards = 0, -1, 0, -1
	if cap(m.fields) < len(m.inline) {
		m.fields = m.inline[:0]
	}
	m.fields = m.fields[:0]
	m.first = [fieldIDs]uint8{}
	m.via, m.from, m.to = Via{}, NameAddr{}, NameAddr{}
}

// parseFields finds the start line and the bounds of the fields.
func (m *Message) parseFields(b []byte) error {
	i := 0
	for i < len(b) && (b[i] == '\r' || b[i] == '\n') {
		i++
	}
	// CRLFs before the start line are skipped (RFC 3261 section 7.5).
	m.reset(b[i:])
	b = b[i:]
	if len(b) == 0 {
		return bad("keepalive", 0, 0, "a message")
	}
	n, late := m.startLine(b)
	if n < 0 {
		return late
	}
	for n < len(b) {
		if b[n] == '\r' && n+1 < len(b) && b[n+1] == '\n' {
			m.fieldsEnd = n
			m.body = Span{Start: n + 2, End: n + 2}
			return errOf(late)
		}
		end, err := m.field(b, n)
		if err != nil && late == nil {
			late = err
		}
		if end < 0 {
			break
		}
		n = end
	}
	if late == nil {
		late = bad("not_sip", 0, n, "an empty line behind the fields")
	}
	late.Status = 0
	return late
}

// errOf keeps a nil *Error from becoming an error.
func errOf(e *Error) error {
	if e == nil {
		return nil
	}
	return e
}

// startLine reads the start line and returns where it ends, or -1 for what is
// not SIP at all. An error with an offset lets the fields be read, for the
// answer.
func (m *Message) startLine(b []byte) (int, *Error) {
	nl := bytes.IndexByte(b, '\n')
	if nl < 1 || nl > fieldMax || b[nl-1] != '\r' {
		if nl >= 0 && bytes.HasSuffix(bytes.TrimRight(b[:nl], "\r"), []byte("SIP/2.0")) && nl <= fieldMax {
			return -1, bad("line_ending", 0, nl, "CRLF")
		}
		return -1, bad("not_sip", 0, 0, "a start line")
	}
	line := b[:nl-1]
	m.start = Span{End: len(line)}
	if len(line) > 7 && equalFold(line[:4], "SIP/") || bytes.HasPrefix(line, []byte("SIP/")) {
		return nl + 1, m.statusLine(line)
	}
	err := m.requestLine(line)
	if err != nil && err.Cause == "not_sip" {
		return -1, err
	}
	return nl + 1, err
}

func (m *Message) statusLine(line []byte) *Error {
	m.response = true
	if !bytes.HasPrefix(line, []byte("SIP/2.0 ")) || len(line) < 12 || line[11] != ' ' {
		return bad("status", 0, 0, "SIP/2.0, a status code and a phrase")
	}
	for _, c := range line[8:11] {
		if c < '0' || c > '9' {
			return bad("status", 0, 8, "a status code of three digits")
		}
		m.status = m.status*10 + int(c-'0')
	}
	m.reason = Span{Start: 12, End: len(line)}
	if m.status < 100 || m.status > 699 {
		return bad("status", 0, 8, "a status code of 100 to 699")
	}
	return nil
}

func (m *Message) requestLine(line []byte) *Error {
	sp := 0
	for sp < len(line) && lower[line[sp]] != 0 {
		sp++
	}
	last := bytes.LastIndex(line, []byte("SIP/"))
	if sp == 0 || sp == len(line) || line[sp] != ' ' || last < sp {
		return bad("not_sip", 0, 0, "a method, a URI and SIP/2.0")
	}
	m.methodName = Span{End: sp}
	m.method = ParseMethod(line[:sp])
	if last <= sp+1 || line[last-1] != ' ' {
		return bad("start_line", 400, last, "a space before SIP/2.0")
	}
	m.uri = Span{Start: sp + 1, End: last - 1}
	switch v := line[last:]; {
	case string(v) == "SIP/2.0":
	case len(v) > 0 && isLWS(v[len(v)-1]):
		return bad("start_line", 400, len(line), "no space at the end")
	default:
		return bad("version", 505, last, "SIP/2.0")
	}
	return m.checkURI()
}

// checkURI judges the Request-URI.
func (m *Message) checkURI() *Error {
	u := m.Bytes(m.uri)
	if len(u) > uriMax {
		return bad("uri_too_long", 414, m.uri.Start, "a Request-URI of 2 KiB at most")
	}
	for i, c := range u {
		if c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' {
			return bad("start_line", 400, m.uri.Start+i, "a URI without spaces and brackets")
		}
	}
	uri, err := ParseURI(m.Raw, m.uri)
	if err != nil {
		return bad("start_line", 400, m.uri.Start, "a URI")
	}
	switch scheme := uri.Scheme.Of(m.Raw); {
	case equalFold(scheme, "sip"), equalFold(scheme, "sips"):
		if !uri.Headers.Empty() || uri.All.End > uri.Host.End && m.Raw[uri.All.End-1] == '?' {
			return bad("uri_headers", 400, uri.Headers.Start, "a Request-URI without headers")
		}
	case equalFold(scheme, "tel"):
	default:
		return bad("scheme", 416, m.uri.Start, "sip, sips or tel")
	}
	return nil
}

// field reads the field at n and returns where it ends; -1 if it does not.
func (m *Message) field(b []byte, n int) (int, *Error) {
	start, h, i := n, uint32(0), n
	for i < len(b) && lower[b[i]] != 0 {
		h = hashStep(h, lower[b[i]])
		i++
	}
	name := Span{Start: start, End: i}
	for i < len(b) && isLWS(b[i]) {
		i++
	}
	var err *Error
	// White space and a fold before the colon are legal (HCOLON).
	for i+2 < len(b) && b[i] == '\r' && b[i+1] == '\n' && isLWS(b[i+2]) && name.Len() > 0 {
		for i += 2; i < len(b) && isLWS(b[i]); i++ {
		}
	}
	if i == len(b) || b[i] != ':' || name.Empty() {
		err = bad("field_name", 400, i, "a field name and a colon")
	}
	value := i + 1
	end, lineErr := fieldEnd(b, min(value, len(b)))
	if end < 0 {
		return -1, first(lineErr, err)
	}
	err = first(err, lineErr)
	if err == nil && end-start > fieldMax {
		err = bad("too_large", 513, start, "a field of 8 KiB at most")
	}
	if end > fieldSectionMax {
		err = first(err, bad("too_large", 513, end, "fields of 32 KiB at most"))
	}
	if len(m.fields) == fieldsMax {
		return end, bad("too_large", 513, start, "256 fields at most")
	}
	if err != nil && err.Cause == "field_name" {
		return end, err
	}
	f := Field{Line: Span{Start: start, End: end}, Name: name, Value: trim(b, Span{Start: min(value, end), End: end}), ID: lookup(h, name.Of(b))}
	m.fields = append(m.fields, f)
	if m.first[f.ID] == 0 {
		m.first[f.ID] = uint8(min(len(m.fields), 255))
	}
	return end, err
}

func first(a, b *Error) *Error {
	if a != nil {
		return a
	}
	return b
}

// fieldEnd returns the end of the field whose value begins at i, folds
// included, and judges its octets.
func fieldEnd(b []byte, i int) (int, *Error) {
	var err *Error
	for {
		nl := bytes.IndexByte(b[i:], '\n')
		if nl < 0 {
			return -1, err
		}
		nl += i
		line := b[i:nl]
		if nl == i || b[nl-1] != '\r' {
			err = first(err, bad("line_ending", 400, nl, "CRLF"))
		} else {
			line = b[i : nl-1]
		}
		if hasControl(line) {
			err = first(err, control(b, line, i))
		}
		if nl+1 < len(b) && isLWS(b[nl+1]) {
			i = nl + 1
			continue
		}
		return nl + 1, err
	}
}

// hasControl tells whether line has octets below space other than HT, or DEL.
// Eight octets a step: this looks at every octet of every message.
func hasControl(line []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for len(line) >= 8 {
		w := binary.LittleEndian.Uint64(line)
		del := w ^ 0x7f*ones
		// Octets with the high bit are above both; the others are compared by
		// the borrow of a subtraction.
		if ((w-0x20*ones)&^w|(del-ones)&^del&^w)&highs != 0 && slowControl(line[:8]) {
			return true
		}
		line = line[8:]
	}
	return slowControl(line)
}

func slowControl(line []byte) bool {
	for _, c := range line {
		if c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// control names what is wrong with a line that has control octets. In a
// quoted-pair they are allowed, but for CR and LF (RFC 3261 section 25.1).
func control(b, line []byte, at int) *Error {
	quoted := false
	for j := 0; j < len(line); j++ {
		switch c := line[j]; {
		case c == '\r':
			return bad("line_ending", 400, at+j, "CRLF")
		case c == '\\' && quoted && j+1 < len(line) && line[j+1] != '\r':
			j++
		case c == '"':
			quoted = !quoted
		case c < ' ' && c != '\t' || c == 0x7f:
			return bad("control_octet", 400, at+j, "text without control octets")
		}
	}
	return nil
}
