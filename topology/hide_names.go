package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// translate asks the leg for the name of a dialog.
func (h *hider) translate(d DialogName) (DialogName, bool) {
	if h.to.Dialog == nil {
		return DialogName{}, false
	}
	return h.to.Dialog(d)
}

// translateID asks the leg for a Call-ID.
func (h *hider) translateID(callID []byte) ([]byte, bool) {
	if h.to.CallIDs == nil {
		return nil, false
	}
	return h.to.CallIDs(callID)
}

// dialogName translates Replaces, Join or Target-Dialog. Parameters that name
// nothing stay: early-only.
func (h *hider) dialogName(f sip.Field, why edit.Reason) {
	d, err := sip.ParseDialogID(h.raw, f.Value)
	if err != nil {
		h.remove(f, whyUnreadable)
		return
	}
	is := nameOf(h.raw, d)
	is.Own = f.ID == sip.FieldTargetDialog
	name, ok := h.translate(is)
	if !ok {
		h.remove(f, whyDialog)
		return
	}
	h.put(d.CallID, name.CallID, why)
	h.put(d.ToTag, name.ToTag, why)
	h.put(d.FromTag, name.FromTag, why)
}

func nameOf(raw []byte, d sip.DialogID) DialogName {
	return DialogName{CallID: d.CallID.Of(raw), ToTag: d.ToTag.Of(raw), FromTag: d.FromTag.Of(raw)}
}

// callIDs translates In-Reply-To value by value.
func (h *hider) callIDs(f sip.Field, why edit.Reason) {
	var list parts
	before := len(h.edits)
	for i := f.Value.Start; i <= f.Value.End; {
		i = skip(h.raw, i, f.Value.End, true)
		end := separator(h.raw, i, f.Value.End, ',')
		at := edit.Span{Start: i, End: skip(h.raw, i, end, false)}
		id, ok := h.translateID(at.Of(h.raw))
		if ok {
			h.put(at, id, why)
		}
		list.add(at, !ok)
		i = end + 1
	}
	if list.all() {
		h.edits = h.edits[:before]
		h.remove(f, whyDialog)
		return
	}
	for i := range list.n {
		if s, ok := list.cut(i); ok {
			h.edits = remove(h.edits, s, whyDialog)
		}
	}
}

// rack writes the number that the INVITE has on this leg.
func (h *hider) rack(f sip.Field, why edit.Reason) {
	r, err := sip.ParseRAck(h.raw, f.Value)
	if h.to.RAck == 0 || err != nil {
		return
	}
	// The middle one of three: behind the first number, before the method.
	at := edit.Span{Start: skip(h.raw, f.Value.Start, r.Method.Start, false)}
	at.Start = skip(h.raw, at.Start, r.Method.Start, true)
	at.End = skip(h.raw, at.Start, r.Method.Start, false)
	h.number(at, uint64(h.to.RAck), why)
}

var vouching = []string{"cid", "signature"}

// referrer masks Referred-By. A token that vouches for the URI (RFC 3892
// section 4) names the host that it was, and is wrong for the URI that it
// becomes.
func (h *hider) referrer(f sip.Field, why edit.Reason) {
	at := len(h.edits)
	h.mask(f, why)
	if len(h.edits) == at+1 && h.edits[at].Start == f.Line.Start {
		return // unreadable
	}
	for v, err := range h.m.NameAddrs(f) {
		if err == nil {
			h.without(v.Params, vouching, "vouches for the URI as it was (RFC 3892 section 4)")
		}
	}
}

// without takes parameters out of params (";a=b;c").
func (h *hider) without(params edit.Span, names []string, why edit.Reason) {
	for i := params.Start; i < params.End; {
		end := separator(h.raw, i+1, params.End, ';')
		name, _, _ := bytes.Cut(h.raw[i+1:end], []byte("="))
		for _, n := range names {
			if equalFold(bytes.TrimSpace(name), []byte(n)) {
				h.edits = remove(h.edits, edit.Span{Start: i, End: end}, why)
				break
			}
		}
		i = end
	}
}
