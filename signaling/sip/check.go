package sip

// check decodes and judges the fields that every message needs.
func (m *Message) check() error {
	if err := m.checkVias(); err != nil {
		return err
	}
	if err := m.checkSingle(); err != nil {
		return m.fault(err)
	}
	for _, decode := range [...]func(*Message) *Error{(*Message).checkAddrs, (*Message).checkCallID, (*Message).checkCSeq, (*Message).checkHops, (*Message).checkLength, (*Message).checkLists} {
		if err := decode(m); err != nil {
			return m.fault(err)
		}
	}
	return nil
}

// fault returns err as it applies to m: nobody answers a response.
func (m *Message) fault(err *Error) error {
	if m.response {
		err.Status = 0
	}
	return err
}

// checkVias wants one readable Via: without it there is no way back.
func (m *Message) checkVias() error {
	f, ok := m.First(FieldVia)
	if !ok {
		return bad("via", 0, m.fieldsEnd, "a Via")
	}
	v, rest, err := ParseVia(m.Raw, f.Value)
	if err != nil {
		return viaFault(err)
	}
	m.via = v
	n := 1
	for _, f := range m.fields {
		if f.ID != FieldVia {
			continue
		}
		if n > 1 || f.Value != (Span{Start: v.Value.Start, End: f.Value.End}) {
			rest = f.Value
			n++
		}
		for !rest.Empty() {
			if _, rest, err = ParseVia(m.Raw, rest); err != nil {
				return viaFault(err)
			}
			n++
		}
		if n > 2*viasMax {
			break
		}
		n = max(n, 2)
	}
	if m.Count(FieldVia) > viasMax {
		return m.fault(bad("too_large", 513, m.via.Value.Start, "70 Via fields at most"))
	}
	return nil
}

func viaFault(err error) error {
	e := err.(*Error)
	return bad("via", 0, e.At, e.Want)
}

// single are the fields of which a message has one at most: two could be read
// in two ways.
var single = [...]FieldID{FieldFrom, FieldTo, FieldCallID, FieldCSeq, FieldMaxForwards}

func (m *Message) checkSingle() *Error {
	for _, id := range single {
		if m.first[id] != 0 && m.Count(id) > 1 {
			return bad("duplicate_field", 400, m.fieldsEnd, "one "+id.String())
		}
	}
	for _, id := range single[:4] {
		if m.first[id] == 0 {
			return bad("missing_field", 400, m.fieldsEnd, "a "+id.String())
		}
	}
	if m.Count(FieldContentLength) > 1 {
		return bad("content_length", 400, m.fieldsEnd, "one Content-Length")
	}
	return nil
}

func (m *Message) checkAddrs() *Error {
	for _, x := range [...]struct {
		id FieldID
		to *NameAddr
	}{{FieldFrom, &m.from}, {FieldTo, &m.to}} {
		f, _ := m.First(x.id)
		if endOf(m.Raw, f.Value.Start, f.Value.End, ",") != f.Value.End && hasBracket(m.Bytes(f.Value)) {
			return bad("syntax", 400, f.Value.Start, "one value in "+x.id.String())
		}
		na, err := ParseNameAddr(m.Raw, f.Value)
		if err != nil {
			return asError(err, f)
		}
		if _, err := ParseURI(m.Raw, na.URI); err != nil {
			return asError(err, f)
		}
		*x.to = na
	}
	return nil
}

func hasBracket(b []byte) bool {
	for _, c := range b {
		if c == '<' {
			return true
		}
	}
	return false
}

func asError(err error, f Field) *Error {
	if e, ok := err.(*Error); ok {
		return e
	}
	return bad("syntax", 400, f.Value.Start, "a name-addr")
}

func (m *Message) checkCallID() *Error {
	f, _ := m.First(FieldCallID)
	m.callID = f.Value
	if f.Value.Empty() {
		return bad("missing_field", 400, f.Value.Start, "a Call-ID")
	}
	for i, c := range m.Bytes(f.Value) {
		if c <= ' ' {
			return bad("syntax", 400, f.Value.Start+i, "a Call-ID without spaces")
		}
	}
	return nil
}

// number reads the decimal number at the start of s, up to limit.
func number(raw []byte, s Span, limit uint64) (n uint64, end int, ok bool) {
	i := s.Start
	for ; i < s.End && '0' <= raw[i] && raw[i] <= '9'; i++ {
		if n = n*10 + uint64(raw[i]-'0'); n > limit {
			return 0, i, false
		}
	}
	return n, i, i > s.Start
}

func (m *Message) checkCSeq() *Error {
	f, _ := m.First(FieldCSeq)
	n, i, ok := number(m.Raw, f.Value, 1<<31-1)
	if !ok || i == f.Value.End || !isSpace(m.Raw[i]) {
		return bad("cseq", 400, i, "a number below 2^31 and a method")
	}
	m.cseq = uint32(n)
	name := trim(m.Raw, Span{Start: i, End: f.Value.End})
	for j, c := range m.Bytes(name) {
		if lower[c] == 0 {
			return bad("cseq", 400, name.Start+j, "a method")
		}
	}
	if m.response {
		m.methodName, m.method = name, ParseMethod(m.Bytes(name))
		return nil
	}
	if string(m.Bytes(name)) != string(m.MethodName()) {
		return bad("cseq_method", 400, name.Start, "the method of the request")
	}
	return nil
}

func (m *Message) checkHops() *Error {
	f, ok := m.First(FieldMaxForwards)
	if !ok || m.response {
		return nil
	}
	n, i, ok := number(m.Raw, f.Value, 255)
	if !ok || i != f.Value.End {
		return bad("max_forwards", 400, i, "a number of 0 to 255")
	}
	m.maxForwards = int(n)
	return nil
}

func (m *Message) checkLength() *Error {
	f, ok := m.First(FieldContentLength)
	if !ok {
		return nil
	}
	n, i, ok := number(m.Raw, f.Value, 1<<31-1)
	if !ok || i != f.Value.End {
		return bad("content_length", 400, i, "a number")
	}
	m.length = int(n)
	return nil
}

// checkLists reads the fields whose structure decides where messages go.
func (m *Message) checkLists() *Error {
	for _, f := range m.fields {
		switch f.ID {
		case FieldContact, FieldRoute, FieldRecordRoute:
		default:
			continue
		}
		if f.Value.Empty() {
			return bad("syntax", 400, f.Value.Start, "a value in "+f.ID.String())
		}
		for na, err := range m.NameAddrs(f) {
			if err == ErrStar {
				continue
			}
			if err != nil {
				return asError(err, f)
			}
			if _, err := ParseURI(m.Raw, na.URI); err != nil {
				return asError(err, f)
			}
		}
	}
	return nil
}
