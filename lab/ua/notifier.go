package ua

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// lifetimeMax is the longest lifetime in seconds that a notifier grants.
const lifetimeMax = 3600

// subscribed takes a SUBSCRIBE outside of a dialog. It is accepted at once.
func (a *Agent) subscribed(now time.Duration, s *server, do []Effect) []Effect {
	m := s.request
	event, id, ok := eventOf(m)
	if !ok {
		do = a.violation(now, 0, "no Event in "+summary(m), do)
		return a.respond(now, s, 400, a.word(10), "", "", do)
	}
	if !slices.Contains(a.o.Events, event) {
		return a.respond(now, s, 489, a.word(10), "Allow-Events: "+strings.Join(a.o.Events, ", ")+crlf, "", do)
	}
	a.last++
	to := m.ToURI()
	sub := &subscription{id: a.last, notifier: true, event: event, eventID: id, expect: string(m.Bytes(to.User))}
	d := &sub.own
	d.callID, d.localTag, d.remoteTag = string(m.Bytes(m.CallID())), a.word(12), string(m.Bytes(m.From().Tag))
	d.local, d.remote = withoutTag(m, m.To()), withoutTag(m, m.From())
	d.localSeq, d.remoteSeq = uint32(a.o.Rand.IntN(1000)), m.CSeq()
	if err := d.learn(m, true, a.o.Addr); err != nil {
		do = a.violation(now, sub.id, err.Error(), do)
	}
	a.subs = append(a.subs, sub)
	do = tell(Event{Is: Subscribed, At: now, Call: sub.id, Text: event, Message: m}, do)
	return a.grant(now, sub, s, do)
}

// resubscribed takes a SUBSCRIBE within its dialog.
func (a *Agent) resubscribed(now time.Duration, sub *subscription, s *server, do []Effect) []Effect {
	ok, do := a.inOrder(now, sub.dialog(), sub.id, s, do)
	if !ok {
		return do
	}
	event, id, ok := eventOf(s.request)
	if !ok || event != sub.event || id != sub.eventID && sub.event != "refer" {
		do = a.violation(now, sub.id, "another Event in "+summary(s.request), do)
		return a.respond(now, s, 489, "", "", "", do)
	}
	if sub.ending {
		return a.respond(now, s, 481, "", "", "", do)
	}
	if sub.call == nil {
		if err := sub.own.learn(s.request, false, a.o.Addr); err != nil {
			do = a.violation(now, sub.id, err.Error(), do)
		}
	}
	return a.grant(now, sub, s, do)
}

// grant answers a SUBSCRIBE, and sends the NOTIFY that has to follow: or goes
// before, where the agent likes that.
func (a *Agent) grant(now time.Duration, sub *subscription, s *server, do []Effect) []Effect {
	seconds := lifetimeMax
	if f, ok := s.request.First(sip.FieldExpires); ok {
		n, err := sip.ParseNumber(s.request.Raw, f.Value)
		if err != nil {
			do = a.violation(now, sub.id, "unreadable Expires in "+summary(s.request), do)
		}
		seconds = min(int(n), seconds)
	}
	if seconds > 0 {
		a.live(now, sub, seconds)
	}
	accept := func() {
		fields := a.contact() + fmt.Sprintf("Expires: %d\r\n", seconds)
		do = a.respond(now, s, 200, sub.dialog().localTag, fields, "", do)
	}
	if !a.o.NotifyFirst {
		accept()
	}
	n := notice{}
	if seconds == 0 {
		n.state, n.last = "terminated;reason=timeout", true
	}
	do = a.notifyState(now, sub, n, do)
	if a.o.NotifyFirst {
		accept()
	}
	return do
}

// notifyState sends a NOTIFY with the state of now.
func (a *Agent) notifyState(now time.Duration, sub *subscription, n notice, do []Effect) []Effect {
	if sub.event == "refer" {
		n.contentType, n.body = sipfrag, a.fragment(max(100, sub.outcome))
	} else {
		n.contentType, n.body = mediaTypeOf(sub.event), a.state(sub)
	}
	return a.notify(now, sub, n, do)
}

// theirs returns a subscription of which we are the notifier.
func (a *Agent) theirs(id Call) *subscription {
	if s := a.subByID(id); s != nil && s.notifier && !s.ending {
		return s
	}
	return nil
}

// Notify tells a subscriber the state of now.
func (a *Agent) Notify(now time.Duration, id Call, do []Effect) []Effect {
	s := a.theirs(id)
	if s == nil {
		return a.ignored(now, id, "NOTIFY: no such subscription", do)
	}
	return a.notifyState(now, s, notice{}, do)
}

// Expel ends a subscription of which we are the notifier, for a reason of RFC
// 6665 section 4.1.3: deactivated, rejected, noresource.
func (a *Agent) Expel(now time.Duration, id Call, reason string, do []Effect) []Effect {
	s := a.theirs(id)
	if s == nil {
		return a.ignored(now, id, "NOTIFY: no such subscription", do)
	}
	stop(s.expire)
	return a.notifyState(now, s, notice{state: "terminated;reason=" + reason, last: true}, do)
}
