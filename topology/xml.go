package topology

import (
	"bytes"
	"unicode/utf8"

	"sbc/signaling/edit"
)

// An xmlScanner finds the tags and texts of a document. It judges only what it
// needs to find them; what it cannot tell apart it does not read.
type xmlScanner struct {
	raw    []byte
	i, end int
	bad    bool
}

type xmlKind uint8

const (
	xmlText  xmlKind = iota // between two tags
	xmlData                 // a CDATA section, without its brackets
	xmlOpen                 // <a b="c"> or <a b="c"/>
	xmlClose                // </a>
	xmlOther                // a comment or a processing instruction
)

type xmlToken struct {
	kind  xmlKind
	at    edit.Span // all of it
	text  edit.Span // xmlText, xmlData
	name  edit.Span // of an element, without its prefix
	attrs edit.Span
	empty bool // <a/>
}

// next reads the next token. It returns false at the end, and where the rest
// is no XML, or has a document type, in which entities can be declared.
func (s *xmlScanner) next(t *xmlToken) bool {
	if s.bad || s.i >= s.end {
		return false
	}
	*t = xmlToken{at: edit.Span{Start: s.i, End: s.end}}
	rest := s.raw[s.i:s.end]
	switch {
	case rest[0] != '<':
		if n := bytes.IndexByte(rest, '<'); n >= 0 {
			t.at.End = s.i + n
		}
		t.text = t.at
		s.i = t.at.End
		return true
	case bytes.HasPrefix(rest, []byte("<!--")):
		return s.until(t, xmlOther, "<!--", "-->")
	case bytes.HasPrefix(rest, []byte("<?")):
		return s.until(t, xmlOther, "<?", "?>")
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return s.until(t, xmlData, "<![CDATA[", "]]>")
	}
	return s.tag(t)
}

// until reads a token that ends with close.
func (s *xmlScanner) until(t *xmlToken, kind xmlKind, open, close string) bool {
	from := s.i + len(open)
	n := bytes.Index(s.raw[from:s.end], []byte(close))
	if n < 0 {
		s.bad = true
		return false
	}
	t.kind, t.text = kind, edit.Span{Start: from, End: from + n}
	s.i = from + n + len(close)
	t.at.End = s.i
	return true
}

// tag reads a tag. A ">" in the value of an attribute does not end it.
func (s *xmlScanner) tag(t *xmlToken) bool {
	t.kind = xmlOpen
	i := s.i + 1
	if i < s.end && s.raw[i] == '/' {
		t.kind = xmlClose
		i++
	}
	t.name = edit.Span{Start: i, End: i}
	for t.name.End < s.end && nameOctet(s.raw[t.name.End]) {
		t.name.End++
	}
	end, quote := t.name.End, byte(0)
	for ; end < s.end && (quote != 0 || s.raw[end] != '>'); end++ {
		switch c := s.raw[end]; {
		case quote != 0 && c == quote:
			quote = 0
		case c == '<':
			end = s.end
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		}
	}
	if end >= s.end || t.name.Empty() {
		s.bad = true
		return false
	}
	t.attrs = edit.Span{Start: t.name.End, End: end}
	if !t.attrs.Empty() && s.raw[end-1] == '/' {
		t.empty = true
		t.attrs.End--
	}
	t.name = local(s.raw, t.name)
	s.i = end + 1
	t.at.End = s.i
	return true
}

func nameOctet(c byte) bool { return class[c]&word != 0 || c == ':' || c >= 0x80 }

// local takes the prefix off a name.
func local(raw []byte, name edit.Span) edit.Span {
	if i := bytes.LastIndexByte(name.Of(raw), ':'); i >= 0 {
		name.Start += i + 1
	}
	return name
}

// An xmlAttr is one attribute of a tag.
type xmlAttr struct {
	whole edit.Span // with the white space before it
	full  edit.Span // its name with the prefix
	name  edit.Span // without
	value edit.Span // without quotes
}

// attr reads the attribute at the beginning of at and returns what follows. ok
// is false at the end, and where the rest is no attribute; then at is not
// empty.
func attr(raw []byte, at edit.Span, a *xmlAttr) (rest edit.Span, ok bool) {
	i := skip(raw, at.Start, at.End, true)
	if i == at.End {
		return edit.Span{Start: i, End: i}, false
	}
	a.full = edit.Span{Start: i, End: i}
	for a.full.End < at.End && nameOctet(raw[a.full.End]) {
		a.full.End++
	}
	i = skip(raw, a.full.End, at.End, true)
	if a.full.Empty() || i == at.End || raw[i] != '=' {
		return at, false
	}
	i = skip(raw, i+1, at.End, true)
	if i == at.End || raw[i] != '"' && raw[i] != '\'' {
		return at, false
	}
	n := bytes.IndexByte(raw[i+1:at.End], raw[i])
	if n < 0 {
		return at, false
	}
	a.name = local(raw, a.full)
	a.value = edit.Span{Start: i + 1, End: i + 1 + n}
	a.whole = edit.Span{Start: at.Start, End: a.value.End + 1}
	return edit.Span{Start: a.whole.End, End: at.End}, true
}

// xmlEntities are the entities that XML has without declaring them.
var xmlEntities = []struct {
	name string
	is   byte
}{{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}

// entity reads the reference that b begins with and returns how many octets it
// takes; 0 if it is none.
func entity(b []byte) (r rune, n int) {
	if len(b) > 3 && b[1] == '#' {
		return reference(b)
	}
	for _, e := range xmlEntities {
		if len(b) >= len(e.name) && string(b[:len(e.name)]) == e.name {
			return rune(e.is), len(e.name)
		}
	}
	return 0, 0
}

// reference reads a character reference, &#49; or &#x31;. Zeros may stand
// before the number.
func reference(b []byte) (r rune, n int) {
	i, base, is := 2, rune(10), uint8(digit)
	if fold[b[2]] == 'x' {
		i, base, is = 3, 16, hexa
	}
	from := i
	for ; i < len(b) && class[b[i]]&is != 0; i++ {
		if r = r*base + rune(hexValue(b[i])); r > utf8.MaxRune {
			return 0, 0
		}
	}
	if i == from || i == len(b) || b[i] != ';' {
		return 0, 0
	}
	return r, i + 1
}

// unescapeXML returns b with its references undone. What is none stays.
func unescapeXML(s *Scratch, b []byte) []byte {
	if bytes.IndexByte(b, '&') < 0 {
		return b
	}
	t := s.text()
	for i := 0; i < len(b); {
		if r, n := rune(0), 0; b[i] == '&' {
			if r, n = entity(b[i:]); n > 0 {
				t.s.buf = utf8.AppendRune(t.s.buf, r)
				i += n
				continue
			}
		}
		t = t.byte(b[i])
		i++
	}
	return t.bytes()
}

// escapeXML writes v as a text or as the value of an attribute.
func (t text) escapeXML(v []byte) text {
	for _, c := range v {
		switch {
		case c == '&':
			t = t.str("&amp;")
		case c == '<':
			t = t.str("&lt;")
		case c == '>':
			t = t.str("&gt;")
		case c == '"':
			t = t.str("&quot;")
		case c == '\'':
			t = t.str("&apos;")
		case c < ' ':
			t = t.str("&#").byte('0' + c/10).byte('0' + c%10).byte(';')
		default:
			t = t.byte(c)
		}
	}
	return t
}
