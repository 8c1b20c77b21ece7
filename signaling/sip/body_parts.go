package sip

// A Part is the body of a message, or a part of a multipart body (RFC 2046
// section 5.1).
type Part struct {
	Type    Span // value of its Content-Type; empty: it has none
	Fields  Span // its own fields, with the empty line; empty for the body itself
	Content Span
	Whole   Span // of a part: with the delimiter line before it, of the body: as Content
	Inside  int  // how many of the parts that follow in the list are parts of it
}

// AppendParts appends the body and, if it is multipart, all parts of it to
// dst: each before those that it holds. A message without a body has none. The
// error, an *Error, tells of a multipart body that cannot be read; then dst is
// as it was.
func (m *Message) AppendParts(dst []Part) ([]Part, error) {
	if m.body.Empty() {
		return dst, nil
	}
	var e Error
	s := partSearch{raw: m.Raw, list: dst, keep: true}
	p := Part{Content: m.body, Whole: m.body}
	f, has := m.First(FieldContentType)
	if has {
		p.Type = f.Value
	}
	n := s.note(p)
	if has {
		s.search(&p, 1, &e)
		s.inside(n)
	}
	if err := e.result(); err != nil {
		return dst, err
	}
	return s.list, nil
}

// note keeps a part, and returns its place in the list.
func (s *partSearch) note(p Part) int {
	if s.keep {
		s.list = append(s.list, p)
	}
	return len(s.list) - 1
}

// inside counts the parts that were noted behind part n.
func (s *partSearch) inside(n int) {
	if s.keep {
		s.list[n].Inside = len(s.list) - 1 - n
	}
}

// MediaType returns the type and subtype in the value of a Content-Type,
// without parameters. It is a view.
func MediaType(raw []byte, contentType Span) []byte {
	end := endOf(raw, contentType.Start, contentType.End, ';')
	return trim(raw, Span{Start: contentType.Start, End: end}).Of(raw)
}
