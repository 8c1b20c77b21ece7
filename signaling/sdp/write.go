package sdp

import "sbc/signaling/edit"

// LineEnd returns the line end of the description: that of its first line.
func (s *Session) LineEnd() string {
	if len(s.Lines) > 0 {
		if l := s.Lines[0]; s.ended(0) && l.Line.End-l.Value.End == len("\n") {
			return "\n"
		}
	}
	return "\r\n"
}

// ended reports whether line i has a line end.
func (s *Session) ended(i int) bool {
	l := s.Lines[i].Line
	return s.Raw[l.End-1] == '\n'
}

// Replace appends the edit that makes value what follows the '=' of line i.
// The line end stays.
func (s *Session) Replace(edits []edit.Edit, i int, value []byte, why edit.Reason) []edit.Edit {
	v := s.Lines[i].Value
	return append(edits, edit.Edit{Start: v.Start, End: v.End, New: value, Why: why})
}

// Remove appends the edit that takes line i out.
func (s *Session) Remove(edits []edit.Edit, i int, why edit.Reason) []edit.Edit {
	l := s.Lines[i].Line
	return append(edits, edit.Edit{Start: l.Start, End: l.End, Why: why})
}

// Insert appends the edit that puts line ("a=recvonly", without line end)
// behind line i, which must be one that stays.
func (s *Session) Insert(edits []edit.Edit, i int, line []byte, why edit.Reason) []edit.Edit {
	at, eol := s.Lines[i].Line.End, s.LineEnd()
	text := make([]byte, 0, len(line)+len(eol))
	if s.ended(i) {
		text = append(append(text, line...), eol...)
	} else {
		text = append(append(text, eol...), line...)
	}
	return append(edits, edit.Edit{Start: at, End: at, New: text, Why: why})
}
