package sip

import "encoding/binary"

// A URI is a decoded sip:, sips: or tel: URI; of other schemes only All and
// Scheme are set, and Host is what follows the colon. A tel: URI has its
// number in Host.
type URI struct {
	All, Scheme, User, Password Span
	Host                        Span // IPv6 addresses with their brackets
	Params                      Span // from the first ';'
	Headers                     Span // behind the '?'
	Port                        int  // 0: none

	scheme scheme
}

type scheme uint8

const (
	schemeOther scheme = iota
	schemeSIP
	schemeSIPS
	schemeTel
)

// Routable reports whether u has a scheme that the SBC can route: sip, sips
// or tel.
func (u *URI) Routable() bool { return u.scheme != schemeOther }

// Secure reports whether u is a sips: URI.
func (u *URI) Secure() bool { return u.scheme == schemeSIPS }

// ParseURI decodes the URI at s, without angle brackets. The error is an
// *Error.
func ParseURI(raw []byte, s Span) (u URI, err error) {
	var e Error
	if i := readURI(raw, s.Start, s.End, false, &u, &e); i >= 0 && i < s.End {
		e.syntax(i, "an octet that may stand in a URI")
	}
	return u, e.result()
}

// readURI decodes the URI at raw[i:end], up to the first octet that cannot
// stand in one, and returns where it ended. A bare URI, one without angle
// brackets around it, has no parameters and headers: they would belong to the
// field (RFC 3261 section 20.10).
func readURI(raw []byte, i, end int, bare bool, u *URI, e *Error) int {
	if next := u.readCommon(raw, i, end, bare); next > 0 {
		return next
	}
	return readOdd(raw, i, end, bare, u, e)
}

// readCommon reads sip:user@host:port;params, as nearly all URIs are, in one
// go. Whatever else it meets it leaves to readOdd, and returns 0.
func (u *URI) readCommon(raw []byte, i, end int, bare bool) int {
	const sip = uint32('s' | 'i'<<8 | 'p'<<16 | ':'<<24)
	if i+4 >= end || binary.LittleEndian.Uint32(raw[i:])|0x202020 != sip {
		return 0
	}
	*u = URI{scheme: schemeSIP, Scheme: Span{Start: i, End: i + 3}}
	u.All.Start = i
	i += 4
	j := run(raw, i, end, isUser)
	if j < end && raw[j] == '@' && i < j {
		u.User = Span{Start: i, End: j}
		i = j + 1
		j = end
	}
	j = run(raw, i, j, isHost)
	u.Host = Span{Start: i, End: j}
	if j == i {
		return 0
	}
	if j < end && raw[j] == ':' {
		n, next := digits(raw, j+1, end, 65535)
		if next == j+1 {
			return 0
		}
		u.Port, j = int(n), next
	}
	if j < end && raw[j] == ';' && !bare {
		i = j
		for j < end && class[raw[j]]&isURI != 0 {
			if raw[j] == '@' || raw[j] == '?' {
				return 0
			}
			j++
		}
		u.Params = Span{Start: i, End: j}
	}
	if j < end && class[raw[j]]&isURI != 0 && !(bare && raw[j] == ';') {
		return 0
	}
	u.All.End = j
	return j
}

// readOdd is readURI for all URIs.
func readOdd(raw []byte, i, end int, bare bool, u *URI, e *Error) int {
	*u = URI{All: Span{Start: i}}
	i = readScheme(raw, i, end, u, e)
	if i < 0 {
		return i
	}
	start := i
	switch u.scheme {
	case schemeSIP, schemeSIPS:
		i = readHierarchy(raw, i, end, bare, u, e)
	default:
		i = readOpaque(raw, i, end, bare, u)
	}
	if i == start {
		return e.syntax(i, "what the scheme names")
	}
	u.All.End = i
	return i
}

func readScheme(raw []byte, i, end int, u *URI, e *Error) int {
	start := i
	// RFC 3261 section 25.1: a letter, then letters, digits, "+", "-" and ".".
	for i < end && (class[raw[i]]&isHost != 0 && raw[i] != '_' || raw[i] == '+') {
		i++
	}
	if i == start || raw[start]|0x20 < 'a' || raw[start]|0x20 > 'z' || i == end || raw[i] != ':' {
		return e.syntax(i, "a scheme and a colon")
	}
	u.Scheme = Span{Start: start, End: i}
	switch name := raw[start:i]; {
	case equalFold(name, "sip"):
		u.scheme = schemeSIP
	case equalFold(name, "sips"):
		u.scheme = schemeSIPS
	case equalFold(name, "tel"):
		u.scheme = schemeTel
	}
	return i + 1
}

// readOpaque reads a number with its parameters, or what follows the colon of
// a scheme that we do not know.
func readOpaque(raw []byte, i, end int, bare bool, u *URI) int {
	u.Host.Start = i
	split := u.scheme == schemeTel
	for i < end && class[raw[i]]&isURI != 0 {
		if c := raw[i]; c == ';' && (split || bare) || bare && (c == ',' || c == '?') {
			break
		}
		i++
	}
	u.Host.End = i
	if split && !bare && i < end && raw[i] == ';' {
		u.Params.Start = i
		i = run(raw, i, end, isURI)
		u.Params.End = i
	}
	return i
}

// readHierarchy reads userinfo, hostport, parameters and headers.
func readHierarchy(raw []byte, i, end int, bare bool, u *URI, e *Error) int {
	if i = readUser(raw, i, end, bare, u, e); i < 0 {
		return i
	}
	if i = readHostPort(raw, i, end, &u.Host, &u.Port, e); i < 0 || bare {
		return i
	}
	if i < end && raw[i] == ';' {
		u.Params.Start = i
		for i < end && class[raw[i]]&isURI != 0 && raw[i] != '?' {
			i++
		}
		u.Params.End = i
	}
	if i < end && raw[i] == '?' {
		u.Headers.Start = i + 1
		i = run(raw, i, end, isURI)
		u.Headers.End = i
	}
	return i
}

// readUser reads userinfo, if there is one, and returns where the host
// begins. The user may hold ';' and '?', a host may not hold '@': the first
// '@' decides (RFC 3261 section 25.1).
func readUser(raw []byte, start, end int, bare bool, u *URI, e *Error) int {
	at := start
	for at < end && class[raw[at]]&isURI != 0 && raw[at] != '@' {
		if c := raw[at]; bare && (c == ';' || c == ',' || c == '?') {
			return start
		}
		at++
	}
	if at == end || raw[at] != '@' {
		return start
	}
	u.User = Span{Start: start, End: at}
	for i := start; i < at; i++ {
		if raw[i] == '[' || raw[i] == ']' {
			return e.syntax(i, "a user without brackets, which stand around a host")
		}
		if raw[i] == ':' && u.User.End == at {
			u.User.End, u.Password = i, Span{Start: i + 1, End: at}
		}
	}
	if u.User.Empty() {
		return e.syntax(at, "a user before the @")
	}
	return at + 1
}

// readHostPort reads a host and an optional port, and returns where they end.
func readHostPort(raw []byte, i, end int, host *Span, port *int, e *Error) int {
	start := i
	if i < end && raw[i] == '[' {
		if i = ipv6End(raw, i, end); i < 0 {
			return e.syntax(start, "an IPv6 address and ']'")
		}
	} else {
		i = run(raw, i, end, isHost)
	}
	*host = Span{Start: start, End: i}
	if i == start {
		return e.syntax(i, "a host")
	}
	if i == end || raw[i] != ':' {
		return i
	}
	n, next := digits(raw, i+1, end, 65535)
	if next == i+1 {
		return e.syntax(next, "a port up to 65535")
	}
	*port = int(n)
	return next
}

// ipv6End returns the offset behind the bracket that closes the IPv6 address
// at i, or -1. The grammar of RFC 3261 allows three colons before an embedded
// IPv4 address; RFC 5118 section 4.10 wants that tolerated. A zone, as in
// [fe80::1%eth0], is not in the grammar but in some devices.
func ipv6End(raw []byte, i, end int) int {
	start := i + 1
	for i++; i < end && (class[raw[i]]&isHexadecimal != 0 || raw[i] == ':' || raw[i] == '.'); i++ {
	}
	if i > start && i < end && raw[i] == '%' {
		for i++; i < end && class[raw[i]]&isHost != 0; i++ {
		}
	}
	if i == start || i == end || raw[i] != ']' {
		return -1
	}
	return i + 1
}
