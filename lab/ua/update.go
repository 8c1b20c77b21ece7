package ua

import (
	"errors"
	"strconv"
	"time"

	"sbc/signaling/sip"
)

// Update sends an UPDATE with an offer, RFC 3311: in a call that is up, or
// early once the INVITE's offer has its answer. hold as in Hold.
func (a *Agent) Update(now time.Duration, id Call, h Hold, do []Effect) []Effect {
	c := a.byID(id)
	if c == nil || !c.mayUpdate() {
		return a.ignored(now, id, "UPDATE: not now", do)
	}
	c.before, c.change = c.wish, func(c *call) { c.hold = h }
	c.change(c)
	return a.sendUpdate(now, c, true, do)
}

// UpdateTarget sends an UPDATE without an offer.
func (a *Agent) UpdateTarget(now time.Duration, id Call, do []Effect) []Effect {
	c := a.byID(id)
	if c == nil || !c.mayUpdate() {
		return a.ignored(now, id, "UPDATE: not now", do)
	}
	return a.sendUpdate(now, c, false, do)
}

func (a *Agent) sendUpdate(now time.Duration, c *call, offers bool, do []Effect) []Effect {
	c.update = &client{method: "UPDATE", call: c, tag: c.remoteTag, offered: offers}
	body := ""
	c.settled = len(c.roles)
	if offers {
		body = a.offer(c)
	}
	return a.ask(now, &c.dialog, c.update, a.contact()+"Allow: "+allow+crlf, "", body, do)
}

// mayUpdate reports whether no offer is open on either side. RFC 3311
// section 5.1.
func (c *call) mayUpdate() bool {
	switch {
	case c.ending || c.update != nil || c.glare != nil:
		return false
	case c.up:
		return c.invite == nil && c.server == nil && !c.asks
	case c.out:
		return c.invite != nil && !c.invite.cancel && c.remoteTag != "" && c.agreed && c.acks == 0
	}
	return c.server != nil && c.server.status < 200 && c.agreed && c.wait == nil && !c.answering
}

// updateAnswered takes the final response to our UPDATE.
func (a *Agent) updateAnswered(now time.Duration, t *client, status int, m *sip.Message, do []Effect) []Effect {
	c := t.call
	if c.over || !c.has(t.tag) {
		return do
	}
	c.within(t.tag, func() {
		c.update = nil
		if status >= 300 && t.offered {
			c.roles = c.roles[:c.settled]
			do = a.updateRefused(now, c, status, m, do)
			return
		}
		if status < 300 {
			err := c.learn(m, false, a.o.Addr)
			if t.offered {
				err = errors.Join(err, c.takeAnswer(m))
			} else if !m.Body().Empty() {
				err = errors.Join(err, errors.New("SDP in the answer to an UPDATE without offer"))
			}
			if err != nil {
				do = a.violation(now, c.id, err.Error(), do)
			}
			do = a.startMedia(now, c, do)
		}
		do = tell(Event{Is: Reinvited, At: now, Call: c.id, Status: status, Text: "UPDATE", Message: m}, do)
	})
	if (status == 481 || status == 408) && c.up && !c.over {
		return a.hangUp(now, c, NoAnswer, do)
	}
	return do
}

// updateRefused leaves everything as it was, or tries again: after 491 as a
// re-INVITE does, after 500 when the far end says. RFC 3311 section 5.3.
func (a *Agent) updateRefused(now time.Duration, c *call, status int, m *sip.Message, do []Effect) []Effect {
	wait := time.Duration(-1)
	switch status {
	case 491:
		wait = a.glareWait(c)
	case 500:
		if f, ok := m.First(sip.FieldRetryAfter); ok {
			token, _, _ := sip.ParseToken(m.Raw, f.Value)
			seconds, err := strconv.Atoi(string(m.Bytes(token)))
			if err != nil || seconds > 10 {
				do = a.violation(now, c.id, "Retry-After "+string(m.Bytes(f.Value))+" after an UPDATE", do)
				break
			}
			wait = time.Duration(seconds) * time.Second
		}
	}
	if wait >= 0 {
		c.glare = a.set(now+wait, alarm{is: retryUpdate, call: c})
		return tell(Event{Is: Glare, At: now, Call: c.id, Status: status, Text: "UPDATE", Message: m}, do)
	}
	c.wish = c.before
	c.fresh = 0
	return tell(Event{Is: Reinvited, At: now, Call: c.id, Status: status, Text: "UPDATE", Message: m}, do)
}

// retryUpdate sends the UPDATE again that met another offer, if it still may.
func (a *Agent) retryUpdate(now time.Duration, c *call, do []Effect) []Effect {
	c.glare = nil
	switch {
	case c.over || c.ending:
		return do
	case c.mayUpdate():
		c.before = c.wish
		c.change(c)
		return a.sendUpdate(now, c, true, do)
	}
	c.glare = a.set(now+a.glareWait(c), alarm{is: retryUpdate, call: c})
	return do
}

// updated takes an UPDATE. RFC 3311 section 5.2.
func (a *Agent) updated(now time.Duration, c *call, s *server, do []Effect) []Effect {
	m := s.request
	offers := !m.Body().Empty()
	status, fields := 200, a.contact()
	switch {
	case !offers:
	case c.offering():
		status, fields = 491, ""
	case !c.up && !c.agreed: // an offer of theirs has no answer yet
		status, fields = 500, "Retry-After: "+strconv.Itoa(a.o.Rand.IntN(11))+crlf
	case c.refuse != 0:
		status, fields = c.refuse, ""
		c.refuse, c.fresh = 0, 0
	}
	if status >= 300 {
		c.refused(m)
		do = a.respond(now, s, status, "", fields, "", do)
		return tell(Event{Is: Reoffered, At: now, Call: c.id, Status: status, Text: "UPDATE", Message: m}, do)
	}
	if err := c.learn(m, false, a.o.Addr); err != nil {
		do = a.violation(now, c.id, err.Error(), do)
	}
	body := ""
	if offers {
		if err := c.takeOffer(m); err != nil {
			do = a.blame(now, c.id, err, do)
			return a.respond(now, s, 488, "", "", "", do)
		}
		body = a.answer(c)
		do = a.startMedia(now, c, do)
	}
	do = a.respond(now, s, 200, "", fields, body, do)
	return tell(Event{Is: Reoffered, At: now, Call: c.id, Status: 200, Text: "UPDATE", Message: m}, do)
}

// offering reports whether an offer of ours waits for its answer.
func (c *call) offering() bool {
	switch {
	case c.update != nil && c.update.offered, c.asks:
		return true
	case c.up && c.invite != nil: // our re-INVITE
		return true
	case c.up && c.server != nil: // theirs had no offer, and its ACK has not come
		return !c.server.offered
	case !c.up && c.out:
		return !c.agreed
	}
	return !c.up && c.wait != nil && c.wait.offer
}
