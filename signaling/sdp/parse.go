package sdp

import (
	"bytes"

	"sbc/signaling/edit"
)

// Ours: a video conference has ten m= lines, WebRTC sends a hundred
// candidates, and no line that people write has 8 KiB.
const (
	mediaMax      = 32
	candidatesMax = 999
	lineMax       = 8 << 10
	linesKept     = 1024 // room for them, 40 KiB; the offer of a browser has 200
)

// Parse reads the description at at in raw, which s keeps until the next
// Parse. The error is an *Error. After an error s holds what was read up to
// there.
func (s *Session) Parse(raw []byte, at edit.Span) error {
	s.Raw, s.At = raw, at
	s.Origin, s.Name, s.Connection, s.Direction = Origin{}, edit.Span{}, Conn{}, 0
	s.shared = secured{}
	s.room()
	// A concrete error, so that no nil *Error is returned as an error.
	if e := s.parse(); e != nil {
		return e
	}
	return nil
}

func (s *Session) parse() *Error {
	if e := s.split(); e != nil {
		return e
	}
	p := parser{s: s}
	for i := range s.Lines {
		if e := p.line(i); e != nil {
			return e
		}
	}
	if !p.version {
		return syntax(s.At.Start, "v=0")
	}
	return s.inherit()
}

// room empties Lines and Media. What a long description made them grow to is
// kept for the next one, what a monster made of them is not.
func (s *Session) room() {
	if s.Lines = s.Lines[:0]; cap(s.Lines) < len(s.lines) || cap(s.Lines) > linesKept {
		s.Lines = s.lines[:0]
	}
	if s.Media = s.Media[:0]; cap(s.Media) < len(s.media) {
		s.Media = s.media[:0]
	}
}

// split finds the lines.
func (s *Session) split() *Error {
	for i := s.At.Start; i < s.At.End; {
		end, next := s.At.End, s.At.End
		if nl := bytes.IndexByte(s.Raw[i:s.At.End], '\n'); nl >= 0 {
			end, next = i+nl, i+nl+1
		}
		for end > i && s.Raw[end-1] == '\r' {
			end--
		}
		if end > i { // some devices end with an empty line
			if e := s.check(i, end); e != nil {
				return e
			}
			s.Lines = append(s.Lines, Line{
				Type:  s.Raw[i],
				Line:  edit.Span{Start: i, End: next},
				Value: edit.Span{Start: i + 2, End: end},
			})
		}
		i = next
	}
	return nil
}

// check checks what must hold for every line.
func (s *Session) check(start, end int) *Error {
	line := s.Raw[start:end]
	if len(line) > lineMax {
		return limit(start, "a line of 8 KiB at most")
	}
	if i := bytes.IndexByte(line, 0); i >= 0 {
		return syntax(start+i, "no NUL")
	}
	// What one reader takes for a line end, another does not.
	if i := bytes.IndexByte(line, '\r'); i >= 0 {
		return syntax(start+i, "no CR inside of a line")
	}
	if len(line) < 2 || line[1] != '=' || !isLetter(line[0]) {
		return syntax(start, "a letter and '='")
	}
	return nil
}

// A parser goes through the lines of one description.
type parser struct {
	s          *Session
	version    bool // v= has been seen
	candidates int
}

func (p *parser) line(i int) *Error {
	s := p.s
	ln := s.Lines[i]
	var m *Media
	if n := len(s.Media); n > 0 && ln.Type != 'm' {
		m = &s.Media[n-1]
		m.Lines[1] = i + 1
	}
	switch ln.Type {
	case 'v':
		if p.version || m != nil || string(trimRight(ln.Value.Of(s.Raw))) != "0" {
			return syntax(ln.Value.Start, "v=0, once")
		}
		p.version = true
	case 'o':
		if m == nil && !s.Origin.Present {
			s.origin(i)
		}
	case 's':
		if m == nil && s.Name == (edit.Span{}) {
			s.Name = ln.Value
		}
	case 'c':
		return s.connection(i, m)
	case 'm':
		return s.mediaLine(i)
	case 'a':
		return p.attribute(ln, m)
	}
	return nil
}

// origin reads o=.
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

// inherit gives the media lines what the session says for all.
func (s *Session) inherit() *Error {
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
			m.Direction = SendRecv // RFC 8866 section 6.7
		}
		m.HasICE = m.HasICE || s.shared.ice
		m.HasCrypto = m.HasCrypto || s.shared.crypto
		m.HasFingerprint = m.HasFingerprint || s.shared.fingerprint
	}
	return nil
}

// word returns the next word of s and what follows it. RFC 8866 separates by
// one SP; more of them are taken, HT is not.
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

func trimRight(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// decimal reads a number of 0 to most.
func decimal(b []byte, most int) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > most {
			return 0, false
		}
	}
	return n, len(b) > 0
}
