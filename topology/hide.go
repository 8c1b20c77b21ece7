package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// Hide appends to edits what must change in m before the realm behind to may
// see it. It reads m and to and keeps neither; scratch holds the new octets
// until its owner resets it.
//
// Edits that are in the list already are the caller's: a field that one of
// them touches is left to the caller. The length of the body is made right for
// all of them.
func Hide(m *sip.Message, to *Leg, edits []edit.Edit, scratch *Scratch) []edit.Edit {
	h := hider{m: m, raw: m.Raw, to: to, edits: edits, given: len(edits), scratch: scratch}
	h.requestURI()
	for _, f := range m.Fields() {
		if h.touched(f) {
			h.had[f.ID] = true
			continue
		}
		at := len(h.edits)
		h.field(f)
		h.had[f.ID] = true
		h.unfold(f, at)
	}
	h.missing()
	h.added()
	if to.SDP != nil {
		h.edits = HideSDP(to.SDP, h.edits, scratch)
	}
	h.bodies()
	h.length()
	return h.edits
}

// A hider goes through the fields of one message.
type hider struct {
	m       *sip.Message
	raw     []byte // what spans refer to: that of the message, or a text that was escaped in it
	to      *Leg
	edits   []edit.Edit
	given   int // edits of the caller
	scratch *Scratch
	had     [256]bool // field IDs that were there
	vias    int       // offset behind the first Via
	xml     bool      // spans lie in XML
}

func (h *hider) requestURI() {
	if h.m.IsRequest() && h.to.RequestURI != nil {
		h.put(h.m.RequestURI(), h.to.RequestURI, "where this leg goes (RFC 3261 section 8.1.1.1)")
	}
}

// touched reports whether an edit of the caller changes f.
func (h *hider) touched(f sip.Field) bool {
	for _, e := range h.edits[:h.given] {
		if e.Start < f.Line.End && e.End > f.Line.Start || e.Start == e.End && e.Start > f.Line.Start && e.Start < f.Line.End {
			return true
		}
	}
	return false
}

// field does to f what has to be done, and writes its name and the colon
// without anything between them: RFC 3261 section 25.1 allows space there, and
// not everybody reads it, least of all when it is folded.
func (h *hider) field(f sip.Field) {
	before := len(h.edits)
	h.rewrite(f)
	if h.raw[f.Name.End] == ':' {
		return
	}
	gap := edit.Span{Start: f.Name.End, End: f.Name.End + bytes.IndexByte(h.raw[f.Name.End:f.Line.End], ':')}
	if !covered(h.edits[before:], gap) {
		h.edits = remove(h.edits, gap, "nothing stands before the colon (RFC 3261 section 7.3.1)")
	}
}

// rewrite does to f what a rule says, else what the table says.
func (h *hider) rewrite(f sip.Field) {
	row := rowOf(h.m, f)
	r := h.to.Realm.rule(h.m, f)
	if r.do == ruleRemove {
		h.remove(f, r.why)
		return
	}
	if r.do == rulePass && row.do != from && row.do != to {
		return
	}
	switch row.do {
	case passes, framing:
	case removed:
		h.remove(f, row.why)
	case masked:
		h.mask(f, row.why)
	case addressed:
		h.maskURIs(f, h.peerHost(), row.why)
	case agent:
		h.agent(f, row.why)
	case warning:
		h.warning(f, row.why)
	case dialogName:
		h.dialogName(f, row.why)
	case callIDs:
		h.callIDs(f, row.why)
	case referrer:
		h.referrer(f, row.why)
	case event:
		h.event(f)
	case challenge:
		h.challenge(f, row.why)
	case rack:
		h.rack(f, row.why)
	case via, route, contact, callID, cseq, hops:
		h.dialog(f, row)
	case from:
		h.party(f, party{h.m.From(), h.to.From, h.to.FromTag, h.host(), r.do == rulePass})
	case to:
		h.party(f, party{h.m.To(), h.to.To, h.to.ToTag, h.peerHost(), r.do == rulePass})
	}
}

// nobody stands for hosts where a leg names none (RFC 3323 section 4.1.1.3).
var nobody = []byte("anonymous.invalid")

// host returns what stands for hosts of the sending side.
func (h *hider) host() []byte {
	switch r := h.to.Realm; {
	case r != nil && len(r.Mask) > 0:
		return r.Mask
	case len(h.to.Host) > 0:
		return h.to.Host
	}
	return nobody
}

// peerHost returns what stands for the host of the addressee.
func (h *hider) peerHost() []byte {
	if len(h.to.PeerHost) > 0 {
		return h.to.PeerHost
	}
	return h.host()
}

// added appends the fields that rules add.
func (h *hider) added() {
	if h.to.Realm == nil {
		return
	}
	end := h.m.FieldsEnd()
	for _, a := range h.to.Realm.Add {
		t := h.scratch.text().str(a.Name).str(": ").str(a.Value).str("\r\n")
		h.edits = t.replace(h.edits, edit.Span{Start: end, End: end}, a.Rule)
	}
}

// length makes Content-Length right for all edits of the body.
func (h *hider) length() {
	body := h.m.Body()
	n := uint64(body.Len() + edit.Growth(h.edits, body))
	f, ok := h.m.First(sip.FieldContentLength)
	if !ok {
		h.insert(h.m.FieldsEnd(), h.scratch.text().str("Content-Length: ").uint(n), whyLength)
		return
	}
	if h.touched(f) {
		return
	}
	colon := f.Name.End + bytes.IndexByte(h.raw[f.Name.End:f.Line.End], ':')
	if at := (edit.Span{Start: colon + 1, End: f.Value.End}); bytes.IndexByte(at.Of(h.raw), '\n') >= 0 && !covered(h.edits, at) {
		h.edits = h.scratch.text().byte(' ').uint(n).replace(h.edits, at, "the length stands on one line")
		return
	}
	h.number(f.Value, n, whyLength)
}

const whyLength edit.Reason = "length of the body"

// put replaces at unless new stands there already.
func (h *hider) put(at edit.Span, new []byte, why edit.Reason) {
	if !bytes.Equal(at.Of(h.raw), new) {
		h.edits = h.scratch.text().put(new).replace(h.edits, at, why)
	}
}

func (h *hider) remove(f sip.Field, why edit.Reason) { h.edits = remove(h.edits, f.Line, why) }

// unfold writes a field on one line that edits from at on have changed:
// whoever reads a changed field shall not have to guess how it was folded
// (RFC 3261 section 7.3.1).
func (h *hider) unfold(f sip.Field, at int) {
	if len(h.edits) == at {
		return
	}
	raw, end := h.m.Raw, f.Line.End-len("\r\n")
	for i := f.Line.Start; i < end; {
		n := bytes.Index(raw[i:end], []byte("\r\n"))
		if n < 0 {
			return
		}
		s := edit.Span{Start: i + n, End: i + n + 2}
		for s.End < end && (raw[s.End] == ' ' || raw[s.End] == '\t') {
			s.End++
		}
		if !covered(h.edits[at:], s) {
			h.edits = h.scratch.text().byte(' ').replace(h.edits, s, "a changed field stands on one line")
		}
		i = s.End
	}
}

func covered(edits []edit.Edit, s edit.Span) bool {
	for _, e := range edits {
		if e.Start < s.End && e.End > s.Start {
			return true
		}
	}
	return false
}
