package digest

import (
	"bytes"

	"sbc/signaling/sip"
)

// A param is a parameter of credentials that is looked at.
type param uint8

// RFC 7616 section 3.4. Others, opaque among them, are passed over.
const (
	paramNone param = iota
	paramUsername
	paramRealm
	paramNonce
	paramURI
	paramResponse
	paramAlgorithm
	paramCnonce
	paramQop
	paramNC

	params
)

var paramNames = [params]string{
	paramUsername: "username", paramRealm: "realm", paramNonce: "nonce", paramURI: "uri", paramResponse: "response",
	paramAlgorithm: "algorithm", paramCnonce: "cnonce", paramQop: "qop", paramNC: "nc",
}

// Ours: credentials have 200 to 600 octets.
const valueMax = 2048

// A reading is what a value of Authorization turned out to be.
type reading uint8

const (
	unreadable reading = iota
	readDigest
	readOther // another scheme
)

// credentials are the parameters of one value of the Digest scheme. Which of
// them are there is not judged.
type credentials struct {
	value [params]sip.Span // with quotes, where they have any; empty: not there
}

// read reads a value in one pass. It accepts what sip.ParseAuth does, which
// looks through the value once for each parameter, and takes from it the same.
// A parameter that we look at may stand there once.
func (c *credentials) read(raw []byte, s sip.Span) reading {
	*c = credentials{}
	i := skipWhile(raw, s.Start, s.End, octetLWS)
	scheme := i
	i = skipWhile(raw, i, s.End, octetToken)
	digest := equalFold(raw[scheme:i], "digest")
	next := skipWhile(raw, i, s.End, octetLWS)
	switch {
	case i == scheme || next == i || next == s.End || s.Len() > valueMax:
		return unreadable
	case !digest:
		return readOther
	}
	for i = next; i < s.End; {
		if i = c.readParam(raw, i, s.End); i < 0 {
			return unreadable
		}
	}
	return readDigest
}

// readParam reads name=value at i and returns where the next begins, end if
// there is none, -1 if this cannot be read.
func (c *credentials) readParam(raw []byte, i, end int) int {
	begin := i
	i = skipWhile(raw, i, end, octetToken)
	p := paramOf(raw[begin:i])
	next := skipWhile(raw, i, end, octetLWS)
	if i == begin || next == end || raw[next] != '=' {
		return -1
	}
	begin = skipWhile(raw, next+1, end, octetLWS)
	if begin < end && raw[begin] == '"' {
		i = quoteEnd(raw, begin, end)
	} else if i = skipWhile(raw, begin, end, octetValue); i == begin {
		return -1
	}
	if i < 0 || p != paramNone && !c.value[p].Empty() {
		return -1
	}
	c.value[p] = sip.Span{Start: begin, End: i}
	if i = skipWhile(raw, i, end, octetLWS); i == end {
		return end
	}
	if next = skipWhile(raw, i+1, end, octetLWS); raw[i] != ',' || next == end {
		return -1
	}
	return next
}

// paramOf tells which parameter has a name, in any case.
func paramOf(name []byte) param {
	for p := paramUsername; p < params; p++ {
		if equalFold(name, paramNames[p]) {
			return p
		}
	}
	return paramNone
}

// has reports whether a parameter is there and not empty.
func (c *credentials) has(raw []byte, p param) bool { return !c.span(raw, p).Empty() }

// span returns where the value of a parameter is, without quotes.
func (c *credentials) span(raw []byte, p param) sip.Span {
	s := c.value[p]
	if !s.Empty() && raw[s.Start] == '"' {
		s.Start, s.End = s.Start+1, s.End-1
	}
	return s
}

// text returns the value of a parameter as it stands between its quotes, which
// is what is hashed (RFC 7616 section 3.3, "unq").
func (c *credentials) text(raw []byte, p param) []byte { return c.span(raw, p).Of(raw) }

// meaning returns what the value of a parameter means, without the backslashes
// and folds that a quoted string may have; in buf, if it has any and may be a
// name.
func (c *credentials) meaning(buf, raw []byte, p param) []byte {
	text := c.text(raw, p)
	if len(text) > len(buf) || !bytes.ContainsAny(text, "\\\r\n") {
		return text
	}
	return sip.AppendUnquoted(buf[:0], c.value[p].Of(raw))
}

// Classes of octets, as sip.ParseAuth has them.
const (
	octetToken uint8 = 1 << iota
	octetValue       // may stand in a value without quotes
	octetLWS
)

var octets = func() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		if 'a' <= b|0x20 && b|0x20 <= 'z' || '0' <= b && b <= '9' {
			t[c] |= octetToken
		}
		if b > ' ' && b != 0x7f {
			t[c] |= octetValue
		}
	}
	for _, c := range "-.!%*_+`'~" {
		t[c] |= octetToken
	}
	for _, c := range "<>\";," {
		t[c] &^= octetValue
	}
	for _, c := range " \t\r\n" {
		t[c] |= octetLWS
	}
	return t
}()

// skipWhile returns the first offset from i on, up to end, at which an octet
// of another class stands.
func skipWhile(raw []byte, i, end int, class uint8) int {
	for i < end && octets[raw[i]]&class != 0 {
		i++
	}
	return i
}

// quoteEnd returns the offset behind the quoted string that begins at i, or -1.
func quoteEnd(raw []byte, i, end int) int {
	for i++; i < end; i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// equalFold compares b with text, the letters of ASCII in any case.
func equalFold(b []byte, text string) bool {
	if len(b) != len(text) {
		return false
	}
	for i, c := range b {
		if c != text[i] && (c|0x20 != text[i]|0x20 || c|0x20 < 'a' || 'z' < c|0x20) {
			return false
		}
	}
	return true
}
