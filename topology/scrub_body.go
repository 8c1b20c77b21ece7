package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// body takes lines of a session description out, or a whole part of a body.
func (s *scrubber) body() bool {
	for i := range s.leaks {
		l := &s.leaks[i]
		body := s.m.Body()
		switch {
		case l.Shared || l.At.Start < body.Start || s.done(l.At):
		case len(l.Field) > 4 && l.Field[:4] == "SDP ":
			if !s.line(l.At) {
				return false
			}
		case !s.part(l.At):
			return false
		}
	}
	return true
}

// done reports whether an edit takes at out already.
func (s *scrubber) done(at edit.Span) bool {
	for _, e := range s.edits {
		if e.Start <= at.Start && at.End <= e.End {
			return true
		}
	}
	return false
}

// line takes out the line of a session description that at lies in.
func (s *scrubber) line(at edit.Span) bool {
	raw, body := s.m.Raw, s.m.Body()
	line := edit.Span{Start: bytes.LastIndexByte(raw[:at.Start], '\n') + 1, End: body.End}
	if i := bytes.IndexByte(raw[at.Start:body.End], '\n'); i >= 0 {
		line.End = at.Start + i + 1
	}
	switch raw[line.Start] {
	case 'v', 'o', 'c', 'm', 't':
		return false
	case 's':
		value := bytes.TrimRight(line.Of(raw), "\r\n")
		s.edits = append(s.edits, edit.Edit{Start: line.Start + 2, End: line.Start + len(value), New: []byte("-"), Why: whyLeak})
		return true
	}
	s.remove(line)
	return true
}

// part takes out the part of a multipart body that at lies in, or the whole
// body if it has no parts. It never takes a session description with it.
func (s *scrubber) part(at edit.Span) bool {
	raw, body := s.m.Raw, s.m.Body()
	boundary := s.boundary()
	if boundary == nil {
		return s.wholeBody()
	}
	delimiter := append([]byte("\r\n--"), boundary...)
	// The first delimiter may begin the body, behind the line end of the fields.
	start := bytes.LastIndex(raw[body.Start-2:at.Start], delimiter)
	end := bytes.Index(raw[at.End:body.End], delimiter)
	if start < 0 || end < 0 {
		return false
	}
	cut := edit.Span{Start: body.Start - 2 + start, End: at.End + end}
	if cut.Start < body.Start { // it stays where the body begins
		cut.Start, cut.End = cut.Start+2, cut.End+2
	}
	if bytes.Contains(cut.Of(raw), []byte("\nv=0")) {
		return false
	}
	edits := s.edits[:0]
	for _, e := range s.edits {
		if e.Start < cut.Start || e.End > cut.End {
			edits = append(edits, e)
		}
	}
	s.edits = edits
	s.remove(cut)
	return true
}

// boundary returns the boundary of a multipart body (RFC 2046 section 5.1.1).
func (s *scrubber) boundary() []byte {
	f, ok := s.m.First(sip.FieldContentType)
	if !ok {
		return nil
	}
	v := f.Value.Of(s.m.Raw)
	if len(v) < len("multipart/") || !equalFold(v[:len("multipart/")], []byte("multipart/")) {
		return nil
	}
	i := bytes.IndexByte(v, ';')
	if i < 0 {
		return nil
	}
	b, ok := sip.Param(s.m.Raw, edit.Span{Start: f.Value.Start + i, End: f.Value.End}, "boundary")
	if !ok {
		return nil
	}
	return bytes.Trim(b.Of(s.m.Raw), `"`)
}

// wholeBody takes the body out with the fields that describe it.
func (s *scrubber) wholeBody() bool {
	for _, f := range s.m.Fields() {
		if describesBody(&s.m, f) && !s.done(f.Line) {
			s.remove(f.Line)
		}
	}
	s.remove(s.m.Body())
	return true
}
