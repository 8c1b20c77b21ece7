package policy

import (
	"fmt"
	"unicode/utf8"
)

// CheckReplace reports what is wrong with the Replace of a Rewrite where the
// pattern for the user part has that many groups.
func CheckReplace(replace string, groups int) error {
	_, err := parseTemplate(replace, groups)
	return err
}

// A template is a replacement, cut into pieces.
type template []piece

// A piece is text, or a group of the match where text is nil.
type piece struct {
	text  []byte
	group int
}

// parseTemplate reads $0 to $9 and $$. A group has one digit, so that "$10"
// is group 1 and a zero: numbers follow groups all the time here.
func parseTemplate(s string, groups int) (template, error) {
	var t template
	var text []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '$' {
			text = append(text, s[i])
			continue
		}
		i++
		switch {
		case i < len(s) && s[i] == '$':
			text = append(text, '$')
		case i < len(s) && s[i] >= '0' && s[i] <= '9':
			group := int(s[i] - '0')
			if group > groups {
				return nil, fmt.Errorf("there is no group $%d: the pattern for the user has %d", group, groups)
			}
			if len(text) > 0 {
				t = append(t, piece{text: text})
				text = nil
			}
			t = append(t, piece{group: group})
		default:
			return nil, fmt.Errorf("after a $ comes a digit, or a second $ for the character itself")
		}
	}
	if len(text) > 0 {
		t = append(t, piece{text: text})
	}
	return t, nil
}

// rewrite returns the new user part, escaped for a URI. user is unescaped.
func (t *route) rewrite(user []byte) []byte {
	w := t.Rewrite
	if t.replace == nil {
		out := make([]byte, 0, len(w.Prefix)+len(user))
		rest := strip(user, w.Strip)
		if len(rest) == 0 {
			return nil
		}
		return appendEscaped(appendEscaped(out, w.Prefix), rest)
	}
	at := t.Match.User.FindSubmatchIndex(user)
	out := make([]byte, 0, len(user)+len(w.Replace))
	for _, p := range t.replace {
		switch {
		case p.text != nil:
			out = appendEscaped(out, p.text)
		case 2*p.group+1 < len(at) && at[2*p.group] >= 0:
			out = appendEscaped(out, user[at[2*p.group]:at[2*p.group+1]])
		}
	}
	return out
}

// strip takes n characters off the front.
func strip(user []byte, n int) []byte {
	for ; n > 0 && len(user) > 0; n-- {
		_, size := utf8.DecodeRune(user)
		user = user[size:]
	}
	return user
}

// unescape resolves %HH. "%2B49" and "+49" are the same user (RFC 3261
// section 19.1.4), so a route must not tell them apart. Without an escape
// it returns b itself.
func unescape(b []byte) []byte {
	for i := range b {
		if b[i] == '%' {
			return appendUnescaped(make([]byte, 0, len(b)), b)
		}
	}
	return b
}

func appendUnescaped(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) {
			hi, lo := unhex(b[i+1]), unhex(b[i+2])
			if hi >= 0 && lo >= 0 {
				dst = append(dst, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		dst = append(dst, b[i])
	}
	return dst
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// appendEscaped appends a user part, with an escape for each octet that must
// not stand in it.
func appendEscaped[T string | []byte](dst []byte, s T) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if userOctet(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// userOctet reports whether c may stand in a user part as it is: unreserved
// and user-unreserved of RFC 3261 section 25.1.
func userOctet(c byte) bool {
	switch {
	case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return true
	}
	switch c {
	case '-', '_', '.', '!', '~', '*', '\'', '(', ')', // mark
		'&', '=', '+', '$', ',', ';', '?', '/': // user-unreserved
		return true
	}
	return false
}
