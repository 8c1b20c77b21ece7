package policy

import (
	"bytes"
	"iter"

	"sbc/signaling/sip"
)

// matches looks at every line of the field, whatever form of the name the
// message and the rule use.
func (f *FieldMatch) matches(m *sip.Message) bool {
	for value := range f.values(m) {
		if f.holds(m, value) {
			return true
		}
	}
	return false
}

// values yields the values of the field's lines.
func (f *FieldMatch) values(m *sip.Message) iter.Seq[sip.Span] {
	return func(yield func(sip.Span) bool) {
		if m == nil {
			return
		}
		first, ok := m.FindName(f.Name)
		if !ok {
			return
		}
		for _, have := range m.Fields() {
			if have.Line.Start < first.Line.Start || have.ID != first.ID {
				continue
			}
			if have.ID == sip.FieldUnknown && !bytes.EqualFold(m.Bytes(have.Name), m.Bytes(first.Name)) {
				continue
			}
			if !yield(have.Value) {
				return
			}
		}
	}
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
