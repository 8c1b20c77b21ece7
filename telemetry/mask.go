package telemetry

import "bytes"

// Mask overwrites the secrets of a message, or of a part of one, in place:
// the credentials of Authorization and Proxy-Authorization, what
// Authentication-Info proves, the keys of a=crypto, a=key-mgmt and k= lines,
// ICE passwords, and passwords in URIs and parameters. Lengths stay, so that
// offsets into the message stay right.
func Mask(b []byte) {
	if bytes.IndexByte(b, '\n') < 0 {
		maskLine(b) // a field's value, as edits put them in
		return
	}
	secret := false // the line before holds a secret and may be continued
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n') + 1
		if n == 0 {
			n = len(b)
		}
		line := b[:n]
		b = b[n:]
		if secret && (line[0] == ' ' || line[0] == '\t') {
			stars(line)
			continue
		}
		secret = maskField(line)
		if !secret {
			maskLine(line)
		}
	}
}

// secretFields are header fields whose value proves who one is.
var secretFields = [...]string{"authorization", "proxy-authorization", "authentication-info"}

// maskField masks the value of a field that is secret and tells whether line
// is one. The scheme stays to be seen.
func maskField(line []byte) bool {
	if c := line[0] | 0x20; c != 'a' && c != 'p' {
		return false
	}
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return false
	}
	name := bytes.TrimRight(line[:colon], " \t")
	for i, secret := range secretFields {
		if !equalFold(name, secret) {
			continue
		}
		value := line[colon+1:]
		if i < 2 {
			value = afterScheme(value)
		}
		stars(value)
		return true
	}
	return false
}

// afterScheme returns what follows the first word of a value.
func afterScheme(value []byte) []byte {
	i := 0
	for i < len(value) && (value[i] == ' ' || value[i] == '\t') {
		i++
	}
	for i < len(value) && isAlpha(value[i]) {
		i++
	}
	if i < len(value) && value[i] != ' ' && value[i] != '\t' {
		return value // not a scheme
	}
	return value[i:]
}

// maskLine masks what is secret in a line of SDP, or in a part of a line of
// whatever kind.
func maskLine(line []byte) {
	switch {
	case hasPrefix(line, "a=crypto:"), hasPrefix(line, "inline:"):
		maskInline(line)
		return
	case hasPrefix(line, "a=key-mgmt:"), hasPrefix(line, "a=ice-pwd:"):
		stars(line[bytes.IndexByte(line, ':')+1:])
		return
	case hasPrefix(line, "k="):
		stars(line[2:])
		return
	}
	maskUserinfo(line)
	maskParameters(line)
}

// maskInline masks the keys of RFC 4568 section 6.1: "inline:" and what
// follows up to the lifetime.
func maskInline(line []byte) {
	for {
		i := bytes.Index(line, []byte("inline:"))
		if i < 0 {
			return
		}
		line = line[i+len("inline:"):]
		n := bytes.IndexAny(line, "|; \t\r\n")
		if n < 0 {
			n = len(line)
		}
		stars(line[:n])
		line = line[n:]
	}
}

// endsURI are the octets that are in no URI.
var endsURI = [256]bool{'<': true, '>': true, '"': true, ' ': true, '\t': true, ',': true, '\n': true}

// maskUserinfo masks the password in "scheme:user:password@host" (RFC 3261
// section 19.1.1).
func maskUserinfo(line []byte) {
	for from := 0; ; {
		n := bytes.IndexByte(line[from:], '@')
		if n < 0 {
			return
		}
		at := from + n
		from = at + 1
		password := at
		for i := at - 1; i >= 0 && !endsURI[line[i]]; i-- {
			if line[i] != ':' {
				continue
			}
			if hasSuffix(line[:i], "sip") || hasSuffix(line[:i], "sips") {
				stars(line[password:at])
				break
			}
			password = i + 1
		}
	}
}

// maskParameters masks the values of "password=" and "pwd=".
func maskParameters(line []byte) {
	for from := 0; ; {
		n := bytes.IndexByte(line[from:], '=')
		if n < 0 {
			return
		}
		from += n + 1
		name := line[:from-1]
		if !hasSuffix(name, "password") && !hasSuffix(name, "pwd") {
			continue
		}
		value := line[from:]
		stops := ";,& >\t\r\n"
		if len(value) > 0 && value[0] == '"' {
			value, stops = value[1:], "\""
		}
		end := bytes.IndexAny(value, stops)
		if end < 0 {
			end = len(value)
		}
		stars(value[:end])
	}
}

// stars overwrites b, all but line ends.
func stars(b []byte) {
	for i, c := range b {
		if c != '\r' && c != '\n' {
			b[i] = '*'
		}
	}
}

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// hasPrefix is bytes.HasPrefix without regard to case; low is lower case.
func hasPrefix(b []byte, low string) bool {
	return len(b) >= len(low) && equalFold(b[:len(low)], low)
}

func hasSuffix(b []byte, low string) bool {
	return len(b) >= len(low) && equalFold(b[len(b)-len(low):], low)
}

// equalFold compares without regard to the case of ASCII letters.
func equalFold(b []byte, low string) bool {
	if len(b) != len(low) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != low[i] {
			return false
		}
	}
	return true
}
