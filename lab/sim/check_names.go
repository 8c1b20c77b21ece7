package sim

import (
	"bytes"

	"sbc/signaling/sip"
)

// names holds that an INVITE that replaces or joins a dialog names it as its
// addressee does.
type names struct{ watch }

const knownName = "14 a dialog is named to who knows it"

func (c *names) out(m *message) {
	if m.err != nil || !m.request(sip.INVITE) || m.from < 0 {
		return
	}
	f, ok := m.sip.First(sip.FieldReplaces)
	if !ok {
		return
	}
	d, err := sip.ParseDialogID(m.raw, f.Value)
	if err != nil {
		c.w.fail(knownName, "%v in\n%s", err, m.raw)
		return
	}
	l := c.w.book.legs[legKey{m.listener, string(m.sip.Bytes(d.CallID))}]
	if l == nil || l.peer != m.from || !l.tags[string(m.sip.Bytes(d.ToTag))] {
		// A dialog between the addressee and somebody on its own side is none of
		// ours, and comes back as it was told.
		if !c.w.said(m.from, m.sip.Bytes(d.CallID)) {
			c.w.fail(knownName, "%s does not know the dialog in\n%s", m.name, m.raw)
		}
	}
}

// said tells whether a user agent ever sent a word.
func (w *world) said(index int, word []byte) bool {
	for _, b := range w.spoken[index] {
		if bytes.Contains(b, word) {
			return true
		}
	}
	return false
}

// offered holds that auth-int is offered to nobody: bodies change on the way
// (RFC 7616 section 3.4.3).
type offered struct{ watch }

const noAuthInt = "15 no auth-int"

func (c *offered) out(m *message) {
	if m.err == nil && !m.sip.IsRequest() && bytes.Contains(m.raw, []byte("auth-int")) {
		c.w.fail(noAuthInt, "%s", m.raw)
	}
}
