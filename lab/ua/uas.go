package ua

import (
	"strconv"
	"time"

	"sbc/signaling/sip"
)

// incoming takes an INVITE outside of a dialog.
func (a *Agent) incoming(now time.Duration, s *server, do []Effect) []Effect {
	m := s.request
	c := a.open(false)
	s.call, c.server = c, s
	c.callID = string(m.Bytes(m.CallID()))
	c.localTag = a.word(12)
	c.remoteTag = string(m.Bytes(m.From().Tag))
	c.local = withoutTag(m, m.To())
	c.remote = withoutTag(m, m.From())
	c.localSeq = uint32(a.o.Rand.IntN(1000))
	c.remoteSeq = m.CSeq()
	a.dialogs[c.key()] = c
	if err := c.learn(m, true, a.o.Addr); err != nil {
		do = a.violation(now, c.id, err.Error(), do)
	}
	s.trying = a.set(now+tryingAfter, alarm{is: sendTrying, server: s})
	do = a.openMedia(c, do)
	if !m.Body().Empty() {
		s.offered = true
		if err := c.takeOffer(m); err != nil {
			do = a.violation(now, c.id, err.Error(), do)
			do = a.respond(now, s, 488, c.localTag, "", "", do)
			c.server = nil
			return a.finish(now, c, Event{Cause: Broken, Status: 488, Message: m}, do)
		}
	}
	return tell(Event{Is: Incoming, At: now, Call: c.id, Text: string(m.Bytes(m.RequestURI())), Message: m}, do)
}

// withoutTag returns a From or To value as the far end's requests will carry
// it, less its tag.
func withoutTag(m *sip.Message, n sip.NameAddr) string {
	value := "<" + string(m.Bytes(n.URI)) + ">"
	if display := string(m.Bytes(n.Display)); display != "" {
		value = display + " " + value
	}
	return value
}

// waiting returns the call when it is one that waits for our final response.
func (a *Agent) waiting(id Call) *call {
	c := a.byID(id)
	if c == nil || c.out || c.up || c.server == nil || c.server.status >= 200 {
		return nil
	}
	return c
}

// Ring sends a provisional response without SDP: 180, or another.
func (a *Agent) Ring(now time.Duration, id Call, status int, do []Effect) []Effect {
	c := a.waiting(id)
	if c == nil {
		return a.ignored(now, id, "ring: no call waits", do)
	}
	return a.respond(now, c.server, status, c.localTag, a.contact(), "", do)
}

// Progress sends a 183 with SDP, and audio before the call is answered.
func (a *Agent) Progress(now time.Duration, id Call, do []Effect) []Effect {
	c := a.waiting(id)
	if c == nil || !c.server.offered {
		return a.ignored(now, id, "early media: no call waits, or there is no offer", do)
	}
	do = a.respond(now, c.server, 183, c.localTag, a.contact(), a.answer(c), do)
	return a.startMedia(now, c, do)
}

// Answer sends 200: with the answer, or with an offer where the INVITE had
// none.
func (a *Agent) Answer(now time.Duration, id Call, do []Effect) []Effect {
	c := a.waiting(id)
	if c == nil {
		return a.ignored(now, id, "answer: no call waits", do)
	}
	return a.accept(now, c, c.server, do)
}

func (a *Agent) accept(now time.Duration, c *call, s *server, do []Effect) []Effect {
	if !s.offered {
		return a.respond(now, s, 200, c.localTag, a.inviteFields(nil), a.offer(c), do)
	}
	do = a.respond(now, s, 200, c.localTag, a.inviteFields(nil), a.answer(c), do)
	return a.startMedia(now, c, do)
}

// Reject refuses a call that came in, with a status of 300 to 699.
func (a *Agent) Reject(now time.Duration, id Call, status int, do []Effect) []Effect {
	c := a.waiting(id)
	if c == nil {
		return a.ignored(now, id, "reject: no call waits", do)
	}
	do = a.respond(now, c.server, status, c.localTag, "", "", do)
	c.server = nil
	return a.finish(now, c, Event{Cause: Rejected, Status: status}, do)
}

// RefuseNext lets the next re-INVITE of a call be refused with a status.
func (a *Agent) RefuseNext(id Call, status int) {
	if c := a.byID(id); c != nil {
		c.refuse = status
	}
}

// inDialog takes a new request that names a dialog.
func (a *Agent) inDialog(now time.Duration, s *server, do []Effect) []Effect {
	m := s.request
	c := a.dialogs[dialogKey(m)]
	if c == nil || string(m.Bytes(m.From().Tag)) != c.remoteTag {
		return a.respond(now, s, 481, "", "", "", do)
	}
	s.call = c
	if m.CSeq() == c.remoteSeq {
		do = a.violation(now, c.id, "CSeq of another request in "+summary(m), do)
	}
	if m.CSeq() < c.remoteSeq {
		return a.respond(now, s, 500, "", "", "", do) // RFC 3261 section 12.2.2
	}
	c.remoteSeq = m.CSeq()
	switch m.Method() {
	case sip.INVITE:
		return a.reinvite(now, c, s, do)
	case sip.BYE:
		do = a.respond(now, s, 200, "", "", "", do)
		return a.finish(now, c, Event{Cause: ByFar, Message: m}, do)
	case sip.INFO:
		do = a.respond(now, s, 200, "", "", "", do)
		return tell(Event{Is: Info, At: now, Call: c.id, Text: string(m.Bytes(m.Body())), Message: m}, do)
	}
	return a.respond(now, s, 200, "", "Allow: "+allow+crlf, "", do)
}

// reinvite takes a re-INVITE. RFC 3261 section 14.2.
func (a *Agent) reinvite(now time.Duration, c *call, s *server, do []Effect) []Effect {
	s.again = true
	m := s.request
	if !c.up || c.server != nil || c.invite != nil || c.refuse != 0 {
		c.refused()
	}
	switch {
	case !c.up || c.server != nil:
		wait := "Retry-After: " + strconv.Itoa(a.o.Rand.IntN(11)) + crlf
		return a.respond(now, s, 500, "", wait, "", do)
	case c.invite != nil:
		return a.respond(now, s, 491, "", "", "", do)
	case c.refuse != 0:
		status := c.refuse
		c.refuse, c.fresh = 0, 0
		do = a.respond(now, s, status, "", "", "", do)
		return tell(Event{Is: Reoffered, At: now, Call: c.id, Status: status, Message: m}, do)
	}
	if err := c.learn(m, false, a.o.Addr); err != nil {
		do = a.violation(now, c.id, err.Error(), do)
	}
	if s.offered = !m.Body().Empty(); s.offered {
		if err := c.takeOffer(m); err != nil {
			do = a.violation(now, c.id, err.Error(), do)
			return a.respond(now, s, 488, "", "", "", do)
		}
	}
	c.server = s
	return a.accept(now, c, s, do)
}

// confirmed takes the ACK of a 2xx.
func (a *Agent) confirmed(now time.Duration, c *call, s *server, m *sip.Message, do []Effect) []Effect {
	first := !c.up
	c.up = true
	if s.offered && !m.Body().Empty() {
		do = a.violation(now, c.id, "body in the ACK of an INVITE with offer", do)
	}
	if !s.offered {
		if err := c.takeAnswer(m); err != nil {
			do = a.violation(now, c.id, err.Error(), do)
			return a.hangUp(now, c, Broken, do)
		}
		do = a.startMedia(now, c, do)
	}
	e := Event{Is: Answered, At: now, Call: c.id, Status: s.status, Message: m}
	if !first {
		e.Is = Reoffered
	}
	do = tell(e, do)
	if c.ending {
		return a.hangUp(now, c, ByUs, do)
	}
	return do
}
