package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

const (
	whyWatched  edit.Reason = "name of that dialog here (RFC 4235 section 3.2)"
	whyReferred edit.Reason = "number of that REFER on this leg (RFC 3515 section 2.4.6)"
)

// A watched is a dialog that parameters of Event, or attributes of an element,
// name: where each part of its name is, and what goes with it.
type watched [3]struct {
	has   bool
	whole edit.Span // parameter, attribute or element
	value edit.Span // without quotes
}

// What is named.
const (
	watchedCallID = iota
	watchedTo
	watchedFrom
	watchedNothing
)

// watchedName tells what a parameter, an attribute or an element of that name
// is of the name of a dialog.
func watchedName(name []byte) int {
	switch {
	case equalFold(name, []byte("call-id")), equalFold(name, []byte("callid")):
		return watchedCallID
	case equalFold(name, []byte("to-tag")), equalFold(name, []byte("local-tag")):
		return watchedTo
	case equalFold(name, []byte("from-tag")), equalFold(name, []byte("remote-tag")):
		return watchedFrom
	}
	return watchedNothing
}

// event translates the dialog that Event names (RFC 4235 section 3.2), and the
// number of a REFER.
func (h *hider) event(f sip.Field) {
	var w watched
	i := separator(h.raw, f.Value.Start, f.Value.End, ';')
	if i == f.Value.End {
		return
	}
	refer := equalFold(bytes.TrimSpace(h.raw[f.Value.Start:i]), []byte("refer"))
	for i < f.Value.End {
		end := separator(h.raw, i+1, f.Value.End, ';')
		name, value, _ := bytes.Cut(h.raw[i+1:end], []byte("="))
		name = bytes.TrimSpace(name)
		at := inner(h.raw, edit.Span{Start: end - len(value), End: end})
		if n := watchedName(name); n != watchedNothing {
			if w[n].has {
				h.edits = remove(h.edits, edit.Span{Start: i, End: end}, whyDialog)
			} else {
				w[n].has, w[n].whole, w[n].value = true, edit.Span{Start: i, End: end}, at
			}
		} else if refer && h.to.Referred != 0 && equalFold(name, []byte("id")) {
			h.number(at, uint64(h.to.Referred), whyReferred)
		}
		i = end
	}
	h.watched(&w, whyWatched)
}

// inner takes white space and quotes off.
func inner(raw []byte, s edit.Span) edit.Span {
	s.Start = skip(raw, s.Start, s.End, true)
	for s.End > s.Start && bytes.IndexByte([]byte(" \t\r\n"), raw[s.End-1]) >= 0 {
		s.End--
	}
	if s.End-s.Start >= 2 && raw[s.Start] == '"' && raw[s.End-1] == '"' {
		s.Start, s.End = s.Start+1, s.End-1
	}
	return s
}

// read returns a text that stands in the message, write puts another there. In
// XML both are escaped.
func (h *hider) read(at edit.Span) []byte {
	if h.xml {
		return unescapeXML(h.scratch, at.Of(h.raw))
	}
	return at.Of(h.raw)
}

func (h *hider) write(at edit.Span, new []byte, why edit.Reason) {
	if !h.xml {
		h.put(at, new, why)
	} else if t := h.scratch.text().escapeXML(new); !bytes.Equal(t.bytes(), at.Of(h.raw)) {
		h.edits = t.replace(h.edits, at, why)
	}
}

// watched writes the name that the dialog has here, or takes all of it out. It
// reports whether the name stays.
func (h *hider) watched(w *watched, why edit.Reason) bool {
	var name DialogName
	for i, to := range []*[]byte{&name.CallID, &name.ToTag, &name.FromTag} {
		if w[i].has {
			*to = h.read(w[i].value)
		}
	}
	ok := len(name.CallID) > 0
	switch {
	case !ok:
	case w[watchedTo].has || w[watchedFrom].has:
		name, ok = h.translate(name)
	default:
		name.CallID, ok = h.translateID(name.CallID)
	}
	for i, text := range [][]byte{name.CallID, name.ToTag, name.FromTag} {
		switch {
		case !w[i].has:
		case ok && len(text) > 0:
			h.write(w[i].value, text, why)
		default:
			h.edits = remove(h.edits, w[i].whole, whyDialog)
		}
	}
	return ok
}

// embedded does to an embedded header field of a URI (RFC 3261 section 19.1.1)
// what would be done to the field, and reports whether it stays.
func (h *hider) embedded(name []byte, at edit.Span, of []byte) bool {
	id, row := named(name)
	value := at.Of(h.raw)
	switch {
	case row.do == dialogName:
		return h.embeddedName(at, of, row.why)
	case id == sip.FieldEvent:
		// A package may be asked for; a dialog that a parameter names may not.
		return bytes.IndexByte(value, ';') < 0 && bytes.IndexByte(unescapeURI(h.scratch, value), ';') < 0
	}
	return !hiddenAsField(name)
}

// embeddedName translates the value of an embedded Replaces or Join, which has
// percent escapes.
func (h *hider) embeddedName(at edit.Span, of []byte, why edit.Reason) bool {
	if h.to.Dialog == nil {
		return false
	}
	raw := unescapeURI(h.scratch, at.Of(h.raw))
	d, err := sip.ParseDialogID(raw, edit.Span{End: len(raw)})
	if err != nil {
		return false
	}
	is := nameOf(raw, d)
	is.At = of
	name, ok := h.translate(is)
	if !ok {
		return false
	}
	first, firstText, last, lastText := d.ToTag, name.ToTag, d.FromTag, name.FromTag
	if first.Start > last.Start {
		first, firstText, last, lastText = last, lastText, first, firstText
	}
	t := h.scratch.text().escapeURI(raw[:d.CallID.Start]).escapeURI(name.CallID).
		escapeURI(raw[d.CallID.End:first.Start]).escapeURI(firstText).
		escapeURI(raw[first.End:last.Start]).escapeURI(lastText).escapeURI(raw[last.End:])
	if !bytes.Equal(t.bytes(), at.Of(h.raw)) {
		h.edits = t.replace(h.edits, at, why)
	}
	return true
}

// unescapeURI returns b with its percent escapes undone (RFC 3986 section 2.1).
func unescapeURI(s *Scratch, b []byte) []byte {
	if bytes.IndexByte(b, '%') < 0 {
		return b
	}
	t := s.text()
	for i := 0; i < len(b); i++ {
		c, ok := b[i], false
		if c == '%' {
			if c, ok = escapedOctet(b[i:]); ok {
				i += 2
			}
		}
		t = t.byte(c)
	}
	return t.bytes()
}

// escapeURI writes v as the value of an embedded header field: what is neither
// unreserved nor hnv-unreserved is escaped (RFC 3261 section 25.1).
func (t text) escapeURI(v []byte) text {
	const hex = "0123456789ABCDEF"
	for _, c := range v {
		if class[c]&word != 0 || bytes.IndexByte([]byte("!~*'()[]/?:+$"), c) >= 0 {
			t = t.byte(c)
		} else {
			t = t.byte('%').byte(hex[c>>4]).byte(hex[c&15])
		}
	}
	return t
}
