package sdp

import "bytes"

// connection reads the c= in line i, of the session or of m.
func (s *Session) connection(i int, m *Media) *Error {
	v := s.Lines[i].Value
	network, rest := word(s.Raw, v)
	family, rest := word(s.Raw, rest)
	text, _ := word(s.Raw, rest)
	if string(network.Of(s.Raw)) != "IN" || text.Empty() {
		return syntax(v.Start, "IN, IP4 or IP6, and an address")
	}
	c := Conn{Present: true, Line: i, Text: text}
	host := text.Of(s.Raw)
	if slash := bytes.IndexByte(host, '/'); slash >= 0 { // a group: TTL and number of addresses
		host = host[:slash]
	}
	addr, ok := parseAddr(host)
	switch f := string(family.Of(s.Raw)); {
	case f != "IP4" && f != "IP6":
		return syntax(family.Start, "IP4 or IP6")
	case ok && addr.Is4() == (f == "IP4"):
		c.Addr = addr
	case !ok && looksLikeName(host):
		c.IsName = true
	default:
		return syntax(text.Start, "an address of the family that is named")
	}
	switch {
	case m == nil && !s.Connection.Present:
		s.Connection = c
	case m != nil && !m.Conn.Present:
		m.Conn = c
	default:
		// RFC 8866 section 5.7 has several for layers of a group only.
		return syntax(v.Start, "one c= here")
	}
	return nil
}

// looksLikeName tells a host name from a broken address.
func looksLikeName(b []byte) bool {
	letter := false
	for _, c := range b {
		switch {
		case isLetter(c):
			letter = true
		case '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return letter
}
