package sip

import (
	"strconv"

	"sbc/signaling/edit"
)

// FixLength appends the edit of Content-Length that the edits of the body make
// necessary. A message without the field gets one.
func (m *Message) FixLength(edits []Edit) []Edit {
	grown := edit.Growth(edits, m.body)
	n := strconv.AppendInt(nil, int64(m.body.Len()+grown), 10)
	f, ok := m.First(FieldContentLength)
	switch {
	case !ok:
		line := append(append([]byte("Content-Length: "), n...), "\r\n"...)
		return append(edits, Edit{Start: m.fieldsEnd, End: m.fieldsEnd, New: line, Why: "length of the body"})
	case grown == 0 && m.length == m.body.Len():
		return edits
	}
	return append(edits, Edit{Start: f.Value.Start, End: f.Value.End, New: n, Why: "length of the body"})
}
