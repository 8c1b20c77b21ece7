package sip

import "bytes"

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
// an *Error that belongs to m. A datagram of CRLFs only gives the cause
// "keepalive".
func (m *Message) Parse(datagram []byte) error {
	m.reset()
	i := skipCRLF(datagram)
	if m.Raw = datagram[i:]; len(m.Raw) == 0 {
		m.err.set("keepalive", 0, 0, "a message")
		return m.refuse()
	}
	if !m.read() {
		if m.err.Cause == "wrong_protocol" {
			m.err.Cause = "not_sip" // a datagram makes no connection wrong
		}
		return m.refuse()
	}
	rest := len(m.Raw) - m.body.Start
	switch {
	case m.length > rest:
		m.err.set("content_length", 400, len(m.Raw), "as many octets as Content-Length says")
	case m.length >= 0:
		m.trailing, rest = rest-m.length, m.length
	}
	if rest > bodyMax {
		m.err.set("too_large", 413, m.body.Start, "a body of 64 KiB at most")
		rest = 0
	}
	return m.finish(rest)
}

// ParseStream reads one message from the start of what a stream has brought
// so far, and returns how many octets it took. 0 and no error: more is needed.
// RFC 3261 section 18.3 wants a Content-Length on streams. After an error
// other than "keepalive", which RFC 5626 section 4.4.1 wants answered by a
// CRLF, the stream has lost its place and is to be closed.
func (m *Message) ParseStream(b []byte) (n int, err error) {
	m.reset()
	skip := skipCRLF(b)
	if skip >= 4 && string(b[:4]) == "\r\n\r\n" {
		m.err.set("keepalive", 0, 0, "a message")
		return 4, m.refuse()
	}
	m.Raw = b[skip:]
	if len(m.Raw) == 0 {
		if skip > fieldMax {
			m.err.set("not_sip", 0, 0, "a message")
			return skip, m.refuse()
		}
		return 0, nil
	}
	end := bytes.Index(m.Raw, []byte("\r\n\r\n"))
	if end < 0 {
		return m.unfinished(b)
	}
	m.Raw = m.Raw[:end+4]
	if !m.read() {
		return skip + end + 4, m.refuse()
	}
	switch {
	case m.length < 0:
		m.err.set("content_length", 400, end, "a Content-Length")
	case m.length > bodyMax:
		m.err.set("too_large", 413, end, "a body of 64 KiB at most")
	}
	if m.err.Cause != "" {
		return skip + end + 4, m.finish(0)
	}
	if m.Raw = b[skip:]; len(m.Raw) < end+4+m.length {
		return 0, nil
	}
	return skip + end + 4 + m.length, m.finish(m.length)
}

// unfinished judges the start of a message whose fields have not come to
// their end, so that what never was SIP does not wait for it.
func (m *Message) unfinished(b []byte) (int, error) {
	switch nl := bytes.IndexByte(m.Raw, '\n'); {
	case len(m.Raw) > fieldSectionMax:
		m.err.set("too_large", 0, len(m.Raw), "an end of the fields within 32 KiB")
	case nl >= 0 && m.startLine(m.Raw) < 0, nl < 0 && class[m.Raw[0]]&isToken == 0:
		if nl < 0 {
			m.oddStartLine(m.Raw)
		}
	default:
		return 0, nil
	}
	return len(b), m.refuse()
}

func skipCRLF(b []byte) int {
	i := 0
	for i < len(b) && (b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// reset forgets the message before. What decode writes in any case is left.
func (m *Message) reset() {
	m.response, m.accepted, m.method, m.status = false, false, UnknownMethod, 0
	m.methodName, m.requestURI, m.reason, m.start = Span{}, Span{}, Span{}, Span{}
	m.fieldsEnd, m.body, m.trailing, m.length = 0, Span{}, 0, -1
	m.cseq, m.maxForwards, m.callID = 0, -1, Span{}
	m.vias, m.contacts, m.star = 0, 0, false
	if cap(m.fields) < len(m.inline) {
		m.fields = m.inline[:]
	}
	m.fields = m.fields[:0]
	m.first = [fieldIDs]uint16{}
	m.err.Cause = ""
}

// read reads start line and fields. False: m is no message that could be
// answered.
func (m *Message) read() bool {
	i := m.startLine(m.Raw)
	if i < 0 {
		return false
	}
	if i = m.readFields(m.Raw, i); i < 0 {
		return false
	}
	m.body = Span{Start: i, End: i}
	m.decode()
	return true
}

// refuse returns the error of a message that is dropped, and forgets it.
func (m *Message) refuse() error {
	m.fields = m.fields[:0]
	m.first = [fieldIDs]uint16{}
	m.clearMissing()
	m.uri = URI{}
	m.contact, m.contactURI = NameAddr{}, URI{}
	m.methodName, m.requestURI, m.reason = Span{}, Span{}, Span{}
	m.start, m.body, m.fieldsEnd = Span{}, Span{}, 0
	m.err.Status = 0
	return &m.err
}

// finish cuts m behind a body of n octets and returns what was found wrong.
func (m *Message) finish(n int) error {
	m.body.End = m.body.Start + n
	m.Raw = m.Raw[:m.body.End:m.body.End]
	if m.err.Cause == "" {
		m.accepted = true
		return nil
	}
	// Nobody answers a response, nor an ACK (RFC 3261 section 17.1.1.3).
	if m.response || m.method == ACK {
		m.err.Status = 0
	}
	return &m.err
}
