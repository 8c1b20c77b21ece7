package signaling

import (
	"bytes"

	"sbc/signaling/b2bua"
	"sbc/signaling/ident"
	"sbc/signaling/sip"
)

// looped reports whether a request is one of ours that came back as it was
// sent: RFC 3261 section 16.3. One that a proxy or PBX sends elsewhere by way
// of us, with another Request-URI or Route, is a spiral: a new call.
func (s *Shard) looped(m *sip.Message) bool {
	if m.Vias() < 2 {
		return false
	}
	for _, f := range m.Fields() {
		if f.ID != sip.FieldVia {
			continue
		}
		for rest := f.Value; !rest.Empty(); {
			v, next, err := sip.ParseVia(m.Raw, rest)
			if err != nil {
				return false
			}
			rest = next
			id, ok := s.ids.Read(ident.Branch, m.Bytes(v.Branch))
			if !ok {
				continue
			}
			if tx := s.clients[b2bua.Client(id.Serial)]; tx != nil && same(tx.bytes, m) {
				return true
			}
		}
	}
	return false
}

// same compares what decides where a request goes.
func same(sent []byte, m *sip.Message) bool {
	var was sip.Message
	if err := was.Parse(sent); err != nil || !was.IsRequest() || was.Method() != m.Method() || was.CSeq() != m.CSeq() {
		return false
	}
	for _, at := range [][2]sip.Span{
		{was.RequestURI(), m.RequestURI()}, {was.CallID(), m.CallID()}, {was.From().Tag, m.From().Tag}, {was.To().Tag, m.To().Tag},
	} {
		if !bytes.Equal(was.Bytes(at[0]), m.Bytes(at[1])) {
			return false
		}
	}
	a, _ := was.First(sip.FieldRoute)
	b, _ := m.First(sip.FieldRoute)
	return bytes.Equal(was.Bytes(a.Value), m.Bytes(b.Value))
}
