package sip

// A Via is one value of a Via field.
type Via struct {
	Value     Span
	Transport Span
	Host      Span // sent-by; IPv6 addresses with their brackets
	Params    Span
	Branch    Span
	Maddr     Span
	Received  Span
	Rport     Span // its value, if it has one
	Port      int  // 0: none
	HasRport  bool
}

// ParseVia decodes the first of the comma-joined values in s; rest is what
// follows it.
func ParseVia(raw []byte, s Span) (v Via, rest Span, err error) {
	s = trim(raw, s)
	end := endOf(raw, s.Start, s.End, ",")
	rest = Span{Start: min(end+1, s.End), End: s.End}
	if end < s.End && trim(raw, rest).Empty() {
		return v, rest, bad("via", 0, end, "a Via behind the comma")
	}
	v.Value = trim(raw, Span{Start: s.Start, End: end})
	i := v.Value.Start
	for part := range 3 {
		start := i
		for i < v.Value.End && lower[raw[i]] != 0 {
			i++
		}
		if i == start {
			return v, rest, bad("via", 0, i, "SIP/2.0/ and a transport")
		}
		tok := raw[start:i]
		if part == 0 && !equalFold(tok, "SIP") || part == 1 && string(tok) != "2.0" {
			return v, rest, bad("via", 0, start, "SIP/2.0/")
		}
		v.Transport = Span{Start: start, End: i}
		for i < v.Value.End && isSpace(raw[i]) {
			i++
		}
		if part == 2 {
			break
		}
		if i == v.Value.End || raw[i] != '/' {
			return v, rest, bad("via", 0, i, "'/'")
		}
		for i++; i < v.Value.End && isSpace(raw[i]); i++ {
		}
	}
	if i == v.Transport.End {
		return v, rest, bad("via", 0, i, "a space before the host")
	}
	if v.Host, v.Port, i, err = viaHost(raw, Span{Start: i, End: v.Value.End}); err != nil {
		return v, rest, err
	}
	v.Params = trim(raw, Span{Start: i, End: v.Value.End})
	if err := checkParams(raw, v.Params); err != nil {
		return v, rest, err
	}
	v.readParams(raw)
	return v, rest, nil
}

// viaHost reads sent-by, in which white space may surround the colon.
func viaHost(raw []byte, s Span) (host Span, port, i int, err error) {
	host, port, i, err = hostPort(raw, s)
	if err != nil {
		return host, 0, i, bad("via", 0, i, "host[:port]")
	}
	if port != 0 {
		return host, port, i, nil
	}
	j := i
	for j < s.End && isSpace(raw[j]) {
		j++
	}
	if j == s.End || raw[j] != ':' {
		return host, port, i, nil
	}
	for j++; j < s.End && isSpace(raw[j]); j++ {
	}
	start := j
	for ; j < s.End && '0' <= raw[j] && raw[j] <= '9' && port <= 65535; j++ {
		port = port*10 + int(raw[j]-'0')
	}
	if j == start || port > 65535 {
		return host, 0, j, bad("via", 0, j, "a port")
	}
	return host, port, j, nil
}

func (v *Via) readParams(raw []byte) {
	for i := v.Params.Start; i < v.Params.End; {
		if raw[i] == ';' || isSpace(raw[i]) {
			i++
			continue
		}
		end := endOf(raw, i, v.Params.End, ";")
		name, value := splitParam(raw, Span{Start: i, End: end})
		switch n := name.Of(raw); {
		case v.Branch.Empty() && equalFold(n, "branch"):
			v.Branch = value
		case equalFold(n, "rport"):
			v.HasRport, v.Rport = true, value
		case equalFold(n, "maddr"):
			v.Maddr = value
		case equalFold(n, "received"):
			v.Received = value
		}
		i = end
	}
}
