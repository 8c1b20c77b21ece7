package ua

import (
	"errors"
	"strconv"
	"time"

	"sbc/signaling/sip"
)

// incoming takes an INVITE outside of a dialog.
func (a *Agent) incoming(now time.Duration, s *server, do []Effect) []Effect {
	m := s.request
	old, status := a.replaced(m)
	if status != 0 {
		return a.respond(now, s, status, a.word(12), "", "", do)
	}
	if a.o.Reliable == RelNone && requires(m, sip.FieldRequire, "100rel") {
		return a.respond(now, s, 420, a.word(12), "Unsupported: 100rel\r\n", "", do)
	}
	c := a.open(false)
	c.replaces = old
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
			do = a.blame(now, c.id, err, do)
			do = a.respond(now, s, 488, c.localTag, "", "", do)
			c.server = nil
			return a.finish(now, c, Event{Cause: Broken, Status: 488, Message: m}, do)
		}
	}
	e := Event{Is: Incoming, At: now, Call: c.id, Text: string(m.Bytes(m.RequestURI())), Message: m}
	if old != nil {
		e.Other = old.id
	}
	return tell(e, do)
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

// mayRing reports whether a provisional response may be sent: a reliable one
// waits for the PRACK of the last.
func (a *Agent) mayRing(c *call) bool { return a.waiting(c.id) != nil && c.wait == nil && !c.answering }

func (a *Agent) mayProgress(c *call) bool { return a.mayRing(c) && c.server.offered }

// Ring sends a provisional response without SDP: 180, or another.
func (a *Agent) Ring(now time.Duration, id Call, status int, do []Effect) []Effect {
	c := a.byID(id)
	if c == nil || !a.mayRing(c) {
		return a.ignored(now, id, "ring: no call waits", do)
	}
	return a.provisionally(now, c, status, "", do)
}

// Progress sends a 183 with SDP, and audio before the call is answered.
func (a *Agent) Progress(now time.Duration, id Call, do []Effect) []Effect {
	c := a.byID(id)
	if c == nil || !a.mayProgress(c) {
		return a.ignored(now, id, "early media: no call waits, or there is no offer", do)
	}
	body := ""
	if !c.agreed {
		body = a.answer(c)
	}
	do = a.provisionally(now, c, 183, body, do)
	return a.startMedia(now, c, do)
}

// Answer sends 200: with the answer, or with an offer where the INVITE had
// none.
func (a *Agent) Answer(now time.Duration, id Call, do []Effect) []Effect {
	c := a.waiting(id)
	if c == nil {
		return a.ignored(now, id, "answer: no call waits", do)
	}
	if c.answering = c.wait != nil && c.wait.sdp; c.answering { // RFC 3262 section 3
		return do
	}
	do = a.accept(now, c, c.server, do)
	return a.replace(now, c, do)
}

func (a *Agent) accept(now time.Duration, c *call, s *server, do []Effect) []Effect {
	if !s.again && c.agreed {
		return a.respond(now, s, 200, c.localTag, a.inviteFields(nil), "", do)
	}
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

// reinvite takes a re-INVITE. RFC 3261 section 14.2.
func (a *Agent) reinvite(now time.Duration, c *call, s *server, do []Effect) []Effect {
	s.again = true
	m := s.request
	if !c.up || c.server != nil || c.invite != nil || c.update != nil || c.asks || c.refuse != 0 {
		c.refused(m)
	}
	switch {
	case !c.up || c.server != nil:
		wait := "Retry-After: " + strconv.Itoa(a.o.Rand.IntN(11)) + crlf
		return a.respond(now, s, 500, "", wait, "", do)
	case c.invite != nil || c.update != nil && c.update.offered || c.asks:
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
			do = a.blame(now, c.id, err, do)
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
	settled := s.offered || first && c.agreed
	if settled && !m.Body().Empty() {
		do = a.violation(now, c.id, "body in the ACK of an INVITE with offer", do)
	}
	if !settled {
		if err := c.takeAnswer(m); err != nil {
			if !errors.Is(err, errNoAudio) { // an answer may switch all lines off: RFC 3264 section 6
				do = a.violation(now, c.id, err.Error(), do)
			}
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
