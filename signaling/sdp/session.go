package sdp

import (
	"fmt"
	"net/netip"

	"sbc/signaling/edit"
)

// A Session is a session description. The zero Session is ready for Parse,
// again and again; a description of up to 64 lines and 8 media allocates
// nothing, a longer one not the second time. A Session must not be copied.
//
// All spans are offsets into Raw.
type Session struct {
	Raw        []byte    // what Parse was given: normally the whole message
	At         edit.Span // where the description is in Raw
	Lines      []Line    // all but empty ones, in their order
	Origin     Origin
	Name       edit.Span // value of s=
	Connection Conn      // of the session
	Direction  Direction // of the session; 0: none
	Media      []Media

	shared secured // what the session says for all media

	lines [64]Line
	media [8]Media
}

// A Line is one line: its type, the whole of it with its line end, and what
// follows the '='.
type Line struct {
	Type  byte
	Line  edit.Span
	Value edit.Span
}

// An Origin is the o= line. Nothing depends on it: what cannot be read in it
// is empty.
type Origin struct {
	Present                         bool
	Line                            int // index into Lines
	Username, SessID, Version, Addr edit.Span
}

// A Conn is a c= line.
type Conn struct {
	Present bool
	Line    int        // index into Lines
	Addr    netip.Addr // not valid where IsName
	IsName  bool       // a host name; nobody looks it up
	Text    edit.Span  // the address as it stands there
}

// secured tells which ways to secure and to reach media have been seen.
type secured struct{ ice, crypto, fingerprint bool }

// SessionLines returns the range of Lines that stand before the first m=.
func (s *Session) SessionLines() [2]int {
	if len(s.Media) > 0 {
		return [2]int{0, s.Media[0].Lines[0]}
	}
	return [2]int{0, len(s.Lines)}
}

// An Error says why a description cannot be accepted, and the status that its
// sender deserves.
type Error struct {
	Cause  string // sdp_syntax, sdp_port, sdp_limit or sdp_address
	Status int    // 400 or 488
	At     int    // offset in Raw
	Want   string // what should stand there
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s at octet %d: want %s", e.Cause, e.At, e.Want)
}

func syntax(at int, want string) *Error {
	return &Error{Cause: "sdp_syntax", Status: 400, At: at, Want: want}
}

func limit(at int, want string) *Error {
	return &Error{Cause: "sdp_limit", Status: 488, At: at, Want: want}
}
