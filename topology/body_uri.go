package topology

import (
	"bytes"

	"sbc/signaling/edit"
)

// uriIn finds the URI that a text of a body is, or that it holds in "<>".
func uriIn(raw []byte, at edit.Span) (edit.Span, bool) {
	b := at.Of(raw)
	if open := bytes.IndexByte(b, '<'); open >= 0 {
		at.Start += open + 1
		if end := bytes.IndexByte(at.Of(raw), '>'); end >= 0 {
			at.End = at.Start + end
		}
		b = at.Of(raw)
	}
	return at, isURI(b)
}

// maskedSchemes are the schemes whose URIs are masked even where they cannot be read.
var maskedSchemes = [][]byte{[]byte("sip"), []byte("sips")}

// isURI reports whether a text is a URI: it has a scheme, and no octet that
// cannot stand in one.
func isURI(b []byte) bool {
	n := bytes.IndexByte(b, ':')
	if n <= 0 || class[b[0]]&digit != 0 {
		return false
	}
	for _, c := range b[:n] {
		if class[c]&word == 0 && c != '+' || c == '_' {
			return false
		}
	}
	for _, s := range maskedSchemes {
		if equalFold(b[:n], s) {
			return true
		}
	}
	return !bytes.ContainsAny(b, " \t\r\n<>\"")
}
