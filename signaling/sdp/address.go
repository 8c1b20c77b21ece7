package sdp

import "net/netip"

// Usable reports whether media may be sent to addr: not to a group, not to
// everybody, not to an address that no host has, and to this host only in a
// realm that is on loopback.
func Usable(addr netip.Addr, loopbackRealm bool) bool {
	addr = addr.Unmap()
	switch {
	case !addr.IsValid(), addr.IsUnspecified(), addr.IsMulticast():
		return false
	case addr.IsLoopback():
		return loopbackRealm
	case addr.Is4():
		// 0/8 and 240/4 with the broadcast address: RFC 6890.
		a := addr.As4()
		return a[0] != 0 && a[0] < 240
	}
	// Without a zone fe80::/10 leads nowhere, and SDP knows no zones.
	return !addr.IsLinkLocalUnicast()
}

// parseAddr is netip.ParseAddr for octets, without zones: it allocates
// nothing.
func parseAddr(b []byte) (netip.Addr, bool) {
	for _, c := range b {
		switch c {
		case '.':
			return parseAddr4(b)
		case ':':
			return parseAddr6(b)
		}
	}
	return netip.Addr{}, false
}

func parseAddr4(b []byte) (netip.Addr, bool) {
	var a [4]byte
	for i := range a {
		n := 0
		for n < len(b) && b[n] != '.' {
			n++
		}
		v, ok := decimal(b[:n], 255)
		// A leading zero makes it octal for some, decimal for others.
		if !ok || n > 1 && b[0] == '0' || (i < 3) != (n < len(b)) {
			return netip.Addr{}, false
		}
		a[i] = byte(v)
		b = b[min(n+1, len(b)):]
	}
	return netip.AddrFrom4(a), true
}

func parseAddr6(b []byte) (netip.Addr, bool) {
	var a [16]byte
	at, gap := 0, -1 // octets written, where the "::" is
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, b = 0, b[2:]
	}
	for len(b) > 0 {
		if at == 16 {
			return netip.Addr{}, false
		}
		n, v, ok := hexGroup(b)
		if n < len(b) && b[n] == '.' { // the last four octets as IPv4
			v4, good := parseAddr4(b)
			if !good || at > 12 {
				return netip.Addr{}, false
			}
			octets := v4.As4()
			at += copy(a[at:], octets[:])
			break
		}
		if !ok {
			return netip.Addr{}, false
		}
		a[at], a[at+1] = byte(v>>8), byte(v)
		at, b = at+2, b[n:]
		if len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return netip.Addr{}, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap, b = at, b[1:]
		}
	}
	if (gap < 0) != (at == 16) { // "::" stands for one group at least
		return netip.Addr{}, false
	}
	if gap < 0 {
		return netip.AddrFrom16(a), true
	}
	n := copy(a[16-(at-gap):], a[gap:at])
	clear(a[gap : 16-n])
	return netip.AddrFrom16(a), true
}

// hexGroup reads one to four hexadecimal digits.
func hexGroup(b []byte) (n int, v uint16, ok bool) {
	for n < len(b) {
		c := b[n]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = (c | 0x20) - 'a' + 10
		default:
			return n, v, n > 0
		}
		if n++; n > 4 {
			return n, 0, false
		}
		v = v<<4 | uint16(c)
	}
	return n, v, n > 0
}
