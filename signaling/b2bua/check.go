package b2bua

import (
	"bytes"
	"strings"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// The methods that we serve, outside and inside dialogs.
const allow = "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, INFO, MESSAGE, SUBSCRIBE, NOTIFY, REFER, PUBLISH"

// Allow is the Allow line of our own responses.
const Allow = "Allow: " + allow + "\r\n"

// carried are the extensions (option tags) that cross the border unharmed.
// The others need work in the middle that we do not do; a side that is not
// told of them does not use them.
var carried = []string{"100rel", "timer", "histinfo", "privacy", "resource-priority", "answermode", "uui", "norefersub", "replaces", "join", "tdialog"}

// uncarried are the methods that a side must not be told the other allows.
var uncarried = []string{"REGISTER"}

// checkInvite tells why an INVITE cannot open a call.
func (c *Calls) checkInvite(m *sip.Message) *Refusal {
	if r := CheckRequest(m); r != nil {
		return r
	}
	if n := contacts(m); n != 1 {
		return &Refusal{Status: 400, Reason: "Exactly One Contact Needed", Cause: "contact"}
	}
	if f, ok := m.First(sip.FieldAccept); ok && !accepts(m, f) {
		return &Refusal{Status: 406, Cause: "accept"}
	}
	return checkBody(m)
}

func (c *Calls) checkInDialog(m *sip.Message) *Refusal {
	if r := CheckRequest(m); r != nil {
		return r
	}
	switch m.Method() {
	case sip.INVITE, sip.UPDATE:
		if n := contacts(m); n != 1 {
			return &Refusal{Status: 400, Reason: "Exactly One Contact Needed", Cause: "contact"}
		}
		return checkBody(m)
	case sip.PRACK:
		return checkBody(m)
	case sip.PUBLISH, sip.REGISTER:
		return &Refusal{Status: 405, Cause: "method", Fields: Allow}
	}
	return checkAnyBody(m)
}

// CheckRequest tells why a request of any method cannot be served: hops
// (RFC 3261 section 16.3) and required extensions (section 8.2.2.3).
func CheckRequest(m *sip.Message) *Refusal {
	if m.MaxForwards() == 0 {
		return &Refusal{Status: 483, Cause: "max_forwards"}
	}
	var unsupported []byte
	for _, f := range m.Fields() {
		if f.ID != sip.FieldRequire && f.ID != sip.FieldProxyRequire {
			continue
		}
		for tok := range sip.Tokens(m.Raw, f.Value) {
			if tag := m.Bytes(tok); !oneOf(tag, carried) {
				unsupported = append(append(unsupported, ", "...), tag...)
			}
		}
	}
	if unsupported == nil {
		return nil
	}
	return &Refusal{Status: 420, Cause: "extension", Fields: "Unsupported: " + string(unsupported[2:]) + "\r\n"}
}

func oneOf(tag []byte, list []string) bool {
	for _, s := range list {
		if len(s) == len(tag) && strings.EqualFold(s, string(tag)) {
			return true
		}
	}
	return false
}

func contacts(m *sip.Message) (n int) {
	for _, f := range m.Fields() {
		if f.ID != sip.FieldContact {
			continue
		}
		for na, err := range m.NameAddrs(f) {
			if err != nil || !reachable(m, na.URI) {
				return -1
			}
			n++
		}
	}
	return n
}

// accepts tells whether an Accept field allows session descriptions, without
// which there is no call.
func accepts(m *sip.Message, first sip.Field) bool {
	for _, f := range m.Fields() {
		if f.ID != sip.FieldAccept {
			continue
		}
		for tok := range sip.Tokens(m.Raw, f.Value) {
			t, _, _ := strings.Cut(strings.ToLower(string(m.Bytes(tok))), ";")
			switch strings.TrimSpace(t) {
			case "application/sdp", "application/*", "*/*", "multipart/mixed", "multipart/*":
				return true
			}
		}
	}
	return false
}

// checkBody refuses a body that we would have to read and cannot.
func checkBody(m *sip.Message) *Refusal {
	if m.Body().Empty() {
		return nil
	}
	for _, f := range m.Fields() {
		if f.ID == sip.FieldContentEncoding && !strings.EqualFold(string(m.Bytes(f.Value)), "identity") {
			return &Refusal{Status: 415, Cause: "content_type", Fields: "Accept-Encoding: identity\r\n"}
		}
	}
	_, ok, err := m.BodyPart("application/sdp")
	if err != nil {
		return &Refusal{Status: 400, Reason: "Bad Multipart Body", Cause: "multipart"}
	}
	if ok || optional(m) {
		return nil
	}
	if f, has := m.First(sip.FieldContentType); has && hasPrefixFold(m.Bytes(f.Value), "multipart/") {
		return nil
	}
	return &Refusal{Status: 415, Cause: "content_type", Fields: "Accept: application/sdp, multipart/mixed\r\n"}
}

// checkAnyBody refuses a body of a request that describes no session, where
// nobody can know what it is (RFC 3261 section 20.15).
func checkAnyBody(m *sip.Message) *Refusal {
	if m.Body().Empty() {
		return nil
	}
	if _, ok := m.First(sip.FieldContentType); !ok {
		return &Refusal{Status: 400, Reason: "Content-Type Missing", Cause: "content_type"}
	}
	if _, _, err := m.BodyPart("application/sdp"); err != nil {
		return &Refusal{Status: 400, Reason: "Bad Multipart Body", Cause: "multipart"}
	}
	return nil
}

// optional tells whether the sender allows the body to be ignored.
func optional(m *sip.Message) bool {
	f, ok := m.First(sip.FieldContentDisposition)
	return ok && strings.Contains(strings.ToLower(string(m.Bytes(f.Value))), "handling=optional")
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}

// negotiate takes out of m what one side offers and we do not carry: option
// tags of Supported, methods of Allow, and what goes with them.
func (w *scratch) negotiate(m *sip.Message, edits []edit.Edit) []edit.Edit {
	for _, f := range m.Fields() {
		switch f.ID {
		case sip.FieldSupported:
			edits = w.keepTokens(m, f, edits, func(tok []byte) bool { return oneOf(tok, carried) }, "an extension that does not cross the border")
		case sip.FieldAllow:
			edits = w.keepTokens(m, f, edits, func(tok []byte) bool { return !oneOf(tok, uncarried) }, "a method that does not cross the border")
		case sip.FieldRequire:
			if !m.IsRequest() {
				edits = w.keepTokens(m, f, edits, func(tok []byte) bool {
					return oneOf(tok, carried) && !(w.lossy && bytes.EqualFold(tok, []byte("100rel")))
				}, "an extension that does not cross the border")
			}
		case sip.FieldRSeq:
			if w.lossy {
				edits = append(edits, edit.Edit{Start: f.Line.Start, End: f.Line.End, Why: "the caller knows no reliable responses (RFC 3262 section 3)"})
			}
		}
	}
	return edits
}

func (w *scratch) keepTokens(m *sip.Message, f sip.Field, edits []edit.Edit, keep func([]byte) bool, why edit.Reason) []edit.Edit {
	all := true
	for tok := range sip.Tokens(m.Raw, f.Value) {
		all = all && keep(m.Bytes(tok))
	}
	if all {
		return edits
	}
	left := w.take()
	for tok := range sip.Tokens(m.Raw, f.Value) {
		if t := m.Bytes(tok); keep(t) {
			if len(left) > 0 {
				left = append(left, ", "...)
			}
			left = append(left, t...)
		}
	}
	if len(left) == 0 {
		return append(edits, edit.Edit{Start: f.Line.Start, End: f.Line.End, Why: why})
	}
	return append(edits, edit.Edit{Start: f.Value.Start, End: f.Value.End, New: w.keep(left), Why: why})
}
