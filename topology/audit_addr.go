package topology

import "net/netip"

// parseAddr reads an address in dotted or colon form, whole. Unlike netip it
// takes octets, never allocates, and takes "010.000.000.005" for what its
// writer meant.
func parseAddr(b []byte) (netip.Addr, bool) {
	if a, ok := parseV4(b); ok {
		return netip.AddrFrom4(a), true
	}
	if a, ok := parseV6(b, ':'); ok {
		return netip.AddrFrom16(a).Unmap(), true
	}
	return netip.Addr{}, false
}

func parseV4(b []byte) (a [4]byte, ok bool) {
	for i := range a {
		v, n := 0, 0
		for n < len(b) && n < 4 && class[b[n]]&digit != 0 {
			v = 10*v + int(b[n]-'0')
			n++
		}
		if n == 0 || n > 3 || v > 255 {
			return a, false
		}
		a[i], b = byte(v), b[n:]
		if i == 3 {
			break
		}
		if len(b) == 0 || b[0] != '.' {
			return a, false
		}
		b = b[1:]
	}
	return a, len(b) == 0
}

// parseV6 reads the text forms of RFC 4291 section 2.2, with sep where they
// have a colon. (In host names a dash stands there.)
func parseV6(b []byte, sep byte) (a [16]byte, ok bool) {
	at, gap := 0, -1
	if len(b) >= 2 && b[0] == sep && b[1] == sep {
		gap, b = 0, b[2:]
	}
	for len(b) > 0 {
		v, n := 0, 0
		for n < len(b) && n < 5 && class[b[n]]&hexa != 0 {
			v = v<<4 | int(hexValue(b[n]))
			n++
		}
		if n < len(b) && b[n] == '.' && at <= 12 {
			v4, ok4 := parseV4(b)
			copy(a[at:], v4[:])
			at, b = at+4, nil
			if !ok4 {
				return a, false
			}
			break
		}
		if n == 0 || n > 4 || at > 14 {
			return a, false
		}
		a[at], a[at+1] = byte(v>>8), byte(v)
		at, b = at+2, b[n:]
		if len(b) == 0 {
			break
		}
		if b[0] != sep || len(b) == 1 {
			return a, false
		}
		b = b[1:]
		if b[0] == sep {
			if gap >= 0 {
				return a, false
			}
			gap, b = at, b[1:]
		}
	}
	if gap < 0 {
		return a, at == 16
	}
	if at > 14 {
		return a, false
	}
	copy(a[16-(at-gap):], a[gap:at])
	clear(a[gap : 16-(at-gap)])
	return a, true
}

func hexValue(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

// parseHex reads an address written as 8 or 32 hexadecimal digits, as some
// devices do in Call-IDs and host names.
func parseHex(b []byte) (netip.Addr, bool) {
	if len(b) > 2 && b[0] == '0' && fold[b[1]] == 'x' {
		b = b[2:]
	}
	if len(b) != 8 && len(b) != 32 {
		return netip.Addr{}, false
	}
	var a [16]byte
	for i, c := range b {
		if class[c]&hexa == 0 {
			return netip.Addr{}, false
		}
		a[i/2] = a[i/2]<<4 | hexValue(c)
	}
	if len(b) == 8 {
		return netip.AddrFrom4([4]byte(a[:4])), true
	}
	return netip.AddrFrom16(a).Unmap(), true
}

// quads reports IPv4 addresses within a run of word octets: four decimal
// numbers with the same joint between them, "10.0.0.5-77", "ip-10-0-0-5.example".
func (s *scanner) quads(b []byte, base int) {
	for i := 0; i < len(b); i++ {
		if class[b[i]]&digit != 0 {
			if a, end, ok := quad(b, i); ok {
				s.addr(netip.AddrFrom4(a), base+i, base+end)
				i = end
			}
		}
		for i < len(b) && class[b[i]]&joint == 0 {
			i++
		}
	}
}

const reverse = ".in-addr.arpa" // RFC 1035 section 3.5

// quad reads four numbers at i, where a group begins. A fifth number before
// or behind them makes it something else.
func quad(b []byte, i int) (a [4]byte, end int, ok bool) {
	var sep byte
	at := i
	for n := range a {
		v, next := number(b, at)
		if next == at || v > 255 {
			return a, 0, false
		}
		a[n], at = byte(v), next
		switch {
		case n == 3:
		case at == len(b), n > 0 && b[at] != sep:
			return a, 0, false
		default:
			sep = b[at]
			at++
		}
	}
	if i > 0 && b[i-1] == sep {
		from := i - 1
		for from > 0 && class[b[from-1]]&joint == 0 {
			from--
		}
		if v, next := number(b, from); v >= 0 && next == i-1 && next > from {
			return a, 0, false
		}
	}
	if at < len(b) && b[at] == sep {
		if _, next := number(b, at+1); next > at+1 {
			return a, 0, false
		}
	}
	if sep == '.' && len(b) >= at+len(reverse) && equalFold(b[at:at+len(reverse)], []byte(reverse)) {
		a[0], a[1], a[2], a[3] = a[3], a[2], a[1], a[0]
	}
	return a, at, true
}

// number reads a group of one to three decimal digits; next is at when there
// is none.
func number(b []byte, at int) (v, next int) {
	next = at
	for next < len(b) && class[b[next]]&digit != 0 {
		v = 10*v + int(b[next]-'0')
		next++
		if next-at > 3 {
			return v, at
		}
	}
	if next < len(b) && class[b[next]]&joint == 0 {
		return v, at
	}
	return v, next
}

// hexGroups reports addresses that are a group of hexadecimal digits within a
// run of word octets, "c0a80001-1f".
func (s *scanner) hexGroups(b []byte, base int) {
	for from := 0; from < len(b); from++ {
		to := from
		for to < len(b) && class[b[to]]&joint == 0 {
			to++
		}
		s.hexGroup(b[from:to], base+from)
		from = to
	}
}

func (s *scanner) hexGroup(b []byte, base int) {
	switch len(b) {
	case 8, 10, 32, 34:
		if a, ok := parseHex(b); ok {
			s.addr(a, base, base+len(b))
		}
	}
}
