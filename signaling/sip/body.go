package sip

import "bytes"

// Ours: SIP-I has two parts, a message with PIDF-LO and SDP three.
const (
	nestingMax = 4
	partsMax   = 16
)

// BodyPart finds the body, or the part of a multipart body (RFC 2046 section
// 5.1), that has a media type, given in lower case. A body without a
// Content-Type is taken as application/sdp: old devices send it so. The error,
// an *Error, tells of a multipart body that cannot be read.
func (m *Message) BodyPart(mediaType string) (part Span, ok bool, err error) {
	if m.body.Empty() {
		return Span{}, false, nil
	}
	f, has := m.First(FieldContentType)
	if !has {
		return m.body, mediaType == "application/sdp", nil
	}
	var e Error
	s := partSearch{raw: m.Raw, want: mediaType}
	s.search(m.body, f.Value, 1, &e)
	if err := e.result(); err != nil {
		return Span{}, false, err
	}
	return s.found, s.ok, nil
}

// A partSearch looks for the first part with a media type, and at all parts
// behind it: the whole body must be readable.
type partSearch struct {
	raw   []byte
	want  string
	parts int // met so far, at all depths
	found Span
	ok    bool
	list  []Part // all parts, where keep says so
	keep  bool
}

// search looks at a body, or a part of one, and into it if it is multipart.
func (s *partSearch) search(body, contentType Span, depth int, e *Error) {
	end := endOf(s.raw, contentType.Start, contentType.End, ';')
	name := trim(s.raw, Span{Start: contentType.Start, End: end}).Of(s.raw)
	if !s.ok && equalFold(name, s.want) {
		s.found, s.ok = body, true
	}
	const multipart = "multipart/"
	if len(name) < len(multipart) || !equalFold(name[:len(multipart)], multipart) {
		return
	}
	boundary, _ := Param(s.raw, Span{Start: end, End: contentType.End}, "boundary")
	sep := trimQuotes(boundary.Of(s.raw))
	switch {
	case len(sep) == 0 || len(sep) > 70:
		e.set("multipart", 400, contentType.Start, "a boundary of 1 to 70 octets")
	case depth > nestingMax:
		e.set("multipart", 400, body.Start, "4 levels at most")
	default:
		s.each(body, sep, depth, e)
	}
}

// each looks at the parts that sep divides.
func (s *partSearch) each(body Span, sep []byte, depth int, e *Error) {
	at, last := nextBoundary(s.raw, body.Start, body, sep)
	if at.Empty() {
		e.set("multipart", 400, body.Start, "the boundary that Content-Type names")
		return
	}
	for !last && e.Cause == "" {
		delimiter, begin := at.Start, at.End
		at, last = nextBoundary(s.raw, begin, body, sep)
		if at.Empty() {
			e.set("multipart", 400, begin, "the closing boundary")
			return
		}
		if s.parts++; s.parts > partsMax {
			e.set("multipart", 400, begin, "16 parts at most")
			return
		}
		content, contentType := splitPart(s.raw, Span{Start: begin, End: max(at.Start, begin)})
		n := s.note(Part{
			Type: contentType, Fields: Span{Start: begin, End: content.Start}, Content: content,
			Whole: Span{Start: delimiter, End: max(at.Start, begin)},
		})
		s.search(content, contentType, depth+1, e)
		s.inside(n)
	}
}

// nextBoundary finds the next delimiter line at or behind from, with the line
// end before it, which belongs to it.
func nextBoundary(raw []byte, from int, body Span, sep []byte) (at Span, last bool) {
	for i := from; i < body.End; {
		j := bytes.Index(raw[i:body.End], sep)
		if j < 0 {
			break
		}
		j += i
		i = j + 1
		start := j - 2
		if start < from || raw[start] != '-' || raw[start+1] != '-' || start > body.Start && raw[start-1] != '\n' {
			continue
		}
		end, last, ok := delimiterEnd(raw, j+len(sep), body.End)
		if !ok {
			continue
		}
		if start > from && raw[start-1] == '\n' {
			start--
			if start > from && raw[start-1] == '\r' {
				start--
			}
		}
		return Span{Start: start, End: end}, last
	}
	return Span{}, false
}

// delimiterEnd reads what follows the boundary in a delimiter line: two dashes
// in the last one, white space, a line end.
func delimiterEnd(raw []byte, i, end int) (next int, last, ok bool) {
	if i+2 <= end && raw[i] == '-' && raw[i+1] == '-' {
		last = true
		i += 2
	}
	for i < end && (raw[i] == ' ' || raw[i] == '\t') {
		i++
	}
	if i == end {
		return i, last, true
	}
	if raw[i] == '\r' && i+1 < end && raw[i+1] == '\n' {
		return i + 2, last, true
	}
	return i + 1, last, raw[i] == '\n'
}

// splitPart splits a part into its content and the value of its Content-Type,
// empty if it has none.
func splitPart(raw []byte, s Span) (content, contentType Span) {
	for i := s.Start; i < s.End; {
		nl := bytes.IndexByte(raw[i:s.End], '\n')
		if nl < 0 {
			break
		}
		line := trim(raw, Span{Start: i, End: i + nl})
		i += nl + 1
		if line.Empty() {
			return Span{Start: i, End: s.End}, contentType
		}
		// A Content-Type may be folded; its first line has the type.
		colon := bytes.IndexByte(line.Of(raw), ':')
		if colon < 0 || nameID(bytes.TrimRight(line.Of(raw)[:colon], " \t")) != FieldContentType {
			continue
		}
		for i < s.End && (raw[i] == ' ' || raw[i] == '\t') {
			nl := bytes.IndexByte(raw[i:s.End], '\n')
			if nl < 0 {
				return Span{Start: s.End, End: s.End}, contentType
			}
			i += nl + 1
		}
		contentType = trim(raw, Span{Start: line.Start + colon + 1, End: i})
	}
	return Span{Start: s.End, End: s.End}, contentType
}

func trimQuotes(b []byte) []byte {
	if n := len(b); n >= 2 && b[0] == '"' && b[n-1] == '"' {
		return b[1 : n-1]
	}
	return b
}
