package topology

import "bytes"

// windowMax is how much of an escaped text is looked at in one piece. Ours:
// more than a Replaces in a Refer-To takes, little enough for the stack.
const windowMax = 1024

// unescape looks at each stretch of visible octets that has a percent sign or
// an ampersand in it with its escapes undone: those of URIs (RFC 3986 section
// 2.1), whose embedded header fields hold Call-IDs, tags and addresses in that
// form (RFC 3261 section 19.1.1), and those of XML, in which a URI may stand.
func (s *scanner) unescape() {
	for end := 0; ; {
		i := bytes.IndexAny(s.text[end:], "%&")
		if i < 0 {
			return
		}
		i += end
		start := i
		for start > end && class[s.text[start-1]]&visible != 0 {
			start--
		}
		for end = i; end < len(s.text) && class[s.text[end]]&visible != 0; {
			end++
		}
		for start < end {
			start = s.window(start, end)
		}
	}
}

// unescaped reads the octet that b begins with, and how many octets it takes:
// a reference of XML is undone first, then a percent escape, which may have
// references in it.
func unescaped(b []byte) (c byte, n int) {
	c, n = referred(b)
	if c != '%' {
		return c, n
	}
	hex := [3]byte{'%'}
	at := n
	for i := 1; i < len(hex); i++ {
		if at >= len(b) {
			return c, n
		}
		var k int
		hex[i], k = referred(b[at:])
		at += k
	}
	if octet, ok := escapedOctet(hex[:]); ok {
		return octet, at
	}
	return c, n
}

// referred reads the octet that b begins with, or the reference to it.
func referred(b []byte) (c byte, n int) {
	if b[0] == '&' {
		if r, n := entity(b); n > 0 && r < 0x80 {
			return byte(r), n
		}
	}
	return b[0], 1
}

// escapedOctet reads the escape that b begins with.
func escapedOctet(b []byte) (byte, bool) {
	if len(b) < 3 || class[b[1]]&hexa == 0 || class[b[2]]&hexa == 0 {
		return '%', false
	}
	return hexValue(b[1])<<4 | hexValue(b[2]), true
}

// window scans one piece and returns where the next begins.
func (s *scanner) window(start, end int) int {
	var text [windowMax]byte
	var raw [windowMax + 1]uint32
	n, cut := 0, 0
	i := start
	for ; i < end && n < windowMax; n++ {
		raw[n] = uint32(i)
		octets := 1
		if text[n] = s.text[i]; text[n] == '%' || text[n] == '&' {
			text[n], octets = unescaped(s.text[i:end])
		}
		i += octets
		if class[text[n]]&(word|extends|special) == 0 && text[n] != '@' {
			cut = n + 1
		}
	}
	raw[n] = uint32(i)
	if i < end && cut > 0 {
		// An identifier must not be cut in two.
		n, i = cut, int(raw[cut])
	}
	in := scanner{text: text[:n], known: s.known, raw: raw[:n+1], least: s.least, filter: s.filter}
	in.scan()
	for _, h := range in.hits[:in.n] {
		s.note(h)
	}
	return i
}
