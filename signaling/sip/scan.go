package sip

import (
	"encoding/binary"
	"math/bits"
)

// Classes of octets, as RFC 3261 section 25.1 has them, wider where devices
// write what the grammar does not have and no other reading is possible.
const (
	isToken uint8 = 1 << iota // token
	isHost                    // host without brackets, and "_"
	isURI                     // may stand in a URI: no white space, control, <, > or "
	isUser                    // isURI without what divides a URI: @ : ; ? [ ] and the comma
	isValue                   // may stand in an unquoted value of a parameter
	isDigit
	isHexadecimal
)

var class = func() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		if alpha := 'a' <= b|0x20 && b|0x20 <= 'z'; alpha || '0' <= b && b <= '9' {
			t[c] = isToken | isHost
			if !alpha {
				t[c] |= isDigit | isHexadecimal
			} else if b|0x20 <= 'f' {
				t[c] |= isHexadecimal
			}
		}
		if b > ' ' && b != 0x7f && b != '<' && b != '>' && b != '"' {
			t[c] |= isURI | isUser | isValue
		}
	}
	for _, c := range "-.!%*_+`'~" {
		t[c] |= isToken
	}
	for _, c := range "-._" {
		t[c] |= isHost
	}
	for _, c := range "@:;?[]," {
		t[c] &^= isUser
	}
	for _, c := range ";," {
		t[c] &^= isValue
	}
	return t
}()

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080

	spaces = ' ' * ones
)

// plain returns the first offset from i on at which an octet below space or
// DEL stands; len(b) if there is none. It looks at every octet of every
// message, so it takes sixteen a step.
func plain(b []byte, i int) int { return above(b, i, spaces) }

// above returns the first offset from i on at which an octet is DEL or below
// the one that limit repeats; len(b) if there is none.
func above(b []byte, i int, limit uint64) int {
	for i+16 <= len(b) {
		// An octet of ASCII sets its highest bit here if it is one of those.
		// Octets beyond ASCII do so too; what the borrow and the carry do to
		// the octets behind does not matter, as the first that is set counts.
		s := b[i : i+16]
		w, x := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[8:])
		first, second := ((w-limit)|(w+ones))&highs, ((x-limit)|(x+ones))&highs
		if first|second == 0 {
			i += 16
			continue
		}
		if first == 0 {
			first = second
			i += 8
		}
		if i += bits.TrailingZeros64(first) >> 3; b[i] < 0x80 {
			return i
		}
		i++
	}
	for i < len(b) && b[i] >= byte(limit) && b[i] != 0x7f {
		i++
	}
	return i
}

// run returns the first offset from i on, up to end, at which an octet stands
// that is in none of the classes.
func run(raw []byte, i, end int, classes uint8) int {
	s := raw[i:end]
	for j := range s {
		if class[s[j]]&classes == 0 {
			return i + j
		}
	}
	return end
}

// isLWS tells whether c may stand in linear white space, folds included.
func isLWS(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// skipLWS returns the first offset from i on, up to end, without white space.
func skipLWS(raw []byte, i, end int) int {
	for i < end && raw[i] <= ' ' && isLWS(raw[i]) {
		i++
	}
	return i
}

// trim returns s without the white space around it.
func trim(raw []byte, s Span) Span {
	for s.Start < s.End && isLWS(raw[s.Start]) {
		s.Start++
	}
	for s.End > s.Start && isLWS(raw[s.End-1]) {
		s.End--
	}
	return s
}

// quoteEnd returns the offset of the quote that ends the quoted string that
// begins at i, or -1.
func quoteEnd(raw []byte, i, end int) int {
	for i++; i < end; i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// endOf returns the first offset from i on at which stop stands outside of
// quotes and angle brackets; end if there is none.
func endOf(raw []byte, i, end int, stop byte) int {
	for ; i < end; i++ {
		switch c := raw[i]; c {
		case stop:
			return i
		case '"':
			if i = quoteEnd(raw, i, end); i < 0 {
				return end
			}
		case '<':
			for i < end && raw[i] != '>' {
				i++
			}
		}
	}
	return end
}

// equalFold compares b with text, the letters of ASCII in any case.
func equalFold(b []byte, text string) bool {
	return string(b) == text || len(b) == len(text) && equalLetters(b, text)
}

func equalLetters(b []byte, text string) bool {
	for i, c := range b {
		if c != text[i] && (c|0x20 != text[i]|0x20 || c|0x20 < 'a' || 'z' < c|0x20) {
			return false
		}
	}
	return true
}

// digits reads the decimal number at the start of raw[i:end], and returns
// where it ends; i if there is none, or if it is above limit.
func digits(raw []byte, i, end int, limit uint64) (n uint64, next int) {
	for next = i; next < end; next++ {
		d := raw[next] - '0'
		if d > 9 {
			break
		}
		if n = n*10 + uint64(d); n > limit {
			return 0, i
		}
	}
	return n, next
}
