package sdp

import (
	"bytes"
	"iter"
	"net/netip"

	"sbc/signaling/edit"
)

// A Candidate is an a=candidate (RFC 8839 section 5.1).
type Candidate struct {
	Line       int // index into Session.Lines
	Foundation edit.Span
	Component  int // 1: RTP, 2: RTCP
	Transport  edit.Span
	Priority   uint32
	Addr       netip.AddrPort
	Type       edit.Span      // host, srflx, prflx, relay
	Related    netip.AddrPort // raddr and rport; not valid if not given
}

// Candidates returns the candidates of m that can be read. One with a name in
// the place of an address is left out: RFC 8839 section 5.1 lets us, and the
// .local names of browsers lead nowhere outside of their own network.
func (s *Session) Candidates(m *Media) iter.Seq[Candidate] {
	return func(yield func(Candidate) bool) {
		for a := range s.Attributes(m) {
			if string(a.Name.Of(s.Raw)) != "candidate" {
				continue
			}
			if c, ok := s.candidate(a); ok && !yield(c) {
				return
			}
		}
	}
}

func (s *Session) candidate(a Attribute) (c Candidate, ok bool) {
	c.Line = a.Line
	var component, priority, addr, port, typ edit.Span
	rest := a.Value
	c.Foundation, rest = word(s.Raw, rest)
	component, rest = word(s.Raw, rest)
	c.Transport, rest = word(s.Raw, rest)
	priority, rest = word(s.Raw, rest)
	addr, rest = word(s.Raw, rest)
	port, rest = word(s.Raw, rest)
	typ, rest = word(s.Raw, rest)
	c.Type, rest = word(s.Raw, rest)
	n, ok1 := decimal(component.Of(s.Raw), 256)
	p, ok2 := decimal(priority.Of(s.Raw), 1<<32-1)
	at, ok3 := s.addrPort(addr, port)
	if !ok1 || !ok2 || !ok3 || string(typ.Of(s.Raw)) != "typ" || c.Type.Empty() {
		return c, false
	}
	c.Component, c.Priority, c.Addr = n, uint32(p), at
	c.Related = s.related(rest)
	return c, true
}

func (s *Session) addrPort(addr, port edit.Span) (netip.AddrPort, bool) {
	a, ok := parseAddr(addr.Of(s.Raw))
	p, good := decimal(port.Of(s.Raw), 65535)
	return netip.AddrPortFrom(a, uint16(p)), ok && good
}

// related finds raddr and rport among the extensions.
func (s *Session) related(rest edit.Span) netip.AddrPort {
	var addr, port, name, value edit.Span
	for !rest.Empty() {
		name, rest = word(s.Raw, rest)
		value, rest = word(s.Raw, rest)
		switch n := name.Of(s.Raw); {
		case bytes.Equal(n, []byte("raddr")):
			addr = value
		case bytes.Equal(n, []byte("rport")):
			port = value
		}
	}
	if at, ok := s.addrPort(addr, port); ok {
		return at
	}
	return netip.AddrPort{}
}
