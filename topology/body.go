package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// What is done to a body, or to a part of one, by its media type. The zero
// treatment is that it passes; session descriptions are the leg's.
type bodyTreatment uint8

const (
	bodyPasses  bodyTreatment = iota
	bodyXML                   // URIs are masked, dialogs translated
	bodyList                  // likewise, and the parts it names by their Content-ID
	bodySummary               // lines, one of which holds a URI
	bodyFrag                  // a piece of a message
)

// bodyRows says what is done to a body by its media type, in lower case. What
// users write to each other is not here: it passes as they wrote it.
var bodyRows = map[string]bodyTreatment{
	"application/dialog-info+xml":        bodyXML, // RFC 4235
	"application/reginfo+xml":            bodyXML, // RFC 3680
	"application/conference-info+xml":    bodyXML, // RFC 4575
	"application/pidf+xml":               bodyXML, // RFC 3863
	"application/pidf-diff+xml":          bodyXML, // RFC 5262
	"application/cpim-pidf+xml":          bodyXML, // its drafts
	"application/xpidf+xml":              bodyXML,
	"application/watcherinfo+xml":        bodyXML,  // RFC 3858
	"application/resource-lists+xml":     bodyXML,  // RFC 4826
	"application/rlmi+xml":               bodyList, // RFC 4662
	"application/simple-message-summary": bodySummary,
	"message/sipfrag":                    bodyFrag,
}

const (
	whyBody       edit.Reason = "hosts and dialogs of the far side in a body"
	whyBodyOpaque edit.Reason = "a body that names hosts or dialogs and cannot be read"
)

// longestType bounds the media types that are looked up. Ours: the longest of
// the table has 34 octets.
const longestType = 128

// rowOfBody returns what is done to a body of a media type without a rule.
func rowOfBody(mediaType []byte) bodyTreatment {
	var b [longestType]byte
	return bodyRows[string(foldInto(b[:0], mediaType))]
}

var sdpType = []byte("application/sdp")

// bodies does to the body, or to each part of it, what a rule says, else what
// the table says.
func (h *hider) bodies() {
	f, ok := h.m.First(sip.FieldContentType)
	if !ok || h.m.Body().Empty() || h.taken(h.m.Body()) {
		return
	}
	if equalFold(sip.MediaType(h.raw, f.Value), sdpType) {
		return
	}
	list, err := h.m.AppendParts(h.scratch.parts[:0])
	h.scratch.parts = list
	if err != nil {
		h.wholeBody(whyBodyOpaque)
		return
	}
	b := bodyHider{hider: h, parts: list}
	for i := range list {
		b.list = b.list || rowOfBody(sip.MediaType(h.raw, list[i].Type)) == bodyList
	}
	before := len(h.edits)
	if why, goes := b.part(0); goes {
		h.edits = h.edits[:before]
		h.wholeBody(why)
	}
}

// taken reports whether an edit that is made already touches at.
func (h *hider) taken(at edit.Span) bool {
	for _, e := range h.edits[:h.given] {
		if e.Start < at.End && e.End > at.Start {
			return true
		}
	}
	return false
}

// wholeBody takes the body out with the fields that describe it.
func (h *hider) wholeBody(why edit.Reason) {
	for _, f := range h.m.Fields() {
		if describesBody(h.m, f) {
			h.edits = dropIn(h.edits, h.given, f.Line)
			if !h.touched(f) {
				h.remove(f, why)
			}
		}
	}
	body := h.m.Body()
	h.edits = dropIn(h.edits, h.given, body)
	h.edits = remove(h.edits, body, why)
}

// dropIn takes out of edits, from the given one on, those that change what is
// in at. What is inserted before or behind it stays.
func dropIn(edits []edit.Edit, given int, at edit.Span) []edit.Edit {
	n := given
	for _, e := range edits[given:] {
		if e.End <= at.Start || e.Start >= at.End || e.Start < at.Start || e.End > at.End {
			edits[n] = e
			n++
		}
	}
	return edits[:n]
}

// describesBody reports whether a field says what the body is: it has to go
// with it.
func describesBody(m *sip.Message, f sip.Field) bool {
	const content = "content-"
	switch f.ID {
	case sip.FieldContentLength:
		return false
	case sip.FieldContentType, sip.FieldContentEncoding, sip.FieldContentDisposition, sip.FieldMIMEVersion:
		return true
	}
	name := m.Bytes(f.Name)
	return len(name) > len(content) && equalFold(name[:len(content)], []byte(content))
}

// A bodyHider goes through the parts of one body.
type bodyHider struct {
	*hider
	parts []sip.Part
	list  bool // one of them names others by their Content-ID (RFC 4662 section 5)
}

// part does to part i, and to those in it, what has to be done. It reports
// whether the whole of it has to go; then nothing has been done.
func (b *bodyHider) part(i int) (why edit.Reason, goes bool) {
	p := &b.parts[i]
	name := sip.MediaType(b.raw, p.Type)
	if b.list {
		b.contentID(p.Fields)
	}
	if p.Inside > 0 {
		return b.multipart(i)
	}
	rule := b.to.Realm.bodyRule(name)
	switch {
	case rule.do == ruleRemove:
		return rule.why, true
	case rule.do == rulePass || b.to.SDP != nil && b.to.SDP.Body == p.Content:
		return "", false
	}
	row := rowOfBody(name)
	if row == bodyPasses || p.Content.Empty() {
		return "", false
	}
	if b.encoded(p) || !b.content(row, p.Content) {
		return whyBodyOpaque, true
	}
	return "", false
}

// multipart goes through the parts of part i. If all go, it goes.
func (b *bodyHider) multipart(i int) (why edit.Reason, goes bool) {
	end := i + 1 + b.parts[i].Inside
	left, before := 0, len(b.edits) // left: the first part that stays
	for n := i + 1; n < end; n += 1 + b.parts[n].Inside {
		at := len(b.edits)
		if cause, gone := b.part(n); gone {
			b.edits, why = remove(b.edits[:at], b.parts[n].Whole, cause), cause
			continue
		}
		if left == 0 {
			left = n
		}
	}
	if left == 0 {
		b.edits = b.edits[:before]
		return why, true
	}
	if first := b.parts[i+1].Whole; left > i+1 && first.Start == b.parts[i].Content.Start {
		// No empty line shall stand where the body begins.
		at := b.parts[left].Whole
		b.edits = remove(b.edits, edit.Span{Start: at.Start, End: skipLineEnd(b.raw, at.Start)}, why)
	}
	if b.list {
		b.contentIDs(b.parts[i].Type)
	}
	return "", false
}

// skipLineEnd returns the offset behind a line end at i, or i.
func skipLineEnd(raw []byte, i int) int {
	if raw[i] == '\r' {
		i++
	}
	if raw[i] == '\n' {
		i++
	}
	return i
}

// content does to the content of one part what its row says. It reports whether
// it could be read.
func (b *bodyHider) content(row bodyTreatment, at edit.Span) bool {
	switch row {
	case bodySummary:
		return b.summary(at)
	case bodyFrag:
		return b.frag(at)
	}
	b.xml = true
	x := xmlHider{hider: b.hider, list: row == bodyList}
	ok := x.document(at)
	b.xml = false
	return ok
}

// encoded reports whether a part is written in a way that hides its text
// (RFC 3261 section 20.12, RFC 2045 section 6).
func (b *bodyHider) encoded(p *sip.Part) bool {
	if bytes.IndexByte(p.Content.Of(b.raw), 0) >= 0 {
		return true // UTF-16, for instance
	}
	if p.Fields.Empty() {
		for _, f := range b.m.Fields() {
			if coded(b.m.Bytes(f.Name), b.m.Bytes(f.Value)) {
				return true
			}
		}
		return false
	}
	for line := range bytes.Lines(p.Fields.Of(b.raw)) {
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && coded(bytes.TrimSpace(name), bytes.TrimSpace(value)) {
			return true
		}
	}
	return false
}

func coded(name, value []byte) bool {
	switch {
	case equalFold(name, []byte("content-encoding")), equalFold(name, []byte("e")):
		return !equalFold(value, []byte("identity"))
	case equalFold(name, []byte("content-transfer-encoding")):
		return !equalFold(value, []byte("binary")) && !equalFold(value, []byte("8bit")) && !equalFold(value, []byte("7bit"))
	}
	return false
}
