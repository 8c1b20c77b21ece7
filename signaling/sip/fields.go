package sip

// readFields finds the fields of b from i on and returns where the body
// begins, or -1 if the fields do not end.
func (m *Message) readFields(b []byte, i int) int {
	for i < len(b) {
		end := plain(b, i)
		if end == i && b[i] <= '\r' {
			if b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n' {
				return m.endFields(i, i+2)
			} else if b[i] == '\n' {
				m.badLineEnd(i)
				return m.endFields(i, i+1)
			}
		}
		f := m.nextField()
		next := end + 2
		if next < len(b) && b[end] == '\r' && b[end+1] == '\n' && b[next] != ' ' && b[next] != '\t' {
			value := i
			if f.ID, value = knownName(b, i); f.ID != FieldUnknown {
				f.Name = Span{Start: i, End: value}
				value++
			} else {
				value = oddName(b, i, f)
			}
			if value+1 < end && b[value] == ' ' && b[value+1] > ' ' && b[end-1] > ' ' {
				f.Value = Span{Start: value + 1, End: end}
			} else {
				f.Value = trim(b, Span{Start: value, End: end})
			}
		} else if next = m.oddField(b, i, f); next < 0 {
			break
		}
		f.Line = Span{Start: i, End: next}
		if !f.Name.Empty() && next-i <= fieldMax && len(m.fields) < fieldsMax {
			m.fields = m.fields[:len(m.fields)+1]
			if m.first[f.ID] == 0 {
				m.first[f.ID] = uint16(len(m.fields))
			} else if oneAtMost[f.ID] && m.doubled == 0 {
				m.doubled = uint16(len(m.fields))
			}
		} else {
			m.judgeField(f)
		}
		i = next
	}
	m.err.set("not_sip", 0, i, "an empty line behind the fields")
	return -1
}

func (m *Message) endFields(i, body int) int {
	m.fieldsEnd = i
	if i > fieldSectionMax {
		m.tooLarge(fieldSectionMax, "fields of 32 KiB at most")
	}
	return body
}

// badLineEnd refuses a CR or LF that stands alone: what one reader takes for
// the end of a line, or of the fields, another does not.
func (m *Message) badLineEnd(at int) {
	m.err.set("line_ending", 400, at, "CRLF")
	m.lost = true
}

// tooLarge refuses more than is read: what is left out may be anything.
func (m *Message) tooLarge(at int, want string) {
	m.err.set("too_large", 513, at, want)
	m.lost = true
}

// nextField returns the place behind the last field.
func (m *Message) nextField() *Field {
	n := len(m.fields)
	if n == cap(m.fields) {
		m.fields = append(m.fields, Field{})[:n]
	}
	return &m.fields[:n+1][n]
}

// judgeField says why the field at nextField is not kept.
func (m *Message) judgeField(f *Field) {
	switch {
	case f.Name.Empty():
		m.err.set("field_name", 400, f.Line.Start, "a field name and a colon")
	case f.Line.Len() > fieldMax:
		m.tooLarge(f.Line.Start, "a field of 8 KiB at most")
	default:
		m.tooLarge(f.Line.Start, "256 fields at most")
	}
}

// oddName reads the name of the field at start, known or not, and returns the
// offset behind the colon. A line that is no field leaves f.Name empty, and
// the offset at start.
func oddName(b []byte, start int, f *Field) int {
	i := run(b, start, len(b), isToken)
	f.ID, f.Name = FieldUnknown, Span{Start: start, End: i}
	// White space and folds before the colon are legal (RFC 3261 section
	// 25.1, HCOLON): the field is the same for every rule.
	for i < len(b) {
		if foldAt(b, i) {
			i += 2
		} else if b[i] != ' ' && b[i] != '\t' {
			break
		}
		i++
	}
	if i == len(b) || b[i] != ':' {
		f.Name.End = start
		return start
	}
	f.ID = nameID(f.Name.Of(b))
	return i + 1
}

// foldAt tells whether a line ends at i that goes on in the next.
func foldAt(b []byte, i int) bool {
	return i+2 < len(b) && b[i] == '\r' && b[i+1] == '\n' && (b[i+2] == ' ' || b[i+2] == '\t')
}

// oddField reads a field with tabs, folds or octets that cannot stand in one,
// judges them, and returns where it ends, or -1.
func (m *Message) oddField(b []byte, i int, f *Field) int {
	value := oddName(b, i, f)
	end := m.oddValue(b, value)
	if end >= 0 {
		f.Value = trim(b, Span{Start: value, End: end})
	}
	return end
}

// oddValue judges the octets of the value that begins at i, and returns where
// its field ends, or -1.
func (m *Message) oddValue(b []byte, i int) int {
	quoted := false
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\':
			// A quoted-pair may hold any octet of ASCII but CR and LF
			// (RFC 3261 section 25.1).
			if quoted && i+1 < len(b) && b[i+1] != '\r' && b[i+1] != '\n' {
				i++
			}
		case c >= ' ' && c != 0x7f, c == '\t':
		case foldAt(b, i):
			i += 2
		case c == '\r' && i+1 < len(b) && b[i+1] == '\n':
			return i + 2
		case c == '\n':
			m.badLineEnd(i)
			if i+1 == len(b) || b[i+1] != ' ' && b[i+1] != '\t' {
				return i + 1
			}
		case c == '\r':
			m.badLineEnd(i)
		default:
			m.err.set("control_octet", 400, i, "text without control octets")
		}
	}
	return -1
}
