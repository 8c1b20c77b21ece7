// Package sdp reads session descriptions (RFC 8866) without losing an octet.
//
// A Session keeps views into the octets that came in; whoever changes
// something replaces spans of them. It takes what real devices send: missing
// s= and t=, lines in another order, unknown lines, LF alone, no last line
// end. It is strict about what would send media to the wrong place.
package sdp

import (
	"fmt"
	"net/netip"

	"sbc/signaling/edit"
)

// A Session is a session description. The zero Session is ready for Parse,
// again and again; usual ones allocate nothing.
type Session struct {
	Raw        []byte    // what Parse was given
	At         edit.Span // where the description is in Raw
	Lines      []Line
	Origin     Origin
	Name       edit.Span // value of s=
	Connection Conn      // of the session
	Direction  Direction // of the session; 0: none
	Media      []Media

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

// An Origin is the o= line.
type Origin struct {
	Present                         bool
	Line                            int // index into Lines
	Username, SessID, Version, Addr edit.Span
}

// A Conn is a c= line.
type Conn struct {
	Present bool
	Line    int
	Addr    netip.Addr // not valid where IsName
	IsName  bool       // a host name; nobody looks it up
	Text    edit.Span
}

// A Media is one m= line with what belongs to it.
type Media struct {
	Lines     [2]int // the lines from m= to before the next, as indices
	Type      edit.Span
	Port      edit.Span
	Proto     edit.Span
	Formats   edit.Span
	PortNum   uint16
	PortCount int // 1 if not given

	Conn      Conn       // its own c=
	Addr      netip.Addr // of its own c= or the session's; not valid if there is none or a name
	Direction Direction  // effective: its own, else the session's, else SendRecv
	Mux       bool       // a=rtcp-mux (RFC 5761)
	RTCPLine  edit.Span  // value of a=rtcp (RFC 3605)
	RTCPPort  uint16
	RTCPAddr  netip.Addr

	HasICE, BundleOnly, HasCrypto, HasFingerprint bool
}

// Off reports whether the line is switched off: port 0, which means something
// else only with a=bundle-only (RFC 8843).
func (m *Media) Off() bool { return m.PortNum == 0 && !m.BundleOnly }

// RTP returns where the sender of the description receives media.
func (m *Media) RTP() netip.AddrPort { return netip.AddrPortFrom(m.Addr, m.PortNum) }

// RTCP returns where it receives RTCP: by a=rtcp-mux at the same port, else
// where a=rtcp says, else at the next port (RFC 3550 section 11).
func (m *Media) RTCP() netip.AddrPort {
	switch {
	case m.Mux:
		return m.RTP()
	case m.RTCPPort != 0 && m.RTCPAddr.IsValid():
		return netip.AddrPortFrom(m.RTCPAddr, m.RTCPPort)
	case m.RTCPPort != 0:
		return netip.AddrPortFrom(m.Addr, m.RTCPPort)
	case m.PortNum == 65535:
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(m.Addr, m.PortNum+1)
}

// Held reports whether its sender wants no media now: inactive, sendonly, or
// c=0.0.0.0 without ICE (RFC 3264 section 8.4).
func (m *Media) Held() bool {
	return !m.Direction.Receives() || m.Addr.IsUnspecified() && !m.HasICE
}

// A Direction is one of the four direction attributes, as its sender sees it.
type Direction uint8

// The directions; the zero Direction is none.
const (
	SendRecv Direction = iota + 1
	SendOnly
	RecvOnly
	Inactive
)

var directionNames = [...]string{"", "sendrecv", "sendonly", "recvonly", "inactive"}

func (d Direction) String() string { return directionNames[d] }

// Sends reports whether d sends.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly }

// Receives reports whether d receives.
func (d Direction) Receives() bool { return d == SendRecv || d == RecvOnly }

// Reverse returns d as the other side sees it.
func (d Direction) Reverse() Direction { return Dir(d.Receives(), d.Sends()) }

// Dir returns the direction that sends and receives.
func Dir(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	}
	return Inactive
}

func direction(attr []byte) Direction {
	switch string(attr) {
	case "sendrecv":
		return SendRecv
	case "sendonly":
		return SendOnly
	case "recvonly":
		return RecvOnly
	case "inactive":
		return Inactive
	}
	return 0
}

// Usable reports whether media may be sent to addr: not to a group, not to
// everybody, and to this host only in a realm that is on loopback.
func Usable(addr netip.Addr, loopbackRealm bool) bool {
	addr = addr.Unmap()
	switch {
	case !addr.IsValid(), addr.IsUnspecified(), addr.IsMulticast(), addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return false
	case addr.IsLoopback():
		return loopbackRealm
	case addr.Is4():
		a := addr.As4()
		return a[0] != 0 && a[0] < 240
	}
	return true
}

// An Error says why a description cannot be accepted, and the status that its
// sender deserves.
type Error struct {
	Cause  string // sdp_syntax, sdp_port, sdp_limit, sdp_address
	Status int
	At     int // offset in Raw
	Want   string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s at octet %d: want %s", e.Cause, e.At, e.Want)
}
