package config

import (
	"net/netip"
	"strconv"
	"strings"

	"sbc/policy"
)

// target reads "sip:HOST[:PORT][;transport=udp|tcp|tls]".
func (r *reader) target(t text) (policy.Target, bool) {
	const example = `"sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070"`
	bad := func(format string, args ...any) (policy.Target, bool) {
		r.fail(t.at, "Not a target", format+" Write a target like %s.", append(args, example)...)
		return policy.Target{}, false
	}
	scheme, rest, ok := strings.Cut(t.s, ":")
	switch {
	case strings.EqualFold(scheme, "sips"):
		return bad("A target by TLS is written \"sip:...;transport=tls\".")
	case !ok || !strings.EqualFold(scheme, "sip"):
		return bad("%q does not begin with \"sip:\".", t.s)
	case strings.Contains(rest, "@"):
		return bad("A target has no user part: numbers come from the calls.")
	case strings.Contains(rest, "?"):
		return bad("A target has no header fields.")
	}
	rest, param, has := strings.Cut(rest, ";")
	transport, ok := transportOf(param)
	if has && !ok {
		return bad("The parameter %q is not supported, only transport=udp, transport=tcp and transport=tls are.", param)
	}
	if transport == policy.WS || transport == policy.WSS {
		return bad("A peer cannot be reached by %s: browsers connect to us (RFC 7118).", transport)
	}
	host, port, ok := splitPort(rest)
	if transport == policy.TLS && !strings.HasSuffix(rest, ":5060") && port == sipPort {
		port = 5061 // RFC 3261 section 19.1.2
	}
	if !ok {
		return bad("%q has no port from 1 to 65535 after the colon.", rest)
	}
	target := policy.Target{Host: host, Port: port, Transport: transport}
	if addr, bracketed := literal(host); addr.IsValid() {
		target.Host = addr.String()
		if addr.Is6() && !bracketed {
			return bad("An IPv6 address stands in brackets: \"sip:[%s]\".", addr)
		}
		return target, r.usable(text{target.Host, t.at}, addr, &target.Addr)
	}
	if !goodHost(host) {
		return bad("%q is neither an address nor a name.", host)
	}
	return target, true
}

// transportOf reads the parameter of a target; names and values of parameters
// are compared without case (RFC 3261 section 19.1.4).
func transportOf(param string) (transport string, ok bool) {
	for _, t := range transports {
		if strings.EqualFold(param, "transport="+t) {
			return t, true
		}
	}
	return "", false
}

// literal reads an address, of IPv6 with or without the brackets that it has
// in a URI. The address is not valid where s is none.
func literal(s string) (addr netip.Addr, bracketed bool) {
	inner, opened := strings.CutPrefix(s, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	addr, err := netip.ParseAddr(inner)
	if err != nil || opened != closed || opened && !addr.Is6() {
		return netip.Addr{}, false
	}
	return addr, opened
}

// splitPort cuts a host from its port, which is 5060 where there is none. An
// IPv6 address without brackets is a host.
func splitPort(s string) (host string, port uint16, ok bool) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Is6() {
		return s, sipPort, true
	}
	at := strings.IndexByte(s, ':')
	if end := strings.LastIndexByte(s, ']'); end >= 0 {
		if at = end + 1; at < len(s) && s[at] != ':' {
			return s, 0, false
		}
	}
	if at < 0 || at == len(s) {
		return s, sipPort, true
	}
	digits := s[at+1:]
	n, err := strconv.ParseUint(digits, 10, 16)
	return s[:at], uint16(n), err == nil && n > 0 && digits[0] != '+'
}

// goodHostPort reports whether s can stand for a host in a URI: there an IPv6
// address has brackets.
func goodHostPort(s string) bool {
	host, _, ok := splitPort(s)
	if addr, bracketed := literal(host); addr.IsValid() {
		return ok && addr.Zone() == "" && bracketed == addr.Is6()
	}
	return ok && goodHost(host)
}

// goodHost reports whether s is an address without zone or a host name: RFC 3261
// section 25.1, hostname, where the last label begins with a letter, so that
// no mistyped address passes for a name.
func goodHost(s string) bool {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Zone() == ""
	}
	if len(s) > 253 { // RFC 1035 section 2.3.4
		return false
	}
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	for _, l := range labels {
		if !goodLabel(l) {
			return false
		}
	}
	last := labels[len(labels)-1]
	return last[0] > '9'
}

func goodLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-':
		default:
			return false
		}
	}
	return true
}
