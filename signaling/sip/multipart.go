package sip

import "bytes"

const boundaryMax = 70 // RFC 2046 section 5.1.1

// boundary returns the boundary that the parameters of a Content-Type name.
// None is returned where they name two, or where one reader unquotes to
// something else than another.
func (s *partSearch) boundary(params Span) []byte {
	var (
		p     param
		e     Error
		found Span
	)
	for i := params.Start; i < params.End; {
		if i = nextParam(s.raw, i, params.End, &p, &e); i < 0 || i < params.End && s.raw[i] != ';' {
			return nil
		}
		if equalFold(p.name.Of(s.raw), "boundary") {
			if !found.Empty() {
				return nil
			}
			found = p.value
		}
	}
	sep := trimQuotes(found.Of(s.raw))
	if bytes.IndexByte(sep, '\\') >= 0 || above(sep, 0, spaces) < len(sep) || bytes.HasSuffix(sep, []byte(" ")) {
		return nil
	}
	return sep
}

// each looks at the parts that sep divides.
func (s *partSearch) each(body Span, sep []byte, depth int, e *Error) {
	at := nextBoundary(s.raw, body.Start, body, sep)
	if at.Empty() {
		e.set("multipart", 400, body.Start, "the boundary that Content-Type names")
		return
	}
	for crlf := at.end != lineLF; e.Cause == ""; {
		if at.bad || crlf && (at.begin == lineLF || at.end == lineLF) || !crlf && (at.begin == lineCRLF || at.end == lineCRLF) {
			e.set("multipart", 400, at.Start, "delimiter lines of one kind")
			return
		}
		last := at
		if at = nextBoundary(s.raw, last.End, body, sep); last.last {
			if !at.Empty() {
				e.set("multipart", 400, at.Start, "nothing behind the closing boundary")
			}
			return
		}
		if at.Empty() {
			e.set("multipart", 400, last.End, "the closing boundary")
			return
		}
		s.part(last.Start, Span{Start: last.End, End: max(at.Start, last.End)}, crlf, depth, e)
	}
}

// part looks at one part, whose delimiter line begins at delimiter.
func (s *partSearch) part(delimiter int, at Span, crlf bool, depth int, e *Error) {
	if s.parts++; s.parts > partsMax {
		e.set("multipart", 400, at.Start, "16 parts at most")
		return
	}
	p := Part{Whole: Span{Start: delimiter, End: at.End}}
	types := splitPart(s.raw, at, &p)
	fields := p.Fields.Of(s.raw)
	ends := bytes.Count(fields, []byte("\r\n"))
	switch {
	case types > 1:
		e.set("multipart", 400, at.Start, "one Content-Type")
		return
	case bytes.IndexByte(fields, 0) >= 0 || crlf && ends != bytes.Count(fields, []byte{'\n'}) || bytes.Count(fields, []byte{'\r'}) != ends || !crlf && ends > 0:
		e.set("multipart", 400, at.Start, "fields with line ends of one kind")
		return
	}
	n := s.note(p)
	s.search(&p, depth+1, e)
	s.inside(n)
}

// A delimiter is a line that divides parts, with the line end before it, which
// belongs to it.
type delimiter struct {
	Span
	last       bool
	bad        bool    // it begins like one and goes on: RFC 2046 section 5.1.1 takes it for one, others do not
	begin, end lineEnd // of the line before, and its own
}

// A lineEnd is a kind of line end.
type lineEnd uint8

const (
	lineNone lineEnd = iota
	lineCRLF
	lineLF
)

// nextBoundary finds the next delimiter line at or behind from.
func nextBoundary(raw []byte, from int, body Span, sep []byte) (d delimiter) {
	for i := from; i < body.End; {
		j := bytes.Index(raw[i:body.End], sep)
		if j < 0 {
			break
		}
		j += i
		i = j + 1
		start := j - 2
		if start < from || raw[start] != '-' || raw[start+1] != '-' || start > body.Start && raw[start-1] != '\n' && raw[start-1] != '\r' {
			continue
		}
		var ok bool
		d.End, d.last, ok = delimiterEnd(raw, j+len(sep), body.End)
		d.bad = !ok || start > body.Start && raw[start-1] == '\r'
		d.end = endKind(raw, d.End, j)
		if start > from {
			d.begin = endKind(raw, start, from)
			start -= d.begin.octets()
		}
		d.Start = start
		return d
	}
	return delimiter{}
}

// endKind tells which line end stands before i, up to from.
func endKind(raw []byte, i, from int) lineEnd {
	switch {
	case i <= from || raw[i-1] != '\n':
		return lineNone
	case i-1 > from && raw[i-2] == '\r':
		return lineCRLF
	}
	return lineLF
}

func (e lineEnd) octets() int { return [...]int{0, 2, 1}[e] }

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

// splitPart splits a part into its fields and its content, and finds the value
// of its Content-Type. It returns how many of those the part has.
func splitPart(raw []byte, s Span, p *Part) (types int) {
	p.Fields, p.Content = s, Span{Start: s.End, End: s.End}
	for i := s.Start; i < s.End; {
		nl := bytes.IndexByte(raw[i:s.End], '\n')
		if nl < 0 {
			break
		}
		line := trim(raw, Span{Start: i, End: i + nl})
		i += nl + 1
		if line.Empty() {
			p.Fields.End, p.Content.Start = i, i
			break
		}
		colon := bytes.IndexByte(line.Of(raw), ':')
		if colon < 0 || nameID(bytes.TrimRight(line.Of(raw)[:colon], " \t")) != FieldContentType {
			continue
		}
		for i < s.End && (raw[i] == ' ' || raw[i] == '\t') {
			nl := bytes.IndexByte(raw[i:s.End], '\n')
			if nl < 0 {
				return types + 1
			}
			i += nl + 1
		}
		types++
		p.Type = trim(raw, Span{Start: line.Start + colon + 1, End: i})
	}
	return types
}

func trimQuotes(b []byte) []byte {
	if n := len(b); n >= 2 && b[0] == '"' && b[n-1] == '"' {
		return b[1 : n-1]
	}
	return b
}
