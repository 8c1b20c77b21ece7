package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// dialog writes what the leg says of the path and the dialog. The first field
// of a kind is replaced where it stands; the others go.
func (h *hider) dialog(f sip.Field, row fieldRow) {
	switch row.do {
	case via:
		h.lines(f, h.to.Vias, row.why)
		if h.vias == 0 {
			h.vias = f.Line.End
		}
	case route:
		if f.ID != h.routeID() {
			h.remove(f, row.why)
			return
		}
		h.lines(f, h.to.Routes, row.why)
	case contact:
		if h.redirects() {
			h.redirect(f)
			return
		}
		if h.to.Contact == nil || h.had[f.ID] {
			h.remove(f, row.why)
			return
		}
		h.put(f.Value, h.to.Contact, row.why)
	case callID:
		if h.to.CallID != nil {
			h.put(h.m.CallID(), h.to.CallID, row.why)
		}
	case cseq:
		h.cseq(f, row.why)
	case hops:
		if h.to.MaxForwards >= 0 {
			h.number(f.Value, uint64(h.to.MaxForwards), row.why)
		}
	}
}

// routeID returns which field holds the route of this message: a response
// tells the route set by Record-Route (RFC 3261 section 12.1.1).
func (h *hider) routeID() sip.FieldID {
	if h.m.IsRequest() {
		return sip.FieldRoute
	}
	return sip.FieldRecordRoute
}

// lines puts complete field lines in the place of the first field of a kind.
func (h *hider) lines(f sip.Field, lines []byte, why edit.Reason) {
	if h.had[f.ID] || len(lines) == 0 {
		h.remove(f, why)
		return
	}
	h.put(f.Line, lines, why)
}

// cseq replaces the number and leaves the method.
func (h *hider) cseq(f sip.Field, why edit.Reason) {
	if h.to.CSeq == 0 {
		return
	}
	at := edit.Span{Start: f.Value.Start, End: f.Value.Start}
	for at.End < f.Value.End && class[h.m.Raw[at.End]]&digit != 0 {
		at.End++
	}
	h.number(at, uint64(h.to.CSeq), why)
}

func (h *hider) number(at edit.Span, n uint64, why edit.Reason) {
	t := h.scratch.text().uint(n)
	if !bytes.Equal(t.bytes(), h.m.Bytes(at)) {
		h.edits = t.replace(h.edits, at, why)
	}
}

// missing adds the fields that the leg wants and the message did not have.
func (h *hider) missing() {
	end := h.m.FieldsEnd()
	if id := h.routeID(); !h.had[id] && len(h.to.Routes) > 0 {
		at := h.vias
		if at == 0 {
			at = end
		}
		t := h.scratch.text().put(h.to.Routes)
		h.edits = t.replace(h.edits, edit.Span{Start: at, End: at}, "route of this leg (RFC 3261 section 12.2.1.1)")
	}
	if !h.had[sip.FieldMaxForwards] && h.to.MaxForwards >= 0 && h.m.IsRequest() {
		h.insert(end, h.scratch.text().str("Max-Forwards: ").uint(uint64(h.to.MaxForwards)), "taken as 70 (RFC 3261 section 16.6)")
	}
	if !h.had[sip.FieldContact] && h.to.Contact != nil && !h.redirects() {
		h.insert(end, h.scratch.text().str("Contact: ").put(h.to.Contact), fieldRows[sip.FieldContact].why)
	}
}

func (h *hider) insert(at int, t text, why edit.Reason) {
	h.edits = t.str("\r\n").replace(h.edits, edit.Span{Start: at, End: at}, why)
}
