package ua

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// RefuseRefer lets the next REFER within a call be refused with a status.
func (a *Agent) RefuseRefer(id Call, status int) {
	if c := a.byID(id); c != nil {
		c.refuseRefer = status
	}
}

// referred takes a REFER within a call: the transferee of RFC 5589. It is
// followed at once.
func (a *Agent) referred(now time.Duration, c *call, s *server, do []Effect) []Effect {
	m := s.request
	target, err := referTo(m)
	switch {
	case err != nil:
		do = a.violation(now, c.id, err.Error(), do)
		return a.respond(now, s, 400, "", "", "", do)
	case c.refuseRefer != 0:
		status := c.refuseRefer
		c.refuseRefer = 0
		do = a.respond(now, s, status, "", "", "", do)
		return tell(Event{Is: Referred, At: now, Call: c.id, Status: status, Text: target.uri, Message: m}, do)
	case !c.up:
		return a.respond(now, s, 500, "", "Retry-After: 1\r\n", "", do)
	}
	sub := &subscription{id: c.id, call: c, notifier: true, event: "refer", seconds: referLifetime}
	if c.referrals++; c.referrals > 1 {
		sub.eventID = strconv.Itoa(int(m.CSeq())) // RFC 3515 section 2.4.6
	}
	fields := a.contact()
	if f, ok := m.FindName("Refer-Sub"); ok && strings.EqualFold(string(m.Bytes(f.Value)), "false") {
		sub, fields = nil, fields+"Refer-Sub: false\r\n"
	}
	if sub != nil {
		a.subs = append(a.subs, sub)
		a.live(now, sub, referLifetime)
		if a.o.NotifyFirst {
			do = a.referNews(now, sub, 100, do)
		}
	}
	do = a.respond(now, s, 202, "", fields, "", do)
	if sub != nil && !a.o.NotifyFirst {
		do = a.referNews(now, sub, 100, do)
	}
	i := Invite{Fields: target.fields}
	by := dialog{target: target.uri}
	next, do := a.place(now, target.uri, by.next(a.o.Peer), i, do)
	next.referral = sub
	return tell(Event{Is: Referred, At: now, Call: c.id, Other: next.id, Status: 202, Text: target.uri, Message: m}, do)
}

// A referTarget is what a REFER says of the INVITE that it asks for.
type referTarget struct {
	uri    string   // without headers
	fields []string // of the INVITE: Replaces, Referred-By
}

// referTo reads Refer-To and Referred-By. RFC 3515 section 2.4.1 wants exactly
// one Refer-To.
func referTo(m *sip.Message) (t referTarget, err error) {
	f, ok := m.First(sip.FieldReferTo)
	if !ok || m.Count(sip.FieldReferTo) != 1 {
		return t, fmt.Errorf("%d Refer-To in %s", m.Count(sip.FieldReferTo), summary(m))
	}
	na, err := sip.ParseNameAddr(m.Raw, f.Value)
	if err != nil {
		return t, fmt.Errorf("unreadable Refer-To %q: %w", m.Bytes(f.Value), err)
	}
	uri, headers, _ := strings.Cut(string(m.Bytes(na.URI)), "?")
	t.uri = uri
	for h := range strings.SplitSeq(headers, "&") {
		name, value, _ := strings.Cut(h, "=")
		if !strings.EqualFold(name, "Replaces") {
			continue
		}
		if value, err = url.PathUnescape(value); err != nil {
			return t, fmt.Errorf("unreadable Replaces in Refer-To: %w", err)
		}
		t.fields = append(t.fields, "Replaces: "+value, "Require: replaces")
	}
	by, ok := m.First(sip.FieldReferredBy)
	if !ok {
		return t, fmt.Errorf("no Referred-By in %s", summary(m))
	}
	t.fields = append(t.fields, "Referred-By: "+string(m.Bytes(by.Value)))
	return t, nil
}

// fragment is a message/sipfrag, with the fields that a gateway leaves in it.
func (a *Agent) fragment(status int) string {
	body := fmt.Sprintf("SIP/2.0 %d %s\r\n", status, sip.StatusText(status))
	if c := a.o.Canary; !c.none() {
		body += c.fill(a.o.User, a.o.Addr, "Contact: <sip:{user}@{addr}>", "Server: {word}-box/1.0",
			"Call-ID: 0815@{host}", "Warning: 399 {host} \"seen from {inner}\"")
	}
	return body
}

// referNews tells the transferor how the call goes that it asked for.
func (a *Agent) referNews(now time.Duration, sub *subscription, status int, do []Effect) []Effect {
	if sub == nil {
		return do
	}
	sub.outcome = status
	n := notice{contentType: sipfrag, body: a.fragment(status)}
	if status >= 200 {
		n.state, n.last = "terminated;reason=noresource", true
	}
	return a.notify(now, sub, n, do)
}

// tellReferrer tells the transferor, if there is one, of a response to the INVITE
// that it asked for.
func (a *Agent) tellReferrer(now time.Duration, c *call, status int, do []Effect) []Effect {
	sub := c.referral
	if sub == nil {
		return do
	}
	if status >= 200 {
		c.referral = nil
	}
	return a.referNews(now, sub, status, do)
}
