package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

const whyContentID edit.Reason = "host of the far side in the name of a part (RFC 2392)"

// contentID masks the Content-ID among the fields of a part: a list of
// resources names its parts so (RFC 4662 section 5.5).
func (b *bodyHider) contentID(fields edit.Span) {
	for i := fields.Start; i < fields.End; {
		end := lineEnd(b.raw, i, fields.End)
		name, value, ok := bytes.Cut(b.raw[i:end], []byte(":"))
		if ok && equalFold(bytes.TrimSpace(name), []byte("content-id")) {
			b.afterAt(edit.Span{Start: end - len(value), End: end})
		}
		i = end
	}
}

// contentIDs masks the name of the first part in the Content-Type of a
// multipart/related body (RFC 2387 section 3.2).
func (b *bodyHider) contentIDs(contentType edit.Span) {
	i := separator(b.raw, contentType.Start, contentType.End, ';')
	if at, ok := sip.Param(b.raw, edit.Span{Start: i, End: contentType.End}, "start"); ok {
		b.afterAt(at)
	}
}

// afterAt masks what stands behind the "@" in at, up to what ends a name.
func (h *hider) afterAt(at edit.Span) {
	i := bytes.IndexByte(at.Of(h.raw), '@')
	if i < 0 {
		return
	}
	at.Start += i + 1
	if n := bytes.IndexAny(at.Of(h.raw), "<>\"' \t\r\n;,"); n >= 0 {
		at.End = at.Start + n
	}
	if !at.Empty() {
		h.put(at, bareHost(h.host()), whyContentID)
	}
}

// lineEnd returns the offset behind the line that i lies in.
func lineEnd(raw []byte, i, end int) int {
	if n := bytes.IndexByte(raw[i:end], '\n'); n >= 0 {
		return i + n + 1
	}
	return end
}
