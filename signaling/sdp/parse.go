package sdp

import (
	"bytes"
	"net/netip"

	"sbc/signaling/edit"
)

// Ours: a description of a video conference has ten lines of media; WebRTC
// sends a hundred candidates.
const (
	mediaMax      = 32
	candidatesMax = 1000
	lineMax       = 8 << 10
)

// Parse reads the description at at in raw. Spans are offsets into raw, which
// s keeps until the next Parse. The error is an *Error.
func (s *Session) Parse(raw []byte, at edit.Span) error {
	s.Raw, s.At = raw, at
	s.Origin, s.Name, s.Connection, s.Direction = Origin{}, edit.Span{}, Conn{}, 0
	s.Lines, s.Media = s.lines[:0], s.media[:0]
	if err := s.split(); err != nil {
		return err
	}
	if len(s.Lines) == 0 || s.Lines[0].Type != 'v' {
		return syntax(at.Start, "v=0")
	}
	candidates := 0
	for i := range s.Lines {
		if err := s.line(i, &candidates); err != nil {
			return err
		}
	}
	return s.inherit()
}

func syntax(at int, want string) *Error {
	return &Error{Cause: "sdp_syntax", Status: 400, At: at, Want: want}
}

func (s *Session) split() error {
	for i := s.At.Start; i < s.At.End; {
		end, next := s.At.End, s.At.End
		if nl := bytes.IndexByte(s.Raw[i:s.At.End], '\n'); nl >= 0 {
			end, next = i+nl, i+nl+1
		}
		for end > i && s.Raw[end-1] == '\r' {
			end--
		}
		if end-i > lineMax {
			return &Error{Cause: "sdp_limit", Status: 488, At: i, Want: "a line of 8 KiB at most"}
		}
		if nul := bytes.IndexByte(s.Raw[i:end], 0); nul >= 0 {
			return syntax(i+nul, "no NUL")
		}
		if bytes.IndexByte(s.Raw[i:end], '\r') >= 0 {
			return syntax(i, "no CR inside of a line")
		}
		if end == i { // an empty line: some devices end with one
			i = next
			continue
		}
		if end-i < 2 || s.Raw[i+1] != '=' {
			return syntax(i, "a letter and '='")
		}
		s.Lines = append(s.Lines, Line{Type: s.Raw[i], Line: edit.Span{Start: i, End: next}, Value: edit.Span{Start: i + 2, End: end}})
		i = next
	}
	return nil
}

func (s *Session) line(i int, candidates *int) error {
	ln := s.Lines[i]
	var m *Media
	if n := len(s.Media); n > 0 && ln.Type != 'm' {
		m = &s.Media[n-1]
		m.Lines[1] = i + 1
	}
	switch ln.Type {
	case 'v':
		if string(ln.Value.Of(s.Raw)) != "0" || i > 0 {
			return syntax(ln.Value.Start, "v=0, once")
		}
	case 'o':
		if m == nil && !s.Origin.Present {
			s.origin(i)
		}
	case 's':
		if m == nil {
			s.Name = ln.Value
		}
	case 'c':
		return s.connection(i, m)
	case 'm':
		return s.mediaLine(i)
	case 'a':
		return s.attribute(ln, m, candidates)
	}
	return nil
}

// word returns the next word of s and what follows it.
func word(raw []byte, s edit.Span) (w, rest edit.Span) {
	for s.Start < s.End && raw[s.Start] == ' ' {
		s.Start++
	}
	i := s.Start
	for i < s.End && raw[i] != ' ' {
		i++
	}
	return edit.Span{Start: s.Start, End: i}, edit.Span{Start: i, End: s.End}
}

// origin reads o=. Nothing depends on it: what cannot be read stays empty.
func (s *Session) origin(i int) {
	o := Origin{Present: true, Line: i}
	rest := s.Lines[i].Value
	o.Username, rest = word(s.Raw, rest)
	o.SessID, rest = word(s.Raw, rest)
	o.Version, rest = word(s.Raw, rest)
	_, rest = word(s.Raw, rest)
	_, rest = word(s.Raw, rest)
	o.Addr, _ = word(s.Raw, rest)
	s.Origin = o
}

func (s *Session) connection(i int, m *Media) error {
	v := s.Lines[i].Value
	net, rest := word(s.Raw, v)
	family, rest := word(s.Raw, rest)
	text, _ := word(s.Raw, rest)
	if string(net.Of(s.Raw)) != "IN" || text.Empty() {
		return syntax(v.Start, "IN IP4 or IP6 and an address")
	}
	c := Conn{Present: true, Line: i, Text: text}
	host := text.Of(s.Raw)
	if slash := bytes.IndexByte(host, '/'); slash >= 0 { // multicast: TTL
		host = host[:slash]
	}
	addr, err := netip.ParseAddr(string(host))
	switch f := string(family.Of(s.Raw)); {
	case f != "IP4" && f != "IP6":
		return syntax(family.Start, "IP4 or IP6")
	case err != nil && looksLikeName(host):
		c.IsName = true
	case err != nil, addr.Zone() != "", addr.Is4() != (f == "IP4"):
		return syntax(text.Start, "an "+f+" address")
	default:
		c.Addr = addr
	}
	switch {
	case m == nil && !s.Connection.Present:
		s.Connection = c
	case m != nil && !m.Conn.Present:
		m.Conn = c
	default:
		return syntax(v.Start, "one c= here")
	}
	return nil
}

// looksLikeName tells a host name from a broken address.
func looksLikeName(b []byte) bool {
	letter := false
	for _, c := range b {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			letter = true
		case '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return letter
}

func (s *Session) mediaLine(i int) error {
	if len(s.Media) == mediaMax {
		return &Error{Cause: "sdp_limit", Status: 488, At: s.Lines[i].Line.Start, Want: "32 media lines at most"}
	}
	m := Media{Lines: [2]int{i, i + 1}, PortCount: 1}
	rest := s.Lines[i].Value
	m.Type, rest = word(s.Raw, rest)
	m.Port, rest = word(s.Raw, rest)
	m.Proto, rest = word(s.Raw, rest)
	for rest.Start < rest.End && s.Raw[rest.Start] == ' ' {
		rest.Start++
	}
	m.Formats = rest
	if m.Proto.Empty() {
		return syntax(s.Lines[i].Line.Start, "media, port, protocol and formats")
	}
	port, count, ok := portOf(m.Port.Of(s.Raw))
	if !ok {
		return &Error{Cause: "sdp_port", Status: 400, At: m.Port.Start, Want: "a port of 0 to 65535"}
	}
	m.PortNum, m.PortCount = port, count
	s.Media = append(s.Media, m)
	return nil
}

// portOf reads port[/count].
func portOf(b []byte) (port uint16, count int, ok bool) {
	text, more, has := bytes.Cut(b, []byte("/"))
	n, ok := decimal(text, 65535)
	if !ok {
		return 0, 0, false
	}
	count = 1
	if has {
		if count, ok = decimal(more, 65535); !ok {
			return 0, 0, false
		}
	}
	return uint16(n), count, true
}

func decimal(b []byte, limit int) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > limit {
			return 0, false
		}
	}
	return n, len(b) > 0
}

func (s *Session) attribute(ln Line, m *Media, candidates *int) error {
	v := ln.Value.Of(s.Raw)
	if d := direction(v); d != 0 {
		if m == nil {
			s.Direction = d
		} else {
			m.Direction = d
		}
		return nil
	}
	name, value, _ := bytes.Cut(v, []byte(":"))
	if string(name) == "candidate" {
		if *candidates++; *candidates >= candidatesMax {
			return &Error{Cause: "sdp_limit", Status: 488, At: ln.Line.Start, Want: "fewer candidates"}
		}
	}
	if m == nil {
		return nil
	}
	switch string(name) {
	case "rtcp-mux":
		m.Mux = true
	case "rtcp":
		m.RTCPLine = edit.Span{Start: ln.Value.End - len(value), End: ln.Value.End}
		s.rtcp(m)
	case "candidate", "ice-ufrag", "ice-pwd":
		m.HasICE = true
	case "bundle-only":
		m.BundleOnly = true
	case "crypto":
		m.HasCrypto = true
	case "fingerprint":
		m.HasFingerprint = true
	}
	return nil
}

// rtcp reads a=rtcp:port [IN IP4 address] (RFC 3605). What cannot be read
// counts as not there.
func (s *Session) rtcp(m *Media) {
	port, rest := word(s.Raw, m.RTCPLine)
	n, ok := decimal(port.Of(s.Raw), 65535)
	if !ok {
		return
	}
	m.RTCPPort = uint16(n)
	_, rest = word(s.Raw, rest)
	_, rest = word(s.Raw, rest)
	text, _ := word(s.Raw, rest)
	if text.Empty() {
		return
	}
	addr, err := netip.ParseAddr(string(text.Of(s.Raw)))
	if err != nil {
		m.RTCPPort = 0
		return
	}
	m.RTCPAddr = addr
}

// inherit gives the media lines what the session says for all.
func (s *Session) inherit() error {
	for i := range s.Media {
		m := &s.Media[i]
		c := &m.Conn
		if !c.Present {
			c = &s.Connection
		}
		if c.IsName && !m.Off() {
			return &Error{Cause: "sdp_address", Status: 488, At: c.Text.Start, Want: "an address, not a name"}
		}
		m.Addr = c.Addr
		if m.Direction == 0 {
			m.Direction = s.Direction
		}
		if m.Direction == 0 {
			m.Direction = SendRecv
		}
	}
	return nil
}
