package telemetry

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape returns s as it may be shown on one line of a log or a terminal:
// control characters, line separators, characters that change the direction
// of text or are not seen at all, and octets that are not UTF-8 are written
// as \n, \x1b, \u202e. A backslash stays one, so that what is escaped twice
// is still readable.
func Escape(s string) string {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if hidden(r, n) {
			return escapeFrom(s, i)
		}
		i += n
	}
	return s
}

func hidden(r rune, n int) bool {
	if r == utf8.RuneError && n <= 1 {
		return true
	}
	return r < ' ' || r >= 0x7f && !unicode.IsPrint(r) && r != '\u00a0'
}

func escapeFrom(s string, from int) string {
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:from])
	for i := from; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case !hidden(r, n):
			b.WriteString(s[i : i+n])
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x80 || n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}
