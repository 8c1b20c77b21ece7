package sip

// A URI is a decoded sip:, sips: or tel: URI; of other schemes only All and
// Scheme are set, and Host is what follows the colon. A tel: URI has its
// number in Host.
type URI struct {
	All, Scheme, User, Password Span
	Host                        Span // IPv6 addresses with their brackets
	Params                      Span // from the first ';'
	Headers                     Span // behind the '?'
	Port                        int  // 0: none
}

// ParseURI decodes the URI at s, without angle brackets.
func ParseURI(raw []byte, s Span) (URI, error) {
	u := URI{All: s}
	i := s.Start
	for i < s.End && raw[i] != ':' {
		if lower[raw[i]] == 0 {
			return u, bad("syntax", 400, i, "a scheme")
		}
		i++
	}
	if i == s.Start || i == s.End {
		return u, bad("syntax", 400, s.Start, "a scheme and a colon")
	}
	u.Scheme = Span{Start: s.Start, End: i}
	rest := Span{Start: i + 1, End: s.End}
	for j := rest.Start; j < rest.End; j++ {
		if c := raw[j]; c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' {
			return u, bad("syntax", 400, j, "an octet that may stand in a URI")
		}
	}
	if rest.Empty() {
		return u, bad("syntax", 400, rest.Start, "a host")
	}
	switch scheme := u.Scheme.Of(raw); {
	case equalFold(scheme, "sip"), equalFold(scheme, "sips"):
		return u.hierarchy(raw, rest)
	case equalFold(scheme, "tel"):
		u.Host = rest
		for j := rest.Start; j < rest.End; j++ {
			if raw[j] == ';' {
				u.Host.End, u.Params = j, Span{Start: j, End: rest.End}
				break
			}
		}
		return u, nil
	}
	u.Host = rest
	return u, nil
}

// hierarchy reads userinfo, hostport, parameters and headers.
func (u URI) hierarchy(raw []byte, s Span) (URI, error) {
	// The user part may hold ; ? and more (RFC 3261 section 25.1): the last @
	// before the end of the host ends it, and a host has none.
	at := -1
	for j := s.Start; j < s.End; j++ {
		if raw[j] == '@' {
			at = j
			break
		}
	}
	if at >= 0 {
		u.User = Span{Start: s.Start, End: at}
		for j := s.Start; j < at; j++ {
			if raw[j] == ':' {
				u.User.End, u.Password = j, Span{Start: j + 1, End: at}
				break
			}
		}
		if u.User.Empty() {
			return u, bad("syntax", 400, at, "a user before the @")
		}
		s.Start = at + 1
	}
	host, port, i, err := hostPort(raw, s)
	if err != nil {
		return u, err
	}
	u.Host, u.Port = host, port
	if i < s.End && raw[i] == ';' {
		j := i
		for j < s.End && raw[j] != '?' {
			j++
		}
		u.Params, i = Span{Start: i, End: j}, j
	}
	if i < s.End && raw[i] == '?' {
		u.Headers, i = Span{Start: i + 1, End: s.End}, s.End
	}
	if i < s.End {
		return u, bad("syntax", 400, i, "';', '?' or the end")
	}
	return u, nil
}

// hostPort reads a host and an optional port at the start of s, and returns
// where it stopped.
func hostPort(raw []byte, s Span) (host Span, port, i int, err error) {
	i = s.Start
	if i < s.End && raw[i] == '[' {
		for i < s.End && raw[i] != ']' {
			if c := raw[i]; i > s.Start && c != ':' && c != '.' && c != '%' && !isHex(c) {
				return host, 0, i, bad("syntax", 400, i, "an IPv6 address")
			}
			i++
		}
		if i == s.End {
			return host, 0, i, bad("syntax", 400, i, "']'")
		}
		i++
	} else {
		for i < s.End && isHost(raw[i]) {
			i++
		}
	}
	host = Span{Start: s.Start, End: i}
	if host.Empty() {
		return host, 0, i, bad("syntax", 400, i, "a host")
	}
	if i == s.End || raw[i] != ':' {
		return host, 0, i, nil
	}
	start := i + 1
	for i++; i < s.End && '0' <= raw[i] && raw[i] <= '9'; i++ {
		if port = port*10 + int(raw[i]-'0'); port > 65535 {
			return host, 0, i, bad("syntax", 400, i, "a port up to 65535")
		}
	}
	if i == start {
		return host, 0, i, bad("syntax", 400, i, "a port")
	}
	return host, port, i, nil
}

func isHost(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}
