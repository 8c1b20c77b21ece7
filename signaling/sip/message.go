package sip

import "sbc/signaling/edit"

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
// up to 32 fields. A Message must not be copied.
//
// What a Message gives are views into the octets that Parse was given: they
// are valid as long as those are, and until the next Parse.
type Message struct {
	Raw []byte // from the start line to the end of the body

	response    bool
	accepted    bool // by the last Parse
	method      Method
	status      int
	methodName  Span
	requestURI  Span
	reason      Span
	start       Span
	fieldsEnd   int
	body        Span
	trailing    int    // octets that were cut behind the body
	length      int    // Content-Length; negative: see below
	lost        bool   // nobody knows where the message ends
	doubled     uint16 // index+1 of the second field of a name in oneAtMost
	cseq        uint32
	maxForwards int // -1: none
	callID      Span
	vias        int // values, in all fields
	contacts    int // values, in all fields
	star        bool

	fields []Field
	inline [32]Field
	first  [fieldIDs]uint16 // index+1 of the first field with an ID

	via        Via      // the topmost value
	from, to   NameAddr //
	contact    NameAddr // the first
	uri        URI
	fromURI    URI
	toURI      URI
	contactURI URI
	err        Error // what Parse found first
}

// What Message.length is without a Content-Length, and with one that does not
// say where the body ends.
const (
	lengthNone = -1
	lengthBad  = -2
)

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
func (m *Message) RequestURI() Span { return m.requestURI }

// URI returns the decoded Request-URI.
func (m *Message) URI() URI { return m.uri }

// StartLine returns where the start line is, without its line end.
func (m *Message) StartLine() Span { return m.start }

// Fields returns the fields in their order. The slice belongs to m.
func (m *Message) Fields() []Field { return m.fields }

// First returns the first field with an ID.
func (m *Message) First(id FieldID) (Field, bool) {
	if i := m.first[id]; i > 0 {
		return m.fields[i-1], true
	}
	return Field{}, false
}

// Count returns how many fields have an ID.
func (m *Message) Count(id FieldID) (n int) {
	if m.first[id] == 0 {
		return 0
	}
	for i := int(m.first[id]) - 1; i < len(m.fields); i++ {
		if m.fields[i].ID == id {
			n++
		}
	}
	return n
}

// FindName returns the first field of that name, long or compact, in any case.
func (m *Message) FindName(name string) (Field, bool) {
	if id := nameID([]byte(name)); id != FieldUnknown {
		return m.First(id)
	}
	for i := range m.fields {
		if f := &m.fields[i]; f.ID == FieldUnknown && equalFold(m.Bytes(f.Name), name) {
			return *f, true
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
	begin := len(dst)
	for i := 0; i < len(b); i++ {
		// A CR or LF that a backslash quotes is no fold: Parse refuses it.
		if b[i] != '\r' && b[i] != '\n' {
			dst = append(dst, b[i])
			continue
		}
		for len(dst) > begin && isLWS(dst[len(dst)-1]) {
			dst = dst[:len(dst)-1]
		}
		for i+1 < len(b) && isLWS(b[i+1]) {
			i++
		}
		dst = append(dst, ' ')
	}
	return dst
}

// Body returns where the body is.
func (m *Message) Body() Span { return m.body }

// Trailing returns how many octets behind the body were cut
// (RFC 3261 section 18.3).
func (m *Message) Trailing() int { return m.trailing }

// FieldsEnd returns the offset of the empty line: where new fields go.
func (m *Message) FieldsEnd() int { return m.fieldsEnd }

// Via returns the topmost Via.
func (m *Message) Via() Via { return m.via }

// Vias returns how many hops the message names: values of Via.
func (m *Message) Vias() int { return m.vias }

// From returns the From field.
func (m *Message) From() NameAddr { return m.from }

// FromURI returns the decoded URI of From.
func (m *Message) FromURI() URI { return m.fromURI }

// To returns the To field.
func (m *Message) To() NameAddr { return m.to }

// ToURI returns the decoded URI of To.
func (m *Message) ToURI() URI { return m.toURI }

// Contact returns the first value of Contact and its URI; ok is false if
// there is none, or if it is "*".
func (m *Message) Contact() (na NameAddr, u URI, ok bool) {
	return m.contact, m.contactURI, m.contacts > 0
}

// Contacts returns how many addresses all Contact fields hold together, and
// whether one of the values is "*". An INVITE has exactly one
// (RFC 3261 section 8.1.1.8).
func (m *Message) Contacts() (n int, star bool) { return m.contacts, m.star }

// CallID returns where the Call-ID is.
func (m *Message) CallID() Span { return m.callID }

// CSeq returns the sequence number.
func (m *Message) CSeq() uint32 { return m.cseq }

// MaxForwards returns the value of Max-Forwards, -1 if there is none. In a
// response it is always -1.
func (m *Message) MaxForwards() int { return m.maxForwards }

// AppendTo appends m with the edits done. It sorts edits in place.
func (m *Message) AppendTo(dst []byte, edits []Edit) ([]byte, error) {
	return edit.AppendTo(dst, m.Raw, edits)
}
