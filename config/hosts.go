package config

import (
	"net/netip"
	"strconv"
	"strings"

	"sbc/policy"
)

// target reads "sip:HOST[:PORT][;transport=udp]".
func (r *reader) target(t text) (policy.Target, bool) {
	const example = `"sip:192.0.2.10" or "sip:sip.itsp.example:5070"`
	bad := func(format string, args ...any) (policy.Target, bool) {
		r.fail(t.at, "Not a target", format+" Write a target like %s.", append(args, example)...)
		return policy.Target{}, false
	}
	scheme, rest, ok := strings.Cut(t.s, ":")
	switch {
	case strings.EqualFold(scheme, "sips"):
		return bad("TLS is not supported.")
	case !ok || !strings.EqualFold(scheme, "sip"):
		return bad("%q does not begin with \"sip:\".", t.s)
	case strings.Contains(rest, "@"):
		return bad("A target has no user part: numbers come from the calls.")
	case strings.Contains(rest, "?"):
		return bad("A target has no header fields.")
	case strings.HasPrefix(rest, "["):
		return bad("IPv6 is not supported.")
	}
	rest, params, has := strings.Cut(rest, ";")
	if has && !strings.EqualFold(params, "transport=udp") {
		return bad("The parameter %q is not supported, only transport=udp is.", params)
	}
	host, port, ok := splitPort(rest)
	if !ok {
		return bad("%q has no port from 1 to 65535 after the colon.", rest)
	}
	target := policy.Target{Host: host, Port: port, Transport: "udp"}
	if addr, err := netip.ParseAddr(host); err == nil {
		return target, r.usable(text{host, t.at}, addr, &target.Addr)
	}
	if !goodHost(host) {
		return bad("%q is neither an address nor a name.", host)
	}
	return target, true
}

// splitPort cuts a host from its port, which is 5060 where there is none.
func splitPort(s string) (host string, port uint16, ok bool) {
	host, digits, has := strings.Cut(s, ":")
	if !has {
		return host, sipPort, true
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	return host, uint16(n), err == nil && n > 0 && digits[0] != '+'
}

func goodHostPort(s string) bool {
	host, _, ok := splitPort(s)
	return ok && goodHost(host)
}

// goodHost reports whether s is an IPv4 address or a host name: RFC 3261
// section 25.1, hostname, where the last label begins with a letter, so that
// no mistyped address passes for a name.
func goodHost(s string) bool {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Is4()
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
