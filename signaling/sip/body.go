package sip

import "bytes"

// Ours: SIP-I has two parts, a message with PIDF-LO and SDP three.
const (
	nestingMax = 4
	partsMax   = 16
)

// BodyPart finds the body, or the part of a multipart body (RFC 2046 section
// 5.1), that has a media type. A message without a Content-Type has no body
// that could be named, but for application/sdp, which old devices leave
// untyped. The error tells of a multipart body that cannot be read.
func (m *Message) BodyPart(mediaType string) (part Span, ok bool, err error) {
	if m.body.Empty() {
		return Span{}, false, nil
	}
	f, has := m.First(FieldContentType)
	if !has {
		return m.body, mediaType == "application/sdp", nil
	}
	parts := 0
	return m.findPart(m.body, f.Value, mediaType, 1, &parts)
}

func (m *Message) findPart(body, contentType Span, want string, depth int, parts *int) (Span, bool, error) {
	typ, params := splitType(m.Raw, contentType)
	if equalType(typ.Of(m.Raw), want) {
		return body, true, nil
	}
	if len(typ.Of(m.Raw)) < 10 || !equalType(typ.Of(m.Raw)[:10], "multipart/") {
		return Span{}, false, nil
	}
	boundary, _ := Param(m.Raw, params, "boundary")
	sep := trimQuotes(m.Bytes(boundary))
	if len(sep) == 0 || len(sep) > 70 || depth > nestingMax {
		return Span{}, false, bad("multipart", 400, contentType.Start, "a boundary, and four levels at most")
	}
	return m.eachPart(body, sep, want, depth, parts)
}

func (m *Message) eachPart(body Span, sep []byte, want string, depth int, parts *int) (found Span, ok bool, err error) {
	at, last := nextBoundary(m.Raw, body.Start, body, sep)
	if at.Empty() {
		return Span{}, false, bad("multipart", 400, body.Start, "the boundary that Content-Type names")
	}
	for !last {
		var next Span
		begin := at.End
		next, last = nextBoundary(m.Raw, begin, body, sep)
		if next.Empty() {
			return Span{}, false, bad("multipart", 400, begin, "the closing boundary")
		}
		if *parts++; *parts > partsMax {
			return Span{}, false, bad("multipart", 400, begin, "16 parts at most")
		}
		if !ok {
			content, ct := m.part(Span{Start: begin, End: max(next.Start, begin)})
			if found, ok, err = m.findPart(content, ct, want, depth+1, parts); err != nil {
				return Span{}, false, err
			}
		}
		at = next
	}
	return found, ok, nil
}

// nextBoundary finds the delimiter line at or behind from: with the line end
// before it, which belongs to it.
func nextBoundary(raw []byte, from int, body Span, sep []byte) (at Span, last bool) {
	for i := from; i < body.End; {
		j := bytes.Index(raw[i:body.End], sep)
		if j < 0 {
			return Span{}, false
		}
		j += i
		i = j + 1
		start, end := j-2, j+len(sep)
		if start < body.Start || raw[start] != '-' || raw[start+1] != '-' || start > body.Start && raw[start-1] != '\n' {
			continue
		}
		last = end+2 <= body.End && raw[end] == '-' && raw[end+1] == '-'
		if last {
			end += 2
		}
		for end < body.End && isLWS(raw[end]) {
			end++
		}
		if end < body.End && raw[end] != '\r' && raw[end] != '\n' {
			continue
		}
		for k := 0; k < 2 && end < body.End && (raw[end] == '\r' || raw[end] == '\n'); k++ {
			if end++; raw[end-1] == '\n' {
				break
			}
		}
		if start > body.Start && raw[start-1] == '\n' {
			start--
		}
		if start > body.Start && raw[start-1] == '\r' {
			start--
		}
		return Span{Start: start, End: end}, last
	}
	return Span{}, false
}

// part splits one part into its content and the value of its Content-Type.
func (m *Message) part(s Span) (content, contentType Span) {
	i := s.Start
	for i < s.End {
		nl := bytes.IndexByte(m.Raw[i:s.End], '\n')
		if nl < 0 {
			return Span{Start: s.End, End: s.End}, contentType
		}
		line := trim(m.Raw, Span{Start: i, End: i + nl})
		i += nl + 1
		if line.Empty() {
			return Span{Start: i, End: s.End}, contentType
		}
		if name, value, ok := bytes.Cut(m.Bytes(line), []byte(":")); ok && fieldID(bytes.TrimSpace(name)) == FieldContentType {
			contentType = trim(m.Raw, Span{Start: line.End - len(value), End: line.End})
		}
	}
	return Span{Start: s.End, End: s.End}, contentType
}

func splitType(raw []byte, s Span) (typ, params Span) {
	end := endOf(raw, s.Start, s.End, ";")
	return trim(raw, Span{Start: s.Start, End: end}), Span{Start: end, End: s.End}
}

// equalType compares media types, in which '/' stands beside tokens.
func equalType(b []byte, text string) bool {
	if len(b) != len(text) {
		return false
	}
	for i, c := range b {
		if c != text[i] && lower[c] != text[i] {
			return false
		}
	}
	return true
}

func trimQuotes(b []byte) []byte {
	if n := len(b); n >= 2 && b[0] == '"' && b[n-1] == '"' {
		return b[1 : n-1]
	}
	return b
}
