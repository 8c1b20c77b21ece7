package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// What is taken out of a header field that leaks. The zero way is the field.
type scrubWay uint8

const (
	scrubField scrubWay = iota
	scrubValue          // one of the comma-joined values, or a parameter or the display name of it
	scrubParty          // a parameter or the display name only
	scrubNever          // the message would not work without it
)

var scrubWays = [256]scrubWay{
	sip.FieldVia:               scrubNever,
	sip.FieldRoute:             scrubNever,
	sip.FieldRecordRoute:       scrubNever,
	sip.FieldContact:           scrubNever,
	sip.FieldCallID:            scrubNever,
	sip.FieldCSeq:              scrubNever,
	sip.FieldMaxForwards:       scrubNever,
	sip.FieldContentLength:     scrubNever,
	sip.FieldContentType:       scrubNever,
	sip.FieldRequire:           scrubNever,
	sip.FieldProxyRequire:      scrubNever,
	sip.FieldRSeq:              scrubNever,
	sip.FieldRAck:              scrubNever,
	sip.FieldEvent:             scrubNever,
	sip.FieldSubscriptionState: scrubNever,
	sip.FieldReferTo:           scrubNever,
	sip.FieldReplaces:          scrubNever,
	sip.FieldJoin:              scrubNever,
	sip.FieldTargetDialog:      scrubNever,
	sip.FieldSessionExpires:    scrubNever,

	sip.FieldFrom: scrubParty,
	sip.FieldTo:   scrubParty,

	sip.FieldPAssertedIdentity:  scrubValue,
	sip.FieldPPreferredIdentity: scrubValue,
	sip.FieldRemotePartyID:      scrubValue,
	sip.FieldDiversion:          scrubValue,
	sip.FieldHistoryInfo:        scrubValue,
	sip.FieldReplyTo:            scrubValue,
	sip.FieldReferredBy:         scrubValue,
	sip.FieldCallInfo:           scrubValue,
	sip.FieldAlertInfo:          scrubValue,
	sip.FieldErrorInfo:          scrubValue,
	sip.FieldPAssociatedURI:     scrubValue,
	sip.FieldPCalledPartyID:     scrubValue,
	sip.FieldWarning:            scrubValue,
	sip.FieldReason:             scrubValue,
	sip.FieldSupported:          scrubValue,
	sip.FieldAllow:              scrubValue,
	sip.FieldAccept:             scrubValue,
}

// Scrub returns the edits that take the leaks out of out: the field, or the
// part of it, that they stand in; the attribute line of a session description;
// the part of a body. ok is false where the message cannot do without: in its
// start line, in Via, Contact and the fields of the dialog, in the c=, m= and
// o= lines. Then nothing of out may be sent.
//
// Leaks in what users write to each other are left. The edits are of out; its
// Content-Length is for the caller to correct (sip.Message.FixLength).
func Scrub(out []byte, leaks []Leak) (edits []edit.Edit, ok bool) {
	s := scrubber{leaks: leaks}
	if err := s.m.Parse(out); err != nil {
		return nil, false
	}
	if s.leaksIn(s.m.StartLine()) && !s.startLine() {
		return nil, false
	}
	for _, f := range s.m.Fields() {
		if s.leaksIn(f.Line) && !s.field(f) {
			return nil, false
		}
	}
	if s.leaksIn(s.m.Body()) && !s.body() {
		return nil, false
	}
	return s.edits, true
}

type scrubber struct {
	m     sip.Message
	leaks []Leak
	edits []edit.Edit
}

const whyLeak edit.Reason = "the audit found an identifier of another realm in it"

// leaksIn reports whether a leak that has to go lies in at.
func (s *scrubber) leaksIn(at edit.Span) bool {
	for i := range s.leaks {
		if l := &s.leaks[i]; !l.Shared && l.At.Start < at.End && l.At.End > at.Start {
			return true
		}
	}
	return false
}

func (s *scrubber) remove(at edit.Span) { s.edits = remove(s.edits, at, whyLeak) }

// startLine puts the usual reason phrase into a status line. A Request-URI
// cannot be replaced by anything that is right.
func (s *scrubber) startLine() bool {
	if s.m.IsRequest() {
		return false
	}
	text := sip.StatusText(s.m.Status())
	at := s.m.ReasonPhrase()
	s.edits = append(s.edits, edit.Edit{Start: at.Start, End: at.End, New: []byte(text), Why: whyLeak})
	return true
}

func (s *scrubber) field(f sip.Field) bool {
	way := scrubWays[f.ID]
	switch {
	case way == scrubNever:
		return false
	case way == scrubField || s.leaksIn(f.Name):
		s.remove(f.Line)
		return way == scrubField || way == scrubValue
	case way == scrubParty:
		gone, ok := s.value(f.Value)
		return ok && !gone
	}
	return s.values(f)
}

// values takes values, or parts of values, out of a list.
func (s *scrubber) values(f sip.Field) bool {
	var list parts
	at := len(s.edits)
	for i := f.Value.Start; i <= f.Value.End; {
		i = skip(s.m.Raw, i, f.Value.End, true)
		end := separator(s.m.Raw, i, f.Value.End, ',')
		before := len(s.edits)
		gone, _ := s.value(edit.Span{Start: i, End: end})
		if gone {
			s.edits = s.edits[:before]
		}
		list.add(edit.Span{Start: i, End: end}, gone)
		i = end + 1
	}
	if list.all() {
		s.edits = s.edits[:at]
		s.remove(f.Line)
		return true
	}
	for i := range list.n {
		if cut, ok := list.cut(i); ok {
			s.remove(cut)
		}
	}
	return true
}

// value takes out of one value what leaks: parameters, the display name. gone
// tells that it leaks elsewhere; ok is false when it does in the tag.
func (s *scrubber) value(at edit.Span) (gone, ok bool) {
	base := at.Start
	for i, first := at.Start, true; i < at.End; first = false {
		end := separator(s.m.Raw, i+1, at.End, ';')
		if first {
			end = separator(s.m.Raw, i, at.End, ';')
			base = end
		}
		part := edit.Span{Start: i, End: end}
		i = end
		if first || !s.leaksIn(part) {
			continue
		}
		if name, _, _ := bytes.Cut(part.Of(s.m.Raw)[1:], []byte("=")); equalFold(bytes.TrimSpace(name), []byte("tag")) {
			return false, false
		}
		s.remove(part)
	}
	head := edit.Span{Start: at.Start, End: base}
	if !s.leaksIn(head) {
		return false, true
	}
	angle := bytes.LastIndexByte(head.Of(s.m.Raw), '<')
	if angle < 0 || s.leaksIn(edit.Span{Start: head.Start + angle, End: head.End}) {
		return true, true
	}
	s.remove(edit.Span{Start: head.Start, End: head.Start + angle})
	return false, true
}

// separator returns where the next sep is that stands neither in a quoted
// string nor in "<>", or end.
func separator(raw []byte, i, end int, sep byte) int {
	for quoted, angle := false, false; i < end; i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !angle:
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == sep && !angle:
			return i
		}
	}
	return end
}
