package sim

import (
	"bytes"
	"slices"
	"time"

	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
)

// finals holds two invariants: an INVITE gets exactly one final answer, and a
// request that comes again gets the same octets again.
type finals struct {
	watch
	answers map[txKey]*answer
	waiting []txKey // INVITEs, in the order in which they came
}

type answer struct {
	bytes  []byte // the final answer; nil: none yet
	status int
	tag    string
	at     time.Duration
	acked  bool
	flow   b2bua.Flow // by which the request came first
	// It came from where no phone was known to be: there it hears 481 or nothing,
	// and something else once it is registered.
	unknown bool
}

const (
	oneFinal   = "1 one final answer"
	sameAnswer = "2 same answer again"
)

func (c *finals) in(m *message) {
	if m.err != nil || !m.sip.IsRequest() || m.from < 0 {
		return
	}
	a := c.answers[m.tx]
	if m.sip.Method() == sip.ACK {
		if a != nil {
			a.acked = true
		}
		return
	}
	if a != nil {
		return
	}
	known := c.w.knows(m)
	c.answers[m.tx] = &answer{flow: m.flow, unknown: !known && m.sip.Method() != sip.REGISTER}
	if m.sip.Method() == sip.INVITE && known {
		c.waiting = append(c.waiting, m.tx)
	}
}

func (c *finals) out(m *message) {
	if m.err != nil || m.sip.IsRequest() || !m.final() || m.from < 0 {
		return
	}
	a := c.answers[m.tx]
	switch {
	case m.sip.Method() == sip.REGISTER && m.sip.Status() >= 300:
		return // nothing is kept of it, and a copy may get another answer
	case a != nil && (a.unknown || m.from >= len(neighbours) && a.bytes != nil && (a.status == 481 || m.sip.Status() == 481)):
		return
	case a == nil:
		c.w.fail(oneFinal, "an answer to a request that nobody sent: %v", m)
	case a.bytes == nil:
		a.bytes, a.status, a.tag, a.at = m.raw, m.sip.Status(), m.toTag(), m.at
	case a.status != m.sip.Status() || a.tag != m.toTag():
		c.w.fail(oneFinal, "answered %d (tag %s), now %v", a.status, a.tag, m)
	case !bytes.Equal(a.bytes, m.raw):
		c.w.fail(sameAnswer, "the answer was\n%s\nand is now\n%s", a.bytes, m.raw)
	}
}

// after checks that a request that comes again is answered again. The
// transaction forgets its answer after timer J, an INVITE's refusal after the
// ACK; a 2xx is sent again by its own clock.
func (c *finals) after(s *step) {
	if s.in == nil || !s.in.again || s.in.from < 0 {
		return
	}
	a := c.answers[s.in.tx]
	if a != nil && s.in.from >= len(neighbours) && (a.flow != s.in.flow || !c.w.knows(s.in)) {
		return // it is somebody else now
	}
	if a == nil || a.bytes == nil || a.acked || s.at >= a.at+64*t1 || a.at == s.at || s.in.sip.Method() == sip.INVITE && a.status < 300 {
		return
	}
	if !slices.ContainsFunc(s.out, func(m *message) bool { return m.err == nil && !m.sip.IsRequest() && m.tx == s.in.tx }) {
		c.w.fail(sameAnswer, "no answer to what came again: %v", s.in)
	}
}

// restarted forgets what an earlier process answered: requests that come again
// are new to the next one.
func (c *finals) restarted() {
	for tx, a := range c.answers {
		if a.bytes != nil {
			a.bytes, a.acked = nil, false
			delete(c.answers, tx)
		}
	}
}

func (c *finals) end() {
	for _, tx := range c.waiting {
		if a := c.answers[tx]; a != nil && a.bytes == nil {
			c.w.fail(oneFinal, "an INVITE was never answered: branch %s of %s", tx.branch, tx.sentBy)
		}
	}
}
