package sdp

import (
	"bytes"
	"net/netip"

	"sbc/signaling/edit"
)

// A Media is one m= line with what belongs to it.
type Media struct {
	Lines     [2]int    // m= and the lines up to the next one: Session.Lines[Lines[0]:Lines[1]]
	Type      edit.Span // audio, image, ...
	Port      edit.Span // with the number of ports, if there is one
	Proto     edit.Span // RTP/AVP, udptl, ...
	Formats   edit.Span // all of them
	PortNum   uint16
	PortCount int  // 1 if not given
	IsRTP     bool // Proto is a profile of RTP: there is RTCP beside it

	Conn      Conn       // its own c=
	Addr      netip.Addr // of its own c= or the session's; not valid if there is none, or a name
	Direction Direction  // effective: its own, else the session's, else SendRecv
	Mux       bool       // a=rtcp-mux (RFC 5761)
	RTCPLine  edit.Span  // value of a=rtcp (RFC 3605)
	RTCPPort  uint16     // of a=rtcp; 0: none
	RTCPAddr  netip.Addr // of a=rtcp; not valid if it names none

	// Its own or, where that counts for all media, the session's.
	HasICE         bool // RFC 8839: a=ice-ufrag, a=candidate
	HasCrypto      bool // RFC 4568: a=crypto
	HasFingerprint bool // RFC 8122: a=fingerprint
	BundleOnly     bool // RFC 9143: a=bundle-only
}

// Off reports whether the line is switched off: port 0, which means something
// else only with a=bundle-only (RFC 9143 section 6).
func (m *Media) Off() bool { return m.PortNum == 0 && !m.BundleOnly }

// RTP returns where the sender of the description receives media. The address
// is not valid where the description has none.
func (m *Media) RTP() netip.AddrPort { return netip.AddrPortFrom(m.Addr, m.PortNum) }

// RTCP returns where it receives RTCP: with a=rtcp-mux at the same port, else
// where a=rtcp says, else at the next port (RFC 3550 section 11). It is the
// zero AddrPort where there is no such port, or no RTCP (T.38 over UDPTL).
func (m *Media) RTCP() netip.AddrPort {
	switch {
	case m.PortNum == 0, !m.IsRTP:
		return netip.AddrPort{}
	case m.Mux:
		return m.RTP()
	case m.RTCPPort != 0 && m.RTCPAddr.IsValid() && !m.RTCPAddr.IsUnspecified():
		return netip.AddrPortFrom(m.RTCPAddr, m.RTCPPort)
	case m.RTCPPort != 0:
		return netip.AddrPortFrom(m.Addr, m.RTCPPort)
	case m.PortNum == 65535:
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(m.Addr, m.PortNum+1)
}

// Held reports whether its sender wants no media now: inactive, sendonly, or
// c=0.0.0.0 without ICE (RFC 3264 section 8.4). With ICE the address says
// nothing yet (RFC 8839 section 4.3.1).
func (m *Media) Held() bool {
	return !m.Direction.Receives() || m.Addr.IsUnspecified() && !m.HasICE
}

// mediaLine reads the m= in line i.
func (s *Session) mediaLine(i int) *Error {
	ln := s.Lines[i]
	if len(s.Media) == mediaMax {
		return limit(ln.Line.Start, "32 m= lines at most")
	}
	m := Media{Lines: [2]int{i, i + 1}, PortCount: 1}
	rest := ln.Value
	m.Type, rest = word(s.Raw, rest)
	m.Port, rest = word(s.Raw, rest)
	m.Proto, rest = word(s.Raw, rest)
	for rest.Start < rest.End && s.Raw[rest.Start] == ' ' {
		rest.Start++
	}
	m.Formats = rest
	if m.Proto.Empty() {
		return syntax(ln.Line.Start, "media, port, protocol and formats")
	}
	port, count, ok := portOf(m.Port.Of(s.Raw))
	if !ok {
		return &Error{Cause: "sdp_port", Status: 400, At: m.Port.Start, Want: "a port of 0 to 65535"}
	}
	m.PortNum, m.PortCount = port, count
	m.IsRTP = bytes.Contains(m.Proto.Of(s.Raw), []byte("RTP/"))
	s.Media = append(s.Media, m)
	return nil
}

// portOf reads port[/number of ports].
func portOf(b []byte) (port uint16, count int, ok bool) {
	text, more, counted := bytes.Cut(b, []byte("/"))
	n, ok := decimal(text, 65535)
	if !ok {
		return 0, 0, false
	}
	count = 1
	if counted {
		if count, ok = decimal(more, 65535); !ok || count == 0 {
			return 0, 0, false
		}
	}
	return uint16(n), count, true
}
