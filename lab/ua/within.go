package ua

import (
	"time"

	"sbc/signaling/sip"
)

// inDialog takes a new request that names a dialog.
func (a *Agent) inDialog(now time.Duration, s *server, do []Effect) []Effect {
	m := s.request
	tag := string(m.Bytes(m.From().Tag))
	if c := a.dialogs[dialogKey(m)]; c != nil && c.has(tag) {
		return a.inCall(now, c, s, do)
	}
	if sub := a.subOf(m); sub != nil {
		return a.inSubscription(now, sub, s, do)
	}
	return a.respond(now, s, 481, "", "", "", do)
}

// inOrder judges the CSeq of a request within a dialog. RFC 3261 section
// 12.2.2.
func (a *Agent) inOrder(now time.Duration, d *dialog, id Call, s *server, do []Effect) (bool, []Effect) {
	m := s.request
	if m.CSeq() == d.remoteSeq {
		do = a.violation(now, id, "CSeq of another request in "+summary(m), do)
	}
	if m.CSeq() < d.remoteSeq {
		return false, a.respond(now, s, 500, "", "", "", do)
	}
	d.remoteSeq = m.CSeq()
	return true, do
}

// inCall takes a request in the dialog of a call. Where the call is over, a
// subscription may still use it.
func (a *Agent) inCall(now time.Duration, c *call, s *server, do []Effect) []Effect {
	m := s.request
	if c.over && m.Method() != sip.NOTIFY && m.Method() != sip.SUBSCRIBE {
		return a.respond(now, s, 481, "", "", "", do)
	}
	if m.Method() == sip.SUBSCRIBE {
		return a.subscribeInCall(now, c, s, do)
	}
	s.call = c
	c.focus(string(m.Bytes(m.From().Tag)))
	ok, do := a.inOrder(now, &c.dialog, c.id, s, do)
	if !ok {
		c.refused(m)
		return do
	}
	switch m.Method() {
	case sip.INVITE:
		return a.reinvite(now, c, s, do)
	case sip.BYE:
		do = a.respond(now, s, 200, "", "", "", do)
		return a.finish(now, c, Event{Cause: ByFar, Message: m}, do)
	case sip.INFO:
		do = a.respond(now, s, 200, "", "", "", do)
		return tell(Event{Is: Info, At: now, Call: c.id, Text: string(m.Bytes(m.Body())), Message: m}, do)
	case sip.PRACK:
		return a.pracked(now, c, s, do)
	case sip.UPDATE:
		return a.updated(now, c, s, do)
	case sip.REFER:
		return a.referred(now, c, s, do)
	case sip.NOTIFY:
		return a.notifyInCall(now, c, s, do)
	}
	return a.asked(now, c.id, s, do)
}

// subscribeInCall takes a SUBSCRIBE that refreshes what a REFER made.
func (a *Agent) subscribeInCall(now time.Duration, c *call, s *server, do []Effect) []Effect {
	event, id, _ := eventOf(s.request)
	for _, sub := range a.subs {
		if sub.call == c && sub.notifier && sub.event == event && (id == sub.eventID || sub.eventID == "") {
			return a.resubscribed(now, sub, s, do)
		}
	}
	ok, do := a.inOrder(now, &c.dialog, c.id, s, do)
	if !ok {
		return do
	}
	return a.respond(now, s, 489, "", "", "", do)
}

// notifyInCall takes a NOTIFY of a subscription that shares the dialog of a
// call: of REFER.
func (a *Agent) notifyInCall(now time.Duration, c *call, s *server, do []Effect) []Effect {
	event, id, ok := eventOf(s.request)
	if !ok {
		do = a.violation(now, c.id, "no Event in "+summary(s.request), do)
		return a.respond(now, s, 400, "", "", "", do)
	}
	for _, sub := range a.subs {
		if sub.call != c || sub.notifier || sub.event != event {
			continue
		}
		if id == sub.eventID || id == "" && c.referred == 1 { // RFC 3515 section 2.4.6
			return a.notification(now, s, sub, do)
		}
	}
	return a.respond(now, s, 481, "", "", "", do)
}
