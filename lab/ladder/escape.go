package ladder

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape returns s as it may be shown on one line of a terminal: line ends,
// ESC and other control characters, characters that turn the direction of
// text around or are not seen at all, and octets that are not UTF-8 become
// \n, \x1b, \u202e, \xff. The rest stays, a backslash too: text that was
// escaped before comes back as it is.
func Escape(s string) string {
	for i, r := range s {
		if hidden(r) || r == utf8.RuneError {
			return escapeFrom(s, i)
		}
	}
	return s
}

func hidden(r rune) bool {
	switch r {
	case '\u00a0': // a space
		return false
	case '\u115f', '\u1160', '\u2800', '\u3164', '\uffa0': // letters and a symbol by their category
		return true
	}
	return !unicode.IsPrint(r)
}

func escapeFrom(s string, from int) string {
	b := make([]byte, from, len(s)+16)
	copy(b, s)
	for i := from; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = fmt.Appendf(b, `\x%02x`, s[i])
		case !hidden(r):
			b = append(b, s[i:i+n]...)
		case strings.ContainsRune("\r\n\t", r):
			b = append(b, '\\', "tn  r"[r-'\t'])
		case r < utf8.RuneSelf:
			b = fmt.Appendf(b, `\x%02x`, r)
		case r <= 0xffff:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
		i += n
	}
	return string(b)
}
