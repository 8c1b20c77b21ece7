package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// A party is what is known of From or To.
type party struct {
	is    sip.NameAddr
	value []byte // complete; nil: the host and the tag are replaced
	tag   []byte
	host  []byte
	pass  bool // a rule lets the host pass
}

// party writes From or To. Their display name and user stay: they say who
// calls whom.
func (h *hider) party(f sip.Field, p party) {
	why := fieldRows[f.ID].why
	if p.value != nil {
		h.put(f.Value, p.value, "dialog of this leg (RFC 3261 section 12.2.1.1)")
		return
	}
	if !p.pass {
		h.maskURI(p.is.URI, p.host, why)
	}
	h.tag(p)
}

const whyUnreadable edit.Reason = "unreadable: what it names cannot be masked"

const whyTag edit.Reason = "tag of this leg (RFC 3261 section 19.3)"

func (h *hider) tag(p party) {
	switch {
	case p.is.Tag.Empty() && p.tag == nil:
	case p.is.Tag.Empty():
		at := edit.Span{Start: p.is.Value.End, End: p.is.Value.End}
		h.edits = h.scratch.text().str(";tag=").put(p.tag).replace(h.edits, at, whyTag)
	case p.tag == nil:
		// Its ";tag=" goes with it.
		at := p.is.Tag
		for at.Start > p.is.URI.End && h.m.Raw[at.Start] != ';' {
			at.Start--
		}
		h.edits = remove(h.edits, at, whyTag)
	default:
		h.put(p.is.Tag, p.tag, whyTag)
	}
}

// mask hides the hosts of a field that speaks of the sending side.
func (h *hider) mask(f sip.Field, why edit.Reason) {
	if r := h.to.Realm; r != nil && len(r.Mask) > 0 && r.MaskRule != "" {
		why = r.MaskRule
	}
	h.maskURIs(f, h.host(), why)
}

// maskURIs hides the hosts of all values of a field. One that cannot be read
// cannot be masked either and goes.
func (h *hider) maskURIs(f sip.Field, host []byte, why edit.Reason) {
	at := len(h.edits)
	for v, err := range h.m.NameAddrs(f) {
		if err != nil {
			h.edits = h.edits[:at]
			h.remove(f, whyUnreadable)
			return
		}
		h.maskURI(v.URI, host, why)
	}
}

// agent replaces the name of the far side's software by what the realm says.
func (h *hider) agent(f sip.Field, why edit.Reason) {
	r := h.to.Realm
	if r == nil || r.UserAgent == "" || h.had[f.ID] {
		h.remove(f, why)
		return
	}
	if r.AgentRule != "" {
		why = r.AgentRule
	}
	if string(h.m.Bytes(f.Value)) != r.UserAgent {
		h.edits = h.scratch.text().str(r.UserAgent).replace(h.edits, f.Value, why)
	}
}

// warning masks the agents of a Warning: 399 pbx.lan.example "text" (RFC 3261
// section 20.43). The text stays.
func (h *hider) warning(f sip.Field, why edit.Reason) {
	raw, at := h.m.Raw, len(h.edits)
	for i := f.Value.Start; i < f.Value.End; {
		code := skip(raw, i, f.Value.End, false)
		agent := skip(raw, code, f.Value.End, true)
		end := skip(raw, agent, f.Value.End, false)
		if code-i != 3 || agent == code || end == agent {
			h.edits = h.edits[:at]
			h.remove(f, whyUnreadable)
			return
		}
		h.put(edit.Span{Start: agent, End: end}, h.host(), why)
		i = skip(raw, afterComma(raw, end, f.Value.End), f.Value.End, true)
	}
}

// skip goes over white space and folds, or over anything else.
func skip(raw []byte, i, end int, white bool) int {
	for i < end && white == (bytes.IndexByte([]byte(" \t\r\n"), raw[i]) >= 0) {
		i++
	}
	return i
}

// afterComma returns where the next of a list of values begins, end if this
// is the last. A comma in a quoted string or in "<>" is none.
func afterComma(raw []byte, i, end int) int {
	if i = separator(raw, i, end, ','); i < end {
		i++
	}
	return i
}
