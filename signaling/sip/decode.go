package sip

// decode reads and judges the fields that every message needs. It goes on
// behind an error, so that the answer finds its way.
func (m *Message) decode() {
	for i := range m.fields {
		f := &m.fields[i]
		switch f.ID {
		case FieldVia:
			m.readVias(f)
		case FieldContact:
			m.readContacts(f)
		case FieldRoute, FieldRecordRoute:
			m.readRoutes(f)
		case FieldFrom:
			if m.single(i) && readNameAddr(m.Raw, f.Value.Start, f.Value.End, &m.from, &m.fromURI, &m.err) != f.Value.End {
				m.badAddr(&m.from, &m.fromURI)
			}
		case FieldTo:
			if m.single(i) && readNameAddr(m.Raw, f.Value.Start, f.Value.End, &m.to, &m.toURI, &m.err) != f.Value.End {
				m.badAddr(&m.to, &m.toURI)
			}
		case FieldCallID:
			if m.single(i) {
				m.readCallID(f)
			}
		case FieldCSeq:
			if m.single(i) {
				m.readCSeq(f)
			}
		case FieldMaxForwards:
			if m.single(i) {
				m.readMaxForwards(f)
			}
		case FieldContentLength:
			m.readLength(f, i)
		}
	}
	if m.first[FieldVia] == 0 || m.first[FieldFrom] == 0 || m.first[FieldTo] == 0 ||
		m.first[FieldCallID] == 0 || m.first[FieldCSeq] == 0 || m.via.Host.Empty() {
		m.requireFields()
	}
	if m.doubled > 0 {
		m.single(int(m.doubled) - 1)
	}
	if m.contacts == 0 {
		m.contact, m.contactURI = NameAddr{}, URI{}
	}
}

// single tells whether field i is the first of its kind. Two could be read in
// two ways.
func (m *Message) single(i int) bool {
	f := &m.fields[i]
	if int(m.first[f.ID]) == i+1 {
		return true
	}
	m.err.set("duplicate_field", 400, f.Line.Start, "one field of this name")
	return false
}

// requireFields refuses a message that lacks a field of RFC 3261 section
// 8.1.1. Without a Via there is no way back, so there is no answer either.
func (m *Message) requireFields() {
	m.clearMissing()
	if m.via.Host.Empty() {
		m.err.set("via", 0, m.fieldsEnd, "a Via")
		m.err.Status = 0
	}
	m.err.set("missing_field", 400, m.fieldsEnd, "From, To, Call-ID and CSeq")
}

// clearMissing forgets what the message before had and this one has not.
func (m *Message) clearMissing() {
	if m.first[FieldVia] == 0 {
		m.via = Via{}
	}
	if m.first[FieldFrom] == 0 {
		m.from, m.fromURI = NameAddr{}, URI{}
	}
	if m.first[FieldTo] == 0 {
		m.to, m.toURI = NameAddr{}, URI{}
	}
}

// readVias reads the values of one Via field. The first of all is where an
// answer goes.
func (m *Message) readVias(f *Field) {
	i := f.Value.Start
	if m.vias == 0 {
		m.vias = 1
		i = readVia(m.Raw, i, f.Value.End, &m.via, &m.err)
	}
	if i >= 0 && i < f.Value.End {
		m.moreVias(i, f.Value.End)
	}
}

func (m *Message) moreVias(i, end int) {
	var v Via
	for i >= 0 && i < end {
		if m.vias++; m.vias > viasMax {
			m.tooLarge(i, "70 Via at most")
			return
		}
		i = readVia(m.Raw, i, end, &v, &m.err)
	}
}

// badAddr forgets a From or To that cannot be read, or holds more than one
// value.
func (m *Message) badAddr(na *NameAddr, u *URI) {
	m.err.syntax(na.Value.End, "one value")
	*na, *u = NameAddr{}, URI{}
}

func (m *Message) readContacts(f *Field) {
	i := f.Value.Start
	if m.contacts == 0 && !isStar(m.Raw, i, f.Value.End) {
		if i = readNameAddr(m.Raw, i, f.Value.End, &m.contact, &m.contactURI, &m.err); i >= 0 {
			m.contacts = 1
		}
	}
	if i >= 0 && i < f.Value.End {
		m.moreContacts(i, f.Value.End)
	}
}

func (m *Message) moreContacts(i, end int) {
	var (
		na NameAddr
		u  URI
	)
	for i >= 0 && i < end {
		if isStar(m.Raw, i, end) {
			m.star = true
			i = nextValue(m.Raw, skipLWS(m.Raw, i+1, end), end, &na, &m.err)
		} else {
			i = readNameAddr(m.Raw, i, end, &na, &u, &m.err)
			m.contacts++
		}
	}
}

// readRoutes judges Route and Record-Route: they decide where messages go.
func (m *Message) readRoutes(f *Field) {
	var (
		na NameAddr
		u  URI
	)
	for i := f.Value.Start; i >= 0; {
		if i = readNameAddr(m.Raw, i, f.Value.End, &na, &u, &m.err); i == f.Value.End {
			return
		}
	}
}

func (m *Message) readCallID(f *Field) {
	m.callID = f.Value
	if f.Value.Empty() {
		m.err.set("missing_field", 400, f.Value.Start, "a Call-ID")
	}
	// The grammar has fewer octets; devices use more.
	if i := above(m.Raw[:f.Value.End], f.Value.Start, '!'*ones); i < f.Value.End {
		m.err.syntax(i, "a Call-ID without spaces")
	}
}

func (m *Message) readCSeq(f *Field) {
	n, i := digits(m.Raw, f.Value.Start, f.Value.End, 1<<31-1)
	name := Span{Start: skipLWS(m.Raw, i, f.Value.End), End: f.Value.End}
	same := string(name.Of(m.Raw)) == string(m.methodName.Of(m.Raw))
	if i == f.Value.Start || name.Start == i || !same && skipToken(m.Raw, name.Start, name.End) != name.End {
		m.err.set("cseq", 400, i, "a number below 2^31 and a method")
		return
	}
	m.cseq = uint32(n)
	if m.response {
		m.methodName, m.method = name, ParseMethod(name.Of(m.Raw))
	} else if !same {
		m.err.set("cseq_method", 400, name.Start, "the method of the request")
	}
}

func (m *Message) readMaxForwards(f *Field) {
	if m.response {
		return
	}
	n, i := digits(m.Raw, f.Value.Start, f.Value.End, 255)
	if i == f.Value.Start || i != f.Value.End {
		m.err.set("max_forwards", 400, i, "a number of 0 to 255")
		return
	}
	m.maxForwards = int(n)
}

// readLength reads Content-Length. Two, even equal ones, let two readers see
// two messages.
func (m *Message) readLength(f *Field, i int) {
	n, end := digits(m.Raw, f.Value.Start, f.Value.End, 1<<31-1)
	switch {
	case int(m.first[FieldContentLength]) != i+1:
		m.err.set("content_length", 400, f.Line.Start, "one Content-Length")
	case end == f.Value.Start || end != f.Value.End:
		m.err.set("content_length", 400, end, "a number")
	default:
		m.length = int(n)
		return
	}
	m.length, m.lost = lengthBad, true
}
