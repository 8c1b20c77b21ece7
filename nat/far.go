package nat

import (
	"bytes"
	"net/netip"

	"sbc/signaling/sdp"
	"sbc/signaling/sip"
)

// A Match says how an address that a message names stands to the address that
// the message came from.
type Match uint8

// The matches.
const (
	Absent       Match = iota // it names none
	Name                      // a host name, which nobody looks up: it says nothing
	Same                      // the same address and port; where ports say nothing, the same address
	OtherPort                 // the same address, another port
	OtherAddress              // another address of the same family
	OtherFamily               // an address of the other family
	matches
)

var matchNames = [matches]string{"absent", "name", "same", "other port", "other address", "other family"}

// String returns the match as operators read it.
func (m Match) String() string {
	if m < matches {
		return matchNames[m]
	}
	return "unknown"
}

// Elsewhere reports whether it is another address than the source's.
func (m Match) Elsewhere() bool { return m == OtherAddress || m == OtherFamily }

// A Named is one address that a message names.
type Named struct {
	Match Match
	Place Place          // of Addr; None where it is not valid
	Addr  netip.AddrPort // not valid if Absent or a Name; the port is the default where none is given
}

// A Far is what one message and the address that it came from say about its
// sender. Each fact is held against the source on its own, because things on
// the way (an ALG of a router) often correct one and not the other.
type Far struct {
	Source netip.AddrPort
	Stream bool // it came by a connection: ports of Via and Contact say where its sender listens, not where it sends from

	Via      Named      // sent-by of the top Via of a request
	Hops     int        // Via values of a request: from 2 on the source is a proxy's
	Rport    bool       // the top Via asks for rport (RFC 3581 section 4)
	Received netip.Addr // that the top Via has as it comes in: only something on the way can know it; not valid: none

	Contact       Named // the first Contact
	ContactStream bool  // its URI asks for a connection: transport tcp, tls, ws, wss, or sips

	// Media is where the session description wants media: of all lines in use
	// the one that stands furthest from the source. Its port is not compared.
	Media      Named
	MediaLines int // lines in use
	MediaAtSrc int // of those, the ones at the source's address
}

// Look gathers what m says about its sender. s is the session description of m,
// nil if it has none. The Far keeps nothing of either.
func Look(m *sip.Message, s *sdp.Session, src netip.AddrPort, stream bool) Far {
	src = netip.AddrPortFrom(src.Addr().Unmap(), src.Port())
	f := Far{Source: src, Stream: stream, Via: Named{Place: None}, Contact: Named{Place: None}}
	if m.IsRequest() {
		f.via(m)
	}
	if _, u, ok := m.Contact(); ok {
		f.contact(m, &u)
	}
	f.Media = Named{Place: None}
	if s != nil {
		f.media(s)
	}
	return f
}

// RFC 3261 section 19.1.2.
const (
	defaultPort    = 5060
	defaultPortTLS = 5061
)

func (f *Far) via(m *sip.Message) {
	via := m.Via()
	f.Hops, f.Rport = m.Vias(), via.HasRport
	port := via.Port
	if port == 0 {
		port = defaultPort
		if t := m.Bytes(via.Transport); len(t) == 3 && bytes.EqualFold(t, []byte("TLS")) {
			port = defaultPortTLS
		}
	}
	f.Via = name(m.Bytes(via.Host), port).against(f.Source)
	if r, ok := parseHost(m.Bytes(via.Received)); ok {
		f.Received = r
	}
}

func (f *Far) contact(m *sip.Message, u *sip.URI) {
	transport, _ := sip.Param(m.Raw, u.Params, "transport")
	t := m.Bytes(transport)
	tls := u.Secure() || bytes.EqualFold(t, []byte("tls")) || bytes.EqualFold(t, []byte("wss"))
	f.ContactStream = tls || bytes.EqualFold(t, []byte("tcp")) || bytes.EqualFold(t, []byte("ws"))
	port := u.Port
	if port == 0 {
		port = defaultPort
		if tls {
			port = defaultPortTLS
		}
	}
	f.Contact = name(m.Bytes(u.Host), port).against(f.Source)
}

func (f *Far) media(s *sdp.Session) {
	for i := range s.Media {
		line := &s.Media[i]
		if line.Off() {
			continue
		}
		n := Compare(line.RTP(), f.Source)
		if n.Match == OtherPort {
			n.Match = Same
		}
		if n.Place == Unspecified {
			n = Named{Place: None} // on hold as in RFC 2543: it says nothing
		}
		if n.Match == Absent && (line.Conn.IsName || s.Connection.IsName) {
			n.Match = Name
		}
		f.MediaLines++
		if n.Match == Same {
			f.MediaAtSrc++
		}
		if n.Match > f.Media.Match {
			f.Media = n
		}
	}
}

// Compare holds an address against src. An addr that is not valid is Absent.
func Compare(addr, src netip.AddrPort) Named {
	if !addr.IsValid() {
		return Named{Match: Absent, Place: None}
	}
	n := Named{Match: Same, Addr: addr}
	return n.against(src)
}

// name returns what a host and a port name, not yet compared.
func name(host []byte, port int) Named {
	addr, ok := parseHost(host)
	if !ok {
		return Named{Match: Name}
	}
	return Named{Match: Same, Addr: netip.AddrPortFrom(addr, uint16(port))}
}

// against fills in how n stands to src.
func (n Named) against(src netip.AddrPort) Named {
	if n.Match == Name {
		n.Place = None
		return n
	}
	at, from := n.Addr.Addr().Unmap().WithZone(""), src.Addr().Unmap().WithZone("")
	n.Place = PlaceOf(at)
	switch {
	case at.Is4() != from.Is4():
		n.Match = OtherFamily
	case at != from:
		n.Match = OtherAddress
	case n.Addr.Port() != src.Port():
		n.Match = OtherPort
	default:
		n.Match = Same
	}
	return n
}

// parseHost reads an address, an IPv6 one with its brackets or without.
func parseHost(host []byte) (netip.Addr, bool) {
	if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	if n := len(host); n == 0 || bytes.IndexByte(host, ':') < 0 && (host[n-1] < '0' || host[n-1] > '9') {
		return netip.Addr{}, false // a name: no top level domain ends in a digit
	}
	addr, err := netip.ParseAddr(string(host))
	return addr.Unmap(), err == nil
}
