package sdp

import (
	"bytes"
	"iter"
	"net/netip"

	"sbc/signaling/edit"
)

// An Attribute is an a= line. Value is what follows the ':' and is empty for
// a flag.
type Attribute struct {
	Line        int // index into Session.Lines
	Name, Value edit.Span
}

// Attributes returns the attributes of m, or with nil those of the session,
// in their order.
func (s *Session) Attributes(m *Media) iter.Seq[Attribute] {
	lines := s.SessionLines()
	if m != nil {
		lines = m.Lines
	}
	return func(yield func(Attribute) bool) {
		for i := lines[0]; i < lines[1]; i++ {
			if s.Lines[i].Type == 'a' && !yield(s.attributeAt(i)) {
				return
			}
		}
	}
}

// Attribute returns the first attribute of that name of m, or with nil of the
// session. Names are case-sensitive (RFC 8866 section 5).
func (s *Session) Attribute(m *Media, name string) (Attribute, bool) {
	for a := range s.Attributes(m) {
		if string(a.Name.Of(s.Raw)) == name {
			return a, true
		}
	}
	return Attribute{}, false
}

func (s *Session) attributeAt(i int) Attribute {
	v := s.Lines[i].Value
	end := v.Start + len(trimRight(v.Of(s.Raw)))
	a := Attribute{Line: i, Name: edit.Span{Start: v.Start, End: end}, Value: edit.Span{Start: end, End: end}}
	if colon := bytes.IndexByte(s.Raw[v.Start:end], ':'); colon >= 0 {
		a.Name.End, a.Value.Start = v.Start+colon, v.Start+colon+1
	}
	return a
}

// attribute notes what an a= line says, of the session or of m. Of several
// directions the last one counts.
func (p *parser) attribute(ln Line, m *Media) *Error {
	s := p.s
	v := trimRight(ln.Value.Of(s.Raw))
	if d := direction(v); d != 0 {
		if m == nil {
			s.Direction = d
		} else {
			m.Direction = d
		}
		return nil
	}
	name, value, _ := bytes.Cut(v, []byte(":"))
	switch string(name) {
	case "candidate":
		if p.candidates++; p.candidates > candidatesMax {
			return limit(ln.Line.Start, "fewer than 1000 candidates")
		}
		s.note(m, secured{ice: true})
	case "ice-ufrag", "ice-pwd":
		s.note(m, secured{ice: true})
	case "crypto":
		s.note(m, secured{crypto: true})
	case "fingerprint":
		s.note(m, secured{fingerprint: true})
	case "rtcp-mux":
		if m != nil {
			m.Mux = true
		}
	case "bundle-only":
		if m != nil {
			m.BundleOnly = true
		}
	case "rtcp":
		if m != nil {
			start := ln.Value.Start + len(v) - len(value)
			m.RTCPLine = edit.Span{Start: start, End: start + len(value)}
			s.rtcp(m)
		}
	}
	return nil
}

// note notes for m, or for the session, what has been seen.
func (s *Session) note(m *Media, what secured) {
	if m == nil {
		s.shared.ice = s.shared.ice || what.ice
		s.shared.crypto = s.shared.crypto || what.crypto
		s.shared.fingerprint = s.shared.fingerprint || what.fingerprint
		return
	}
	m.HasICE = m.HasICE || what.ice
	m.HasCrypto = m.HasCrypto || what.crypto
	m.HasFingerprint = m.HasFingerprint || what.fingerprint
}

// rtcp reads a=rtcp:port [IN IP4 address] (RFC 3605 section 2.1). What cannot
// be read counts as not there.
func (s *Session) rtcp(m *Media) {
	m.RTCPPort, m.RTCPAddr = 0, netip.Addr{}
	port, rest := word(s.Raw, m.RTCPLine)
	n, ok := decimal(port.Of(s.Raw), 65535)
	if !ok {
		return
	}
	_, rest = word(s.Raw, rest)
	_, rest = word(s.Raw, rest)
	text, _ := word(s.Raw, rest)
	addr, ok := parseAddr(text.Of(s.Raw))
	if !ok && !text.Empty() {
		return
	}
	m.RTCPPort, m.RTCPAddr = uint16(n), addr
}
