// Package sip reads, looks at, edits and writes SIP messages (RFC 3261).
//
// A Message keeps the octets that came in; its fields are views into them.
// What nobody touches goes out as it came in. Structures inside of fields are
// decoded when they are asked for; an edit replaces a span.
package sip

import (
	"sbc/signaling/edit"
)

type (
	// A Span is a range of offsets into Message.Raw.
	Span = edit.Span
	// An Edit replaces a span of Message.Raw.
	Edit = edit.Edit
)

// A Field is one header field. Name and Value are without the white space
// around them; folds inside of Value are kept.
type Field struct {
	ID    FieldID
	Line  Span // the whole field with its line ends
	Name  Span
	Value Span
}

// A Message is one request or response. The zero Message is ready for Parse,
// which may be called again and again; nothing is allocated for messages of
// up to 32 fields.
type Message struct {
	Raw []byte // from the start line to the end of the body; a view into what Parse was given

	response   bool
	method     Method
	status     int
	methodName Span
	uri        Span
	reason     Span
	start      Span
	fieldsEnd  int
	body       Span
	fields     []Field
	inline     [32]Field
	first      [fieldIDs]uint8 // index+1 of the first field with an ID; 255: beyond
	length     int             // Content-Length; -1: none

	via         Via
	from, to    NameAddr
	callID      Span
	cseq        uint32
	maxForwards int
}

// IsRequest reports whether m is a request.
func (m *Message) IsRequest() bool { return !m.response }

// Method returns the method: of a response, that of its CSeq.
func (m *Message) Method() Method { return m.method }

// MethodName returns the method as it stands in the message.
func (m *Message) MethodName() []byte { return m.methodName.Of(m.Raw) }

// Status returns the status code of a response, 0 for a request.
func (m *Message) Status() int { return m.status }

// ReasonPhrase returns where the reason phrase of a response is.
func (m *Message) ReasonPhrase() Span { return m.reason }

// RequestURI returns where the Request-URI of a request is.
func (m *Message) RequestURI() Span { return m.uri }

// StartLine returns where the start line is, without its line end.
func (m *Message) StartLine() Span { return m.start }

// Fields returns the fields in their order. The slice belongs to m.
func (m *Message) Fields() []Field { return m.fields }

// First returns the first field with an ID.
func (m *Message) First(id FieldID) (Field, bool) {
	if i := m.first[id]; i > 0 && i < 255 {
		return m.fields[i-1], true
	} else if i == 0 {
		return Field{}, false
	}
	for _, f := range m.fields {
		if f.ID == id {
			return f, true
		}
	}
	return Field{}, false
}

// Count returns how many fields have an ID.
func (m *Message) Count(id FieldID) (n int) {
	if m.first[id] == 0 {
		return 0
	}
	for i := range m.fields {
		if m.fields[i].ID == id {
			n++
		}
	}
	return n
}

// FindName returns the first field of that name, long or compact, in any case.
func (m *Message) FindName(name string) (Field, bool) {
	if id := fieldID([]byte(name)); id != FieldUnknown {
		return m.First(id)
	}
	for _, f := range m.fields {
		if f.ID == FieldUnknown && equalFold(m.Bytes(f.Name), name) {
			return f, true
		}
	}
	return Field{}, false
}

// Bytes returns the octets of s: a view into Raw.
func (m *Message) Bytes(s Span) []byte { return s.Of(m.Raw) }

// Unfold appends the octets of s with each fold replaced by one space
// (RFC 3261 section 7.3.1).
func (m *Message) Unfold(dst []byte, s Span) []byte { return unfold(dst, s.Of(m.Raw)) }

func unfold(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] != '\r' {
			dst = append(dst, b[i])
			continue
		}
		for len(dst) > 0 && isLWS(dst[len(dst)-1]) {
			dst = dst[:len(dst)-1]
		}
		for i+1 < len(b) && (isLWS(b[i+1]) || b[i+1] == '\n' || b[i+1] == '\r') {
			i++
		}
		dst = append(dst, ' ')
	}
	return dst
}

func isLWS(c byte) bool { return c == ' ' || c == '\t' }

// Body returns where the body is.
func (m *Message) Body() Span { return m.body }

// FieldsEnd returns the offset of the empty line: where new fields go.
func (m *Message) FieldsEnd() int { return m.fieldsEnd }

// Via returns the topmost Via.
func (m *Message) Via() Via { return m.via }

// From returns the From field.
func (m *Message) From() NameAddr { return m.from }

// To returns the To field.
func (m *Message) To() NameAddr { return m.to }

// CallID returns where the Call-ID is.
func (m *Message) CallID() Span { return m.callID }

// CSeq returns the sequence number.
func (m *Message) CSeq() uint32 { return m.cseq }

// MaxForwards returns the value of Max-Forwards, -1 if there is none.
func (m *Message) MaxForwards() int { return m.maxForwards }

// AppendTo appends m with the edits done.
func (m *Message) AppendTo(dst []byte, edits []Edit) ([]byte, error) {
	return edit.AppendTo(dst, m.Raw, edits)
}
