package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// summary masks a message summary (RFC 3842 section 5): the URI of
// Message-Account, and those in fields of the messages that it may list.
func (h *hider) summary(at edit.Span) bool {
	for i := at.Start; i < at.End; {
		end := lineEnd(h.raw, i, at.End)
		name, value, ok := bytes.Cut(h.raw[i:end], []byte(":"))
		line := edit.Span{Start: i, End: end}
		i = end
		if !ok {
			continue
		}
		if equalFold(bytes.TrimSpace(name), []byte("message-id")) {
			h.edits = remove(h.edits, line, whyPlace)
			continue
		}
		v := inner(h.raw, edit.Span{Start: end - len(value), End: end})
		if u, ok := uriIn(h.raw, v); ok {
			h.maskURI(u, h.host(), whyBody)
		}
	}
	return true
}

const whyFrag edit.Reason = "field of the far side in a piece of a message"

const version = "SIP/2.0"

// frag hides a piece of a message (RFC 3420): its start line stays, and fields
// that would pass in a message. Its body goes: nothing is left that says what
// it is.
func (h *hider) frag(at edit.Span) bool {
	i := h.fragStart(at)
	for gone := false; i < at.End; {
		line := edit.Span{Start: i, End: lineEnd(h.raw, i, at.End)}
		i = line.End
		text := bytes.TrimRight(line.Of(h.raw), "\r\n")
		if len(text) == 0 {
			break
		}
		if c := text[0]; c != ' ' && c != '\t' { // else it goes with the line before
			name, _, ok := bytes.Cut(text, []byte(":"))
			name = bytes.TrimRight(name, " \t")
			gone = !ok || !isToken(name) || hiddenAsField(name) || h.to.Realm.removes(name)
		}
		if gone {
			h.edits = remove(h.edits, line, whyFrag)
		}
	}
	if i < at.End {
		h.edits = remove(h.edits, edit.Span{Start: i, End: at.End}, whyFrag)
	}
	return true
}

// fragStart masks the Request-URI in the start line, if there is one, and
// returns where the fields begin.
func (h *hider) fragStart(at edit.Span) int {
	end := lineEnd(h.raw, at.Start, at.End)
	line := bytes.TrimRight(h.raw[at.Start:end], " \r\n")
	if bytes.HasPrefix(line, []byte(version+" ")) {
		return end
	}
	method := bytes.IndexByte(line, ' ')
	uri := edit.Span{Start: at.Start + method + 1, End: at.Start + len(line) - len(" "+version)}
	if method <= 0 || !bytes.HasSuffix(line, []byte(" "+version)) || uri.Empty() {
		return at.Start
	}
	if bytes.IndexByte(line[:method], ':') >= 0 {
		return at.Start
	}
	h.maskURI(uri, h.host(), whyBody)
	return end
}

// removes reports whether a rule takes fields of that name out.
func (r *Realm) removes(name []byte) bool {
	if r == nil {
		return false
	}
	if id, _ := named(name); id != sip.FieldUnknown {
		return r.byID[id].do == ruleRemove
	}
	var b [longestName]byte
	return r.byName[string(foldInto(b[:0], name))].do == ruleRemove
}
