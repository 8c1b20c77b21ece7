package ua

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// A Subscribe is a subscription to ask for. RFC 6665.
type Subscribe struct {
	To      string // user part of whose state it is
	Event   string // dialog, message-summary, presence, reg, conference, or one that nobody knows
	ID      string // of the field Event; empty: none
	Seconds int    // lifetime; 0: one NOTIFY and no more
	Single  bool   // where it is forked, only the first notifier is wanted
}

// outside begins the dialog, or the request without one, to a user: at its
// contact where it is registered here, else beyond the peer.
func (a *Agent) outside(user string) dialog {
	return a.begun(a.wayTo(user))
}

// begun gives a dialog, or a request without one, its names.
func (a *Agent) begun(d dialog) dialog {
	d.callID, d.localTag = a.word(20)+a.o.Canary.at(), a.word(12)
	d.local, d.localSeq = a.selfURI(), uint32(a.o.Rand.IntN(1000))
	return d
}

// wayTo says where a request to a user goes.
func (a *Agent) wayTo(user string) dialog {
	if b := a.bound(user); b != nil {
		return a.wayToBinding(b)
	}
	target := "sip:" + user + "@" + a.domain()
	d := dialog{target: target, remote: "<" + target + ">"}
	if a.reg != nil && len(a.reg.route) > 0 { // RFC 3608 section 5
		d.routes, d.direct = a.reg.route, true
	}
	return d
}

// Subscribe subscribes. The subscription's id, of the same numbers as those of
// calls, is returned with the effects.
func (a *Agent) Subscribe(now time.Duration, s Subscribe, do []Effect) (Call, []Effect) {
	a.last++
	sub := &subscription{
		id: a.last, own: a.outside(s.To), event: s.Event, eventID: s.ID, waiting: true, single: s.Single, expect: s.To,
		ending: s.Seconds == 0,
	}
	a.subs = append(a.subs, sub)
	return sub.id, a.sendSubscribe(now, sub, s.Seconds, do)
}

func (a *Agent) sendSubscribe(now time.Duration, sub *subscription, seconds int, do []Effect) []Effect {
	sub.asked, sub.most = seconds, max(sub.most, seconds)
	fields := a.contact() + fmt.Sprintf("Event: %s\r\nExpires: %d\r\n", sub.eventValue(), seconds)
	if t := mediaTypeOf(sub.event); t != "" {
		fields += "Accept: " + t + crlf
	}
	a.live(now, sub, 0) // timer N
	sub.asking = &client{method: "SUBSCRIBE", call: sub.call, sub: sub}
	if sub.dialog().remoteTag != "" {
		return a.ask(now, sub.dialog(), sub.asking, fields, "", "", do)
	}
	do = a.askPeer(now, &sub.own, sub.asking, fields, "", "", do)
	sub.seed = sub.own
	return do
}

// mine returns a subscription of ours that can be acted on.
func (a *Agent) mine(id Call) *subscription {
	s := a.subByID(id)
	if s == nil || s.notifier || s.ending || s.waiting || s.asking != nil {
		return nil
	}
	return s
}

// Resubscribe asks for a new lifetime, in seconds.
func (a *Agent) Resubscribe(now time.Duration, id Call, seconds int, do []Effect) []Effect {
	s := a.mine(id)
	if s == nil {
		return a.ignored(now, id, "SUBSCRIBE: not now", do)
	}
	return a.sendSubscribe(now, s, seconds, do)
}

// Unsubscribe ends a subscription: one more NOTIFY will come.
func (a *Agent) Unsubscribe(now time.Duration, id Call, do []Effect) []Effect {
	s := a.mine(id)
	if s == nil {
		return a.ignored(now, id, "SUBSCRIBE: not now", do)
	}
	s.ending = true
	return a.sendSubscribe(now, s, 0, do)
}

// subscribeAnswered takes the final response to our SUBSCRIBE. The dialog is
// made by the first NOTIFY, which may have come before. RFC 6665 section
// 4.1.2.4.
func (a *Agent) subscribeAnswered(now time.Duration, sub *subscription, status int, m *sip.Message, do []Effect) []Effect {
	sub.asking = nil
	if sub.over {
		return do
	}
	if status >= 300 {
		// A refresh that is refused leaves what there is, unless the dialog is
		// gone. RFC 6665 section 4.1.2.2.
		if sub.dialog().remoteTag != "" && status != 481 && status != 408 && !sub.ending {
			return tell(Event{Is: Replied, At: now, Call: sub.id, Status: status, Text: "SUBSCRIBE", Message: m}, do)
		}
		a.drop(sub)
		return a.unsubscribed(now, sub, status, "SUBSCRIBE was refused", do)
	}
	do = tell(Event{Is: Replied, At: now, Call: sub.id, Status: status, Text: "SUBSCRIBE", Message: m}, do)
	if m.Count(sip.FieldContact) != 1 || m.To().Tag.Empty() {
		do = a.violation(now, sub.id, "no Contact or no To tag in "+summary(m), do)
	}
	f, ok := m.First(sip.FieldExpires)
	granted, err := sip.ParseNumber(m.Raw, f.Value)
	if !ok || err != nil || int(granted) > sub.asked {
		return a.violation(now, sub.id, fmt.Sprintf("Expires %q in the answer to a SUBSCRIBE for %d s", m.Bytes(f.Value), sub.asked), do)
	}
	if !sub.waiting && !sub.ending {
		a.live(now, sub, int(granted))
	}
	return do
}

// subOf returns the subscription with a dialog of its own that a request
// names.
func (a *Agent) subOf(m *sip.Message) *subscription {
	key, tag := dialogKey(m), string(m.Bytes(m.From().Tag))
	var seed *subscription
	for _, s := range a.subs {
		if s.call != nil || s.own.key() != key {
			continue
		}
		if s.own.remoteTag == tag {
			return s
		}
		if seed == nil && !s.notifier && m.Method() == sip.NOTIFY {
			seed = s
		}
	}
	return seed
}

// inSubscription takes a request in the dialog of a subscription, or the
// NOTIFY that makes one.
func (a *Agent) inSubscription(now time.Duration, sub *subscription, s *server, do []Effect) []Effect {
	m := s.request
	tag := string(m.Bytes(m.From().Tag))
	switch {
	case sub.notifier && m.Method() == sip.SUBSCRIBE:
		return a.resubscribed(now, sub, s, do)
	case sub.notifier || m.Method() != sip.NOTIFY:
		return a.respond(now, s, 405, "", "Allow: "+allow+crlf, "", do)
	}
	event, id, ok := eventOf(m)
	if !ok || event != sub.event || id != sub.eventID {
		do = a.violation(now, sub.id, fmt.Sprintf("NOTIFY of %s;id=%s to a subscription of %s", event, id, sub.eventValue()), do)
		return a.respond(now, s, 489, "", "", "", do)
	}
	if sub.own.remoteTag != "" && sub.own.remoteTag != tag { // RFC 6665 section 4.4.1
		if sub.single || sub.forked {
			return a.respond(now, s, 481, "", "", "", do)
		}
		sub, do = a.forkSubscription(now, sub, do)
	}
	if sub.own.remoteTag == "" {
		sub.own.remoteTag = tag
		if err := sub.own.learn(m, true, a.o.Addr); err != nil {
			do = a.violation(now, sub.id, err.Error(), do)
		}
	} else if err := sub.own.learn(m, false, a.o.Addr); err != nil {
		do = a.violation(now, sub.id, err.Error(), do)
	}
	ok, do = a.inOrder(now, &sub.own, sub.id, s, do)
	if !ok {
		return do
	}
	return a.notification(now, s, sub, do)
}

// forkSubscription makes the subscription of one more notifier.
func (a *Agent) forkSubscription(now time.Duration, first *subscription, do []Effect) (*subscription, []Effect) {
	a.last++
	sub := &subscription{
		id: a.last, own: first.seed, event: first.event, eventID: first.eventID, expect: first.expect, forked: true,
		asked: first.asked, most: first.most, seconds: first.seconds, ending: first.ending,
	}
	sub.seed = first.seed
	a.subs = append(a.subs, sub)
	a.live(now, sub, first.asked)
	return sub, tell(Event{Is: ForkedSubscription, At: now, Call: sub.id, Other: first.id}, do)
}

// eventNotified takes the body of a NOTIFY, and checks that it is of the
// package, of who was asked for, and newer than the last.
func (a *Agent) eventNotified(now time.Duration, sub *subscription, m *sip.Message, do []Effect) []Effect {
	e := Event{Is: Notified, At: now, Call: sub.id, Text: string(m.Bytes(m.Body())), Message: m}
	if m.Body().Empty() {
		return tell(e, do)
	}
	f, _ := m.First(sip.FieldContentType)
	if t := string(sip.MediaType(m.Raw, f.Value)); !strings.EqualFold(t, mediaTypeOf(sub.event)) {
		do = a.violation(now, sub.id, fmt.Sprintf("NOTIFY of %s with a body of type %q", sub.event, t), do)
		return tell(e, do)
	}
	state, err := readState(sub.event, e.Text)
	switch {
	case err != nil:
		do = a.violation(now, sub.id, fmt.Sprintf("body of %s: %v", sub.event, err), do)
	case sub.expect != "" && state.user != sub.expect:
		do = a.violation(now, sub.id, fmt.Sprintf("body of %s speaks of %q instead of %q", sub.event, state.user, sub.expect), do)
	case state.version != "":
		version, err := strconv.Atoi(state.version)
		if err != nil || version < sub.version {
			do = a.violation(now, sub.id, fmt.Sprintf("body of %s: version %s after %d", sub.event, state.version, sub.version-1), do)
		}
		sub.version = version + 1
	}
	sub.dialogs = state.dialogs
	return tell(e, do)
}

// PickUp calls whom a subscription of dialog watches, and takes over the first
// call that its last NOTIFY named: RFC 4235 with RFC 3891. early: only if it
// is not answered.
func (a *Agent) PickUp(now time.Duration, id Call, early bool, do []Effect) (Call, []Effect) {
	s := a.subByID(id)
	if s == nil || s.notifier || len(s.dialogs) == 0 {
		return 0, a.ignored(now, id, "pick up: no dialog is known", do)
	}
	i := Invite{To: s.expect, Fields: []string{"Replaces: " + replacesOf(&s.dialogs[0], early), "Require: replaces"}}
	return a.Invite(now, i, do)
}
