package policy

import (
	"bytes"

	"sbc/signaling/sip"
)

// matches looks at every line of the field, whatever form of the name the
// message and the rule use.
func (f *FieldMatch) matches(m *sip.Message) bool {
	if m == nil {
		return false
	}
	first, ok := m.FindName(f.Name)
	if !ok {
		return false
	}
	for _, have := range m.Fields() {
		if have.Line.Start < first.Line.Start || have.ID != first.ID {
			continue
		}
		if have.ID == sip.FieldUnknown && !bytes.EqualFold(m.Bytes(have.Name), m.Bytes(first.Name)) {
			continue
		}
		if f.holds(m, have.Value) {
			return true
		}
	}
	return false
}

// holds compares one value, unfolded (RFC 3261 section 7.3.1): a fold must
// not hide it.
func (f *FieldMatch) holds(m *sip.Message, value sip.Span) bool {
	if value.Len() > valueMax {
		return false
	}
	v := m.Bytes(value)
	if bytes.IndexByte(v, '\n') >= 0 {
		v = m.Unfold(nil, value)
	}
	return f.Value.Match(v)
}
