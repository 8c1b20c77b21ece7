package ua

import (
	"errors"
	"fmt"
	"time"

	"sbc/signaling/sip"
)

// within acts in one of the early dialogs of a call, and goes back.
func (c *call) within(tag string, act func()) {
	back := c.remoteTag
	c.focus(tag)
	act()
	c.focus(back)
}

// acknowledge takes a reliable provisional response, and sends its PRACK. ok
// is false where it says nothing new. RFC 3262 section 4.
func (a *Agent) acknowledge(now time.Duration, t *client, m *sip.Message, do []Effect) (bool, []Effect) {
	c := t.call
	f, ok := m.First(sip.FieldRSeq)
	rseq, err := sip.ParseNumber(m.Raw, f.Value)
	switch {
	case !ok || err != nil || rseq == 0:
		return false, a.violation(now, c.id, "no readable RSeq in "+summary(m), do)
	case !t.reliable:
		return false, a.violation(now, c.id, "reliable response to a caller that does not support it: "+summary(m), do)
	case c.rseq != 0 && rseq <= c.rseq:
		return false, do // sent again
	case c.rseq != 0 && rseq != c.rseq+1:
		return false, a.violation(now, c.id, fmt.Sprintf("RSeq %d after %d", rseq, c.rseq), do)
	}
	if m.Count(sip.FieldContact) != 1 {
		do = a.violation(now, c.id, "no Contact in "+summary(m), do)
	}
	c.rseq = rseq
	body, offers, err := a.agree(c, t, m)
	if err != nil {
		do = a.violation(now, c.id, err.Error(), do)
	}
	if c.agreed {
		do = a.startMedia(now, c, do)
	}
	c.acks++
	c.asks = offers
	p := &client{method: "PRACK", call: c, tag: c.remoteTag, offered: offers}
	return true, a.ask(now, &c.dialog, p, fmt.Sprintf("RAck: %d %d INVITE\r\n", rseq, t.seq), "", body, do)
}

// agree takes the session in a reliable response, and returns the body of the
// PRACK: the answer, or where the agent likes that a new offer.
func (a *Agent) agree(c *call, t *client, m *sip.Message) (body string, offers bool, err error) {
	switch {
	case c.agreed:
		return "", false, c.same(m)
	case !t.offered:
		if err := c.takeOffer(m); err != nil {
			return refusal, false, err
		}
		c.agreed = true
		return a.answer(c), false, nil
	case m.Body().Empty():
		return "", false, nil
	}
	if err := c.takeAnswer(m); err != nil {
		return "", false, err
	}
	c.agreed = true
	if a.o.OfferInPrack {
		return a.offer(c), true, nil
	}
	return "", false, nil
}

var errSecondAnswer = errors.New("another SDP after the answer in a reliable response")

// same checks that a response whose INVITE has its answer brings no other.
func (c *call) same(m *sip.Message) error {
	if m.Body().Empty() {
		return nil
	}
	before := c.far
	_, err := c.read(m)
	same := c.far.text == before.text
	c.far = before
	if err != nil || !same {
		return fmt.Errorf("%w: %s", errSecondAnswer, summary(m))
	}
	return nil
}

// prackAnswered takes the final response to our PRACK.
func (a *Agent) prackAnswered(now time.Duration, t *client, status int, m *sip.Message, do []Effect) []Effect {
	c := t.call
	if c.over || !c.has(t.tag) {
		return do // of a branch that lost, or was cancelled
	}
	if status >= 300 {
		do = tell(Event{Is: Replied, At: now, Call: c.id, Status: status, Text: "PRACK", Message: m}, do)
	}
	c.within(t.tag, func() {
		c.acks--
		c.asks = c.asks && !t.offered
		if !t.offered || status >= 300 {
			return
		}
		if err := c.takeAnswer(m); err != nil {
			do = a.violation(now, c.id, err.Error(), do)
		}
		do = a.startMedia(now, c, do)
	})
	return do
}
