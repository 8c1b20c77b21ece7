package topology

import (
	"bytes"

	"sbc/signaling/edit"
)

const (
	whyBodyDialog edit.Reason = "name of that dialog here (RFC 4235 section 4.1)"
	whyBodyRoute  edit.Reason = "route or description of a dialog of the far side (RFC 4235 section 4.1)"
	whyBodyID     edit.Reason = "an identifier made of the name of a dialog"
)

// An xmlHider goes through one document. All types that it reads are alike: a
// URI is the whole value of an attribute or the whole text of an element, a
// dialog is named by attributes or by elements.
type xmlHider struct {
	*hider
	list  bool // the type is rlmi+xml: cid names a part
	depth int

	// Elements that name a dialog, as in <sip><call-id>a</call-id>...</sip>
	// (RFC 4575 section 5.7).
	named   watched
	outside int  // depth of the element that they stand in
	inside  int  // which of them is open; watchedNothing: none
	some    bool // there are some
}

// document hides what a document says. It reports whether it could be read; if
// not, some edits may have been made.
func (x *xmlHider) document(at edit.Span) bool {
	s := xmlScanner{raw: x.raw, i: at.Start, end: at.End}
	x.inside = watchedNothing
	var t xmlToken
	for s.next(&t) {
		if !x.token(&s, &t) {
			return false
		}
	}
	x.resolve()
	return !s.bad && x.depth == 0
}

func (x *xmlHider) token(s *xmlScanner, t *xmlToken) bool {
	switch t.kind {
	case xmlOpen:
		return x.open(s, t)
	case xmlClose:
		return x.closes(t)
	case xmlText, xmlData:
		x.text(t)
	}
	return true
}

// goes reports whether an element goes with all that is in it: the route set
// and the session description of a dialog.
func goes(name []byte) bool {
	return string(name) == "route-set" || string(name) == "session-description"
}

func (x *xmlHider) open(s *xmlScanner, t *xmlToken) bool {
	name := t.name.Of(x.raw)
	if goes(name) {
		return x.skipElement(s, t)
	}
	if !x.attrs(name, t.attrs) {
		return false
	}
	if t.empty {
		return true
	}
	if n := watchedName(name); n != watchedNothing {
		if x.some && (x.outside != x.depth || x.named[n].has) {
			x.resolve()
		}
		x.some, x.outside, x.inside = true, x.depth, n
		x.named[n].has = true
		x.named[n].whole = t.at
		x.named[n].value = edit.Span{Start: t.at.End, End: t.at.End}
	}
	x.depth++
	return true
}

func (x *xmlHider) closes(t *xmlToken) bool {
	if x.depth--; x.depth < 0 {
		return false
	}
	if x.inside != watchedNothing && x.depth == x.outside {
		x.named[x.inside].whole.End = t.at.End
		x.inside = watchedNothing
	}
	if x.some && x.depth < x.outside {
		x.resolve()
	}
	return true
}

// skipElement takes an element out.
func (x *xmlHider) skipElement(s *xmlScanner, first *xmlToken) bool {
	at, depth := first.at, 1
	if first.empty {
		depth = 0
	}
	for t := (xmlToken{}); depth > 0; {
		if !s.next(&t) {
			return false
		}
		switch {
		case t.kind == xmlOpen && !t.empty:
			depth++
		case t.kind == xmlClose:
			depth--
		}
		at.End = t.at.End
	}
	if x.inside == watchedNothing {
		x.edits = remove(x.edits, at, whyBodyRoute)
	}
	return true
}

// text masks the text of an element, or keeps it as part of the name of a
// dialog.
func (x *xmlHider) text(t *xmlToken) {
	at := inner(x.raw, t.text)
	if at.Empty() {
		return
	}
	if x.inside == watchedNothing {
		x.uri(at, t.kind == xmlText)
	} else if w := &x.named[x.inside]; w.value.Empty() {
		w.value = at
	}
}

// resolve writes the name of a dialog that elements gave.
func (x *xmlHider) resolve() {
	if x.some {
		x.watched(&x.named, whyBodyDialog)
	}
	x.named, x.some, x.inside = watched{}, false, watchedNothing
}

// attrs does to the attributes of an element what has to be done.
func (x *xmlHider) attrs(element []byte, at edit.Span) bool {
	var (
		a  xmlAttr
		w  watched
		id edit.Span
		ok bool
	)
	for {
		if at, ok = attr(x.raw, at, &a); !ok {
			break
		}
		name := a.name.Of(x.raw)
		switch n := watchedName(name); {
		case n != watchedNothing && !w[n].has:
			w[n].has, w[n].whole, w[n].value = true, a.whole, a.value
		case n != watchedNothing:
			return false // twice
		case string(name) == "id" && string(element) == "dialog":
			id = a.value
		case string(name) == "cid" && x.list:
			x.afterAt(a.value)
		case !schema(a.full.Of(x.raw), name):
			x.uri(inner(x.raw, a.value), true)
		}
	}
	if !at.Empty() {
		return false
	}
	if w != (watched{}) {
		x.dialogID(&w, id)
		x.watched(&w, whyBodyDialog)
	}
	return true
}

// dialogID replaces the id of a dialog element that is made of the dialog's
// Call-ID or tags: it has to stay the same from one document to the next and
// means nothing else (RFC 4235 section 4.1.1).
func (x *xmlHider) dialogID(w *watched, at edit.Span) {
	text := x.read(at)
	for i := range w {
		part, _, _ := bytes.Cut(x.read(w[i].value), []byte("@"))
		if w[i].has && len(part) >= tokenMin && bytes.Contains(text, part) {
			const hex = "0123456789abcdef"
			t := x.scratch.text()
			for sum, n := fnv(text), 0; n < 16; sum, n = sum<<4, n+1 {
				t = t.byte(hex[sum>>60])
			}
			x.edits = t.replace(x.edits, at, whyBodyID)
			return
		}
	}
}

// fnv is FNV-1a of 64 bits.
func fnv(b []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, c := range b {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return h
}

// schema reports whether an attribute speaks of the language: its URIs are
// names, not places.
func schema(full, name []byte) bool {
	return bytes.HasPrefix(full, []byte("xmlns")) || string(name) == "schemaLocation" || string(name) == "noNamespaceSchemaLocation"
}

// uri masks a text if it is a URI. escaped tells that references count in it.
func (x *xmlHider) uri(at edit.Span, escaped bool) {
	if !escaped || bytes.IndexByte(at.Of(x.raw), '&') < 0 {
		if u, ok := uriIn(x.raw, at); ok {
			x.maskURI(u, x.host(), whyBody)
		}
		return
	}
	plain := unescapeXML(x.scratch, at.Of(x.raw))
	if u, ok := uriIn(plain, edit.Span{End: len(plain)}); ok {
		x.maskEscaped(at, plain, u)
	}
}

// maskEscaped masks the URI u of plain, a text that stands with references in
// at, and writes it anew if something has changed.
func (x *xmlHider) maskEscaped(at edit.Span, plain []byte, u edit.Span) {
	before, raw := len(x.edits), x.raw
	x.raw, x.xml = plain, false
	x.maskURI(u, x.host(), whyBody)
	x.raw, x.xml = raw, true
	edits := x.edits[before:]
	x.edits = x.edits[:before]
	if len(edits) == 0 {
		return
	}
	t := x.scratch.text()
	masked, err := edit.AppendTo(x.scratch.buf, plain, edits)
	if err != nil {
		x.edits = remove(x.edits, at, whyUnreadable)
		return
	}
	x.scratch.buf = masked
	masked = t.bytes()
	x.edits = x.scratch.text().escapeXML(masked).replace(x.edits, at, whyBody)
}
