package sip

import "bytes"

const version = "SIP/2.0"

// startLine reads the start line and returns where the fields begin, or -1
// for what is not SIP at all. Any other error lets the fields be read, for
// the answer.
func (m *Message) startLine(b []byte) int {
	end := plain(b, 0)
	next := end + 2
	if end+1 >= len(b) || b[end] != '\r' || b[end+1] != '\n' {
		if next = m.oddStartLine(b); next < 0 {
			return next
		}
		end = len(bytes.TrimRight(b[:next], "\r\n"))
	}
	m.start = Span{End: end}
	if end >= len(version)+1 && string(b[:len(version)+1]) == version+" " {
		m.statusLine(b[:end])
		return next
	}
	return m.requestLine(b[:end], next)
}

// oddStartLine judges a start line with an octet that cannot stand in it, and
// returns where it ends.
func (m *Message) oddStartLine(b []byte) int {
	nl := bytes.IndexByte(b, '\n')
	if nl < 0 || !bytes.Contains(b[:nl], []byte("SIP/")) && !bytes.Contains(b[:nl], []byte("HTTP/")) {
		return m.notSIP(b)
	}
	line, cut := b[:nl], bytes.TrimSuffix(b[:nl], []byte{'\r'})
	if len(cut) == len(line) || bytes.IndexByte(cut, '\r') >= 0 {
		m.badLineEnd(plain(b, 0))
	} else if i := plain(b, 0); b[i] == '\t' && !bytes.HasPrefix(b, []byte(version)) {
		m.err.set("start_line", 400, i, "single spaces")
	} else if b[i] != '\t' {
		m.err.set("control_octet", 400, i, "text without control octets")
	}
	return nl + 1
}

// handshake is the first octet of a connection that begins with TLS
// (RFC 8446 section 5.1).
const handshake = 0x16

// notSIP says of b that it is no SIP at all.
func (m *Message) notSIP(b []byte) int {
	if len(b) > 2 && b[0] == handshake && b[1] == 3 {
		return m.err.set("wrong_protocol", 0, 0, "SIP without TLS")
	}
	return m.err.set("not_sip", 0, 0, "a start line")
}

// statusLine reads "SIP/2.0 200 OK".
func (m *Message) statusLine(line []byte) {
	m.response, m.uri = true, URI{}
	n, end := digits(line, len(version)+1, len(line), 999)
	if end != len(version)+4 || n < 100 || n > 699 || end == len(line) || line[end] != ' ' {
		m.err.set("status", 0, len(version)+1, "a status code of 100 to 699 and a phrase")
		return
	}
	m.status = int(n)
	m.reason = Span{Start: end + 1, End: len(line)}
}

// requestLine reads "INVITE sip:bob@example.com SIP/2.0" and returns next, or
// -1 for what is not SIP at all.
func (m *Message) requestLine(line []byte, next int) int {
	sp := 0
	for sp < len(line) && class[line[sp]]&isToken != 0 {
		sp++
	}
	uri := Span{Start: sp + 1, End: len(line) - len(version) - 1}
	if sp == 0 || sp == len(line) || uri.Start >= uri.End || string(line[uri.End:]) != " "+version || line[sp] != ' ' {
		if uri = m.oddRequestLine(line, sp); uri.Empty() {
			return -1
		}
	}
	m.methodName = Span{End: sp}
	m.method = ParseMethod(line[:sp])
	m.requestURI = uri
	m.checkURI()
	return next
}

// oddRequestLine judges a line that does not end in SIP/2.0, and returns where
// its Request-URI is, as well as that can be told.
func (m *Message) oddRequestLine(line []byte, sp int) Span {
	last := bytes.LastIndex(line, []byte("SIP/"))
	if bytes.Contains(line, []byte(" HTTP/")) && last < 0 {
		m.err.set("wrong_protocol", 0, 0, "SIP, not HTTP")
		return Span{}
	}
	if sp == 0 || last <= sp {
		if last == 0 {
			m.err.set("status", 0, 0, version)
		}
		m.err.set("not_sip", 0, 0, "a method, a URI and "+version)
		return Span{}
	}
	switch v := bytes.TrimRight(line[last:], " \t"); {
	case line[sp] != ' ' && line[sp] != '\t':
		m.err.set("not_sip", 0, sp, "a method and a space")
		return Span{}
	case len(v) != len(line)-last, !isLWS(line[last-1]):
		m.err.set("start_line", 400, last+len(v), "single spaces, none at the end")
	case string(v) != version:
		// RFC 3261 section 7.1 wants it sent in upper case; what we took in
		// lower case we would have to change before passing it on.
		m.err.set("version", 505, last, version)
	default:
		m.err.set("start_line", 400, sp, "a method, a URI and a version")
	}
	uri := trim(line, Span{Start: sp, End: last})
	if uri.Empty() {
		uri = Span{Start: sp, End: last}
	}
	return uri
}

// IsSOS reports whether a URI is a URN for help: urn:service:sos and what is below
// it (RFC 5031 section 4.2).
func IsSOS(uri []byte) bool {
	const urn = "urn:service:sos"
	return len(uri) >= len(urn) && equalFold(uri[:len(urn)], urn) && (len(uri) == len(urn) || uri[len(urn)] == '.')
}

// checkURI decodes and judges the Request-URI.
func (m *Message) checkURI() {
	s := m.requestURI
	m.uri = URI{}
	if s.Len() > uriMax {
		m.err.set("uri_too_long", 414, s.Start, "a Request-URI of 2 KiB at most")
		return
	}
	if i := readURI(m.Raw, s.Start, s.End, false, &m.uri, nil); i < s.End {
		m.uri = URI{}
		m.err.set("start_line", 400, max(i, s.Start), "a URI without spaces and brackets")
		return
	}
	u := &m.uri
	if !u.Routable() && !IsSOS(m.Bytes(s)) {
		m.err.set("scheme", 416, s.Start, "sip, sips or tel")
	}
	// RFC 3261 section 19.1.1: no headers in a Request-URI.
	if u.Headers.Start > 0 {
		m.err.set("uri_headers", 400, u.Headers.Start, "a Request-URI without headers")
	}
}
