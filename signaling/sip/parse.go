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

// windowMax is how much of a message may come before its fields end.
const windowMax = fieldSectionMax + len("\r\n\r\n")

// ParseStream reads one message from the start of what a stream has brought
// so far, and returns how many octets it took. 0 and no error: more is needed.
// What it says does not depend on the pieces in which the octets came.
//
// RFC 3261 section 18.3 wants a Content-Length on streams. After an error that
// says Close the stream has lost its place; after any other the next message
// begins behind the n octets. The cause "keepalive" is one that RFC 5626
// section 4.4.1 wants answered by a CRLF.
func (m *Message) ParseStream(b []byte) (n int, err error) {
	m.reset()
	skip := skipCRLF(b)
	if skip >= 4 && string(b[:4]) == "\r\n\r\n" {
		m.err.set("keepalive", 0, 0, "a message")
		return 4, m.refuse()
	}
	m.Raw = b[skip:]
	if skip > fieldMax {
		m.err.set("not_sip", 0, 0, "a message")
		return skip, m.lose(m.refuse())
	}
	if len(m.Raw) == 0 {
		return 0, nil
	}
	end := bytes.Index(m.Raw[:min(len(m.Raw), windowMax)], []byte("\r\n\r\n"))
	if end < 0 || class[m.Raw[0]]&isToken == 0 {
		return m.unfinished(b)
	}
	m.Raw = m.Raw[:end+4]
	if !m.read() {
		return skip + end + 4, m.lose(m.refuse())
	}
	switch {
	case m.length == lengthNone:
		m.err.set("content_length", 400, end, "a Content-Length")
		m.lost = true
	case m.length > bodyMax:
		m.err.set("too_large", 413, end, "a body of 64 KiB at most")
		m.lost = true
	}
	if m.lost {
		return skip + end + 4, m.lose(m.finish(0))
	}
	if m.Raw = b[skip:]; len(m.Raw) < end+4+m.length {
		return 0, nil
	}
	return skip + end + 4 + m.length, m.finish(m.length)
}

// lose says of an error that the stream has lost its place.
func (m *Message) lose(err error) error {
	m.err.Close = true
	return err
}

// unfinished judges the start of a message whose fields have not come to
// their end, so that what never was SIP does not wait for it.
func (m *Message) unfinished(b []byte) (int, error) {
	nl := bytes.IndexByte(m.Raw[:min(len(m.Raw), windowMax)], '\n')
	switch {
	case class[m.Raw[0]]&isToken == 0:
		if m.Raw[0] == handshake && len(m.Raw) < 3 {
			return 0, nil
		}
		m.notSIP(m.Raw)
	case nl >= 0 && m.startLine(m.Raw[:nl+1]) < 0:
	case len(m.Raw) < windowMax:
		return 0, nil
	case nl < 0:
		m.err.set("too_large", 0, 0, "an end of the fields within 32 KiB")
	default:
		return len(b), m.endless(nl)
	}
	return len(b), m.lose(m.refuse())
}

// endless refuses a message whose fields do not end. Those that came are read,
// for the answer.
func (m *Message) endless(nl int) error {
	m.err.Cause = ""
	m.Raw = m.Raw[:windowMax]
	m.Raw = m.Raw[:max(nl, bytes.LastIndexByte(m.Raw, '\n'))+1]
	m.readFields(m.Raw, m.startLine(m.Raw))
	m.err.Cause = ""
	m.err.set("too_large", 513, len(m.Raw), "an end of the fields within 32 KiB")
	m.fieldsEnd = len(m.Raw)
	m.body = Span{Start: len(m.Raw), End: len(m.Raw)}
	m.decode()
	return m.lose(m.finish(0))
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
	m.fieldsEnd, m.body, m.trailing, m.length = 0, Span{}, 0, lengthNone
	m.lost, m.doubled = false, 0
	m.cseq, m.maxForwards, m.callID = 0, -1, Span{}
	m.vias, m.contacts, m.star = 0, 0, false
	if cap(m.fields) < len(m.inline) {
		m.fields = m.inline[:]
	}
	m.fields = m.fields[:0]
	m.first = [fieldIDs]uint16{}
	m.err.Cause, m.err.Close = "", false
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
	if i := m.first[FieldContentType]; i > 0 && n > 0 {
		if v := m.fields[i-1].Value; string(v.Of(m.Raw)) != "application/sdp" {
			m.checkContentType(v)
		}
	}
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
