package sim

import (
	"bytes"

	"sbc/signaling/sip"
)

// rising holds that CSeq strictly rises in what the SBC sends, per dialog and
// side. An ACK and a CANCEL carry the number of their INVITE, and what is sent
// again is the same.
type rising struct {
	watch
	last map[string]seqs // by dialog: listener, Call-ID, our tag and theirs
}

type seqs struct {
	number  uint32
	invites map[uint32]bool
	sent    map[txKey][]byte
}

const cseqRises = "6 CSeq rises"

func (c *rising) out(m *message) {
	if m.err != nil || !m.sip.IsRequest() {
		return
	}
	// The first INVITE has no tag in To; each 2xx to it makes a dialog that
	// goes on from there.
	origin := string(rune('0'+m.listener)) + m.callID() + " " + string(m.sip.Bytes(m.sip.From().Tag)) + " "
	dialog := origin + m.toTag()
	s, known := c.last[dialog]
	if !known {
		s, known = c.last[origin]
	}
	if !known {
		s = seqs{invites: map[uint32]bool{}, sent: map[txKey][]byte{}}
	}
	n := m.sip.CSeq()
	switch method := m.sip.Method(); {
	case method == sip.ACK:
		if !s.invites[n] {
			c.w.fail(cseqRises, "an ACK for no INVITE: %v", m)
		}
	case s.sent[m.tx] != nil:
		if !bytes.Equal(s.sent[m.tx], m.raw) {
			c.w.fail(cseqRises, "sent again with other octets: %v", m)
		}
	case method == sip.CANCEL:
		if !s.invites[n] {
			c.w.fail(cseqRises, "a CANCEL for no INVITE: %v", m)
		}
		s.sent[m.tx] = m.raw
	default:
		if known && n <= s.number {
			c.w.fail(cseqRises, "%d after %d: %v", n, s.number, m)
		}
		s.number, s.sent[m.tx] = n, m.raw
		if method == sip.INVITE {
			s.invites[n] = true
		}
	}
	c.last[dialog] = s
}
