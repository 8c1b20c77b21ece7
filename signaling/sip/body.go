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
	s.search(&Part{Type: f.Value, Content: m.body}, 1, &e)
	if s.ok && m.encoded() {
		e.set("multipart", 400, m.body.Start, "a body that is not encoded")
	}
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
func (s *partSearch) search(p *Part, depth int, e *Error) {
	end := endOf(s.raw, p.Type.Start, p.Type.End, ';')
	name := trim(s.raw, Span{Start: p.Type.Start, End: end}).Of(s.raw)
	if len(name) > 0 && equalFold(name, s.want) {
		s.match(p, e)
	} else if i := typeEnd(name); i < len(name) {
		e.set("multipart", 400, p.Type.Start+i, "one media type without spaces")
	}
	const multipart = "multipart/"
	if len(name) < len(multipart) || !equalFold(name[:len(multipart)], multipart) {
		return
	}
	sep := s.boundary(Span{Start: end, End: p.Type.End})
	switch {
	case len(sep) == 0 || len(sep) > boundaryMax:
		e.set("multipart", 400, p.Type.Start, "one boundary of 1 to 70 octets")
	case depth > nestingMax:
		e.set("multipart", 400, p.Content.Start, "4 levels at most")
	default:
		s.each(p.Content, sep, depth, e)
	}
}

// match takes what was looked for. Two of them, or one that is encoded, could
// be read in two ways.
func (s *partSearch) match(p *Part, e *Error) {
	switch {
	case s.ok:
		e.set("multipart", 400, p.Type.Start, "one part of this type")
	case s.encoded(p.Fields):
		e.set("multipart", 400, p.Type.Start, "a part that is not encoded")
	}
	s.found, s.ok = p.Content, true
}

// encoded tells whether the body is not what its octets say (RFC 3261 section
// 20.12).
func (m *Message) encoded() bool {
	if m.first[FieldContentEncoding] == 0 {
		return false
	}
	for i := range m.fields {
		if f := &m.fields[i]; f.ID == FieldContentEncoding && !isIdentity(f.Value.Of(m.Raw)) {
			return true
		}
	}
	return false
}

// encoded tells whether the fields of a part say that its octets are not what
// it holds (RFC 2045 section 6).
func (s *partSearch) encoded(fields Span) bool {
	for line := range bytes.Lines(fields.Of(s.raw)) {
		name, value, _ := bytes.Cut(line, []byte{':'})
		switch value = bytes.TrimSpace(value); string(bytes.ToLower(bytes.TrimSpace(name))) {
		case "content-encoding", "e", "content-transfer-encoding":
			if !isIdentity(value) {
				return true
			}
		}
	}
	return false
}

func isIdentity(encoding []byte) bool {
	for _, name := range []string{"7bit", "8bit", "binary", "identity"} {
		if equalFold(encoding, name) {
			return true
		}
	}
	return false
}

// checkContentType refuses a message with a body whose type one reader would
// see as another than the next.
func (m *Message) checkContentType(s Span) {
	name := MediaType(m.Raw, s)
	if i := typeEnd(name); i == 0 || i < len(name) {
		m.err.syntax(s.Start+i, "one media type without spaces")
	}
}

// typeEnd returns how much of name can be a type, a slash and a subtype. White
// space around the slash is legal in SIP (RFC 3261 section 25.1) and not in
// MIME (RFC 2045 section 5.1), and a list is legal in neither: one reader would
// see another type than the next.
func typeEnd(name []byte) int {
	i := run(name, 0, len(name), isToken)
	if i > 0 && i < len(name) && name[i] == '/' {
		i = run(name, i+1, len(name), isToken)
	}
	return i
}
