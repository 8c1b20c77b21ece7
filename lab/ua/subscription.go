package ua

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// A subscription is a usage of a dialog, RFC 6665: of one of its own, or of
// that of the call whose REFER made it.
//
//	subscriber: SUBSCRIBE or REFER ──▶ waiting ──NOTIFY──▶ live ──NOTIFY terminated, expiry──▶ over
//	notifier:   SUBSCRIBE or REFER ─────────────────────▶ live ──NOTIFY terminated, answered─▶ over
type subscription struct {
	id       Call
	call     *call // whose dialog it shares; nil: it has its own
	own      dialog
	notifier bool
	event    string // the package
	eventID  string // of the field Event; empty: none

	waiting bool   // no NOTIFY came yet
	over    bool   // nothing of it is left
	ending  bool   // the last NOTIFY is on its way, or Expires: 0 is
	asked   int    // lifetime in seconds that a subscriber asked for last
	most    int    // the longest that it asked for: a NOTIFY may cross a SUBSCRIBE
	seconds int    // and that was granted
	expire  *alarm // end of the lifetime, or timer N

	queue   []notice // of a notifier: what it has to say, oldest first
	asking  *client  // our NOTIFY or SUBSCRIBE that has no final response yet
	tries   int      // of the notice that is on its way
	version int      // of the bodies

	hang    Leave    // of a transferor
	seed    dialog   // of a subscriber, before the first NOTIFY: each fork begins with it
	single  bool     // a subscriber who wants no forks
	forked  bool     // it is one
	dialogs []dialog // that the last body named
	expect  string   // the user that the bodies must speak of; empty: not known
	outcome int      // the last status that a sipfrag told
}

// A notice is one NOTIFY to be sent.
type notice struct {
	state       string // value of Subscription-State; empty: active
	contentType string
	body        string
	last        bool
}

// sipfrag is the type of the bodies of refer.
const sipfrag = "message/sipfrag;version=2.0"

// referLifetime is how long the outcome of a REFER is waited for.
const referLifetime = 120

func (s *subscription) dialog() *dialog {
	if s.call != nil {
		return &s.call.dialog
	}
	return &s.own
}

// Subscriptions returns the subscriptions that have a dialog of their own and
// are not over, oldest first: of both roles.
func (a *Agent) Subscriptions() []Call {
	var ids []Call
	for _, s := range a.subs {
		if s.call == nil {
			ids = append(ids, s.id)
		}
	}
	return ids
}

func (a *Agent) subByID(id Call) *subscription {
	for _, s := range a.subs {
		if s.call == nil && s.id == id {
			return s
		}
	}
	return nil
}

// event is the value of Event.
func (s *subscription) eventValue() string {
	if s.eventID == "" {
		return s.event
	}
	return s.event + ";id=" + s.eventID
}

// eventOf reads the field Event.
func eventOf(m *sip.Message) (event, id string, ok bool) {
	f, ok := m.First(sip.FieldEvent)
	if !ok {
		return "", "", false
	}
	token, params, err := sip.ParseToken(m.Raw, f.Value)
	if err != nil {
		return "", "", false
	}
	v, _ := sip.Param(m.Raw, params, "id")
	return string(m.Bytes(token)), string(m.Bytes(v)), true
}

// drop ends a subscription. Its dialog goes when nothing else uses it.
func (a *Agent) drop(s *subscription) {
	if s.over {
		return
	}
	s.over = true
	stop(s.expire)
	a.subs = slices.DeleteFunc(a.subs, func(o *subscription) bool { return o == s })
	if c := s.call; c != nil && c.over && !a.shared(c) {
		delete(a.dialogs, c.key())
	}
}

// shared reports whether a subscription uses the dialog of a call.
func (a *Agent) shared(c *call) bool {
	return slices.ContainsFunc(a.subs, func(s *subscription) bool { return s.call == c })
}

// notify queues a NOTIFY: the next one goes when the last was answered, so
// that none overtakes another.
func (a *Agent) notify(now time.Duration, s *subscription, n notice, do []Effect) []Effect {
	if s.over || s.ending {
		return do
	}
	s.ending = n.last
	s.queue = append(s.queue, n)
	return a.nextNotice(now, s, do)
}

func (a *Agent) nextNotice(now time.Duration, s *subscription, do []Effect) []Effect {
	if s.asking != nil || len(s.queue) == 0 || s.over {
		return do
	}
	n := s.queue[0]
	state := n.state
	if state == "" {
		state = "active;expires=" + strconv.Itoa(s.remaining(now))
	}
	fields := a.contact() + fmt.Sprintf("Event: %s\r\nSubscription-State: %s\r\n", s.eventValue(), state)
	s.asking = &client{method: "NOTIFY", call: s.call, sub: s}
	return a.ask(now, s.dialog(), s.asking, fields, n.contentType, n.body, do)
}

// remaining is the rest of the lifetime in seconds.
func (s *subscription) remaining(now time.Duration) int {
	if s.expire == nil {
		return s.seconds
	}
	return max(1, int((s.expire.at-now)/time.Second))
}

// noticed takes the final response to our NOTIFY.
func (a *Agent) noticed(now time.Duration, s *subscription, status int, do []Effect) []Effect {
	s.asking = nil
	switch {
	case s.over:
		return do
	case status == 500 && s.tries < 3: // another request overtook it
		s.tries++
		return a.nextNotice(now, s, do)
	case status >= 300: // RFC 6665 section 4.2.2
		a.drop(s)
		return a.unsubscribed(now, s, status, "NOTIFY was refused", do)
	}
	s.tries = 0
	last := s.queue[0].last
	s.queue = s.queue[1:]
	if last {
		a.drop(s)
		return a.unsubscribed(now, s, status, "", do)
	}
	return a.nextNotice(now, s, do)
}

// unsubscribed tells the end of a subscription. That of a REFER is no news to
// the transferee.
func (a *Agent) unsubscribed(now time.Duration, s *subscription, status int, why string, do []Effect) []Effect {
	if s.call != nil && s.notifier {
		return do
	}
	return tell(Event{Is: Unsubscribed, At: now, Call: s.id, Status: status, Text: why}, do)
}

// lapsed is the end of a lifetime, or timer N of RFC 6665 section 4.1.2.4.
func (a *Agent) lapsed(now time.Duration, s *subscription, do []Effect) []Effect {
	s.expire = nil
	if s.notifier {
		n := notice{state: "terminated;reason=timeout", last: true}
		if s.event == "refer" {
			n.contentType, n.body = sipfrag, a.fragment(max(100, s.outcome))
		}
		return a.notify(now, s, n, do)
	}
	why := "no NOTIFY came in time"
	if !s.waiting {
		why = "lifetime is over"
	}
	a.drop(s)
	return a.unsubscribed(now, s, 0, why, do)
}

// live sets the lifetime of a subscription, in seconds. A subscriber gives
// the last NOTIFY time to come.
func (a *Agent) live(now time.Duration, s *subscription, seconds int) {
	stop(s.expire)
	s.seconds = seconds
	at := now + time.Duration(seconds)*time.Second
	if !s.notifier {
		at += 64 * t1
	}
	s.expire = a.set(at, alarm{is: expireSubscription, sub: s})
}

// notification takes a NOTIFY that belongs to a subscription of ours.
func (a *Agent) notification(now time.Duration, s *server, sub *subscription, do []Effect) []Effect {
	m := s.request
	f, ok := m.First(sip.FieldSubscriptionState)
	token, params, err := sip.ParseToken(m.Raw, f.Value)
	if !ok || err != nil {
		do = a.violation(now, sub.id, "NOTIFY without Subscription-State: "+summary(m), do)
		return a.respond(now, s, 400, "", "", "", do)
	}
	do = a.respond(now, s, 200, "", a.contact(), "", do)
	sub.waiting = false
	state := strings.ToLower(string(m.Bytes(token)))
	switch state {
	case "active", "pending":
		expires, ok := sip.Param(m.Raw, params, "expires")
		seconds, err := strconv.Atoi(string(m.Bytes(expires)))
		switch {
		case ok && err != nil:
			do = a.violation(now, sub.id, "expires in "+string(m.Bytes(f.Value)), do)
		case ok && seconds > sub.most:
			do = a.violation(now, sub.id, fmt.Sprintf("%d seconds granted, more than the %d asked for", seconds, sub.most), do)
		case ok:
			a.live(now, sub, seconds)
		}
	case "terminated":
		a.drop(sub)
	default:
		do = a.violation(now, sub.id, "Subscription-State "+state, do)
	}
	if sub.event == "refer" {
		do = a.referNotified(now, sub, m, do)
	} else {
		do = a.eventNotified(now, sub, m, do)
	}
	if sub.over {
		reason, _ := sip.Param(m.Raw, params, "reason")
		return a.unsubscribed(now, sub, 0, string(m.Bytes(reason)), do)
	}
	return do
}
