package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sdp"
)

// renumbered returns what this side calls payload type pt of the media line
// under way.
func (h *sdpHider) renumbered(pt uint8) (uint8, bool) {
	for _, r := range h.at(h.media).Payloads {
		if r.From == pt {
			return r.To, true
		}
	}
	return pt, false
}

// number writes the payload type that at begins with, and returns what follows
// it.
func (h *sdpHider) number(at edit.Span, why edit.Reason) edit.Span {
	pt, rest, ok := sdp.PayloadType(h.raw, at)
	if !ok {
		return rest
	}
	if to, ok := h.renumbered(pt); ok {
		h.put(edit.Span{Start: at.Start, End: rest.Start}, h.scratch.text().uint(uint64(to)), why)
	}
	return rest
}

// formats writes the payload types in m= line i.
func (h *sdpHider) formats(i int) {
	if h.media < 0 || h.to.Session.Media[h.media].Lines[0] != i || len(h.at(h.media).Payloads) == 0 {
		return
	}
	rest := h.to.Session.Media[h.media].Formats
	for rest.Start < rest.End {
		if h.raw[rest.Start] == ' ' || h.raw[rest.Start] == '\t' {
			rest.Start++
			continue
		}
		rest = h.number(rest, whyFormat)
		for rest.Start < rest.End && h.raw[rest.Start] != ' ' && h.raw[rest.Start] != '\t' {
			rest.Start++
		}
	}
}

// payload writes the payload types in an attribute: the one that it is about,
// and the one to which a format for retransmissions belongs (RFC 4588 section
// 8.1).
func (h *sdpHider) payload(l sdp.Line, why edit.Reason) {
	if h.media < 0 || len(h.at(h.media).Payloads) == 0 {
		return
	}
	at := l.Value
	at.Start += bytes.IndexByte(at.Of(h.raw), ':') + 1
	rest := h.number(at, why)
	if i := bytes.Index(rest.Of(h.raw), []byte("apt=")); i > 0 && !isToken(h.raw[rest.Start+i-1:rest.Start+i]) {
		h.number(edit.Span{Start: rest.Start + i + len("apt="), End: rest.End}, why)
	}
}
