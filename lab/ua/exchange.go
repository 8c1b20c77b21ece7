package ua

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// exchange sends a request outside of a dialog, and returns the id under which
// its answer is told.
func (a *Agent) exchange(now time.Duration, method, to, fields, contentType, body string, do []Effect) (Call, []Effect) {
	a.last++
	d := a.outside(to)
	return a.last, a.askPeer(now, &d, &client{method: method, exchange: a.last}, fields, contentType, body, do)
}

// Message sends a MESSAGE, RFC 3428. The id under which its answer is told is
// returned with the effects.
func (a *Agent) Message(now time.Duration, to, text string, do []Effect) (Call, []Effect) {
	return a.exchange(now, "MESSAGE", to, "", "text/plain", text, do)
}

// MessageWithin sends a MESSAGE within a call that is up.
func (a *Agent) MessageWithin(now time.Duration, id Call, text string, do []Effect) []Effect {
	return a.askWithin(now, id, "MESSAGE", "text/plain", text, do)
}

// Ask sends a request of a method that nobody may know within a call that is
// up.
func (a *Agent) Ask(now time.Duration, id Call, method string, do []Effect) []Effect {
	return a.askWithin(now, id, method, "text/plain", method+" for a test\r\n", do)
}

func (a *Agent) askWithin(now time.Duration, id Call, method, contentType, body string, do []Effect) []Effect {
	c := a.byID(id)
	if c == nil || !c.up {
		return a.ignored(now, id, method+": the call is not up", do)
	}
	return a.within(now, c, method, contentType, body, do)
}

// NotifyUnasked sends the NOTIFY of message-summary that nobody subscribed to,
// as voice mail systems do.
func (a *Agent) NotifyUnasked(now time.Duration, to string, do []Effect) (Call, []Effect) {
	body := a.state(&subscription{event: "message-summary", expect: to, version: 3})
	fields := a.contact() + "Event: message-summary\r\nSubscription-State: active\r\n"
	return a.exchange(now, "NOTIFY", to, fields, mediaTypeOf("message-summary"), body, do)
}

// A publication is a piece of state that we keep alive elsewhere. RFC 3903.
type publication struct {
	id      Call
	to      string
	tag     string // SIP-ETag of the last answer; empty: none yet
	asking  bool
	ending  bool
	version int
}

// Publish publishes our presence, as the state of a user. The publication's id
// is returned with the effects.
func (a *Agent) Publish(now time.Duration, to string, do []Effect) (Call, []Effect) {
	a.last++
	p := &publication{id: a.last, to: to}
	a.publications = append(a.publications, p)
	return p.id, a.sendPublish(now, p, 3600, true, do)
}

// Republish changes what was published, or only refreshes it.
func (a *Agent) Republish(now time.Duration, id Call, change bool, do []Effect) []Effect {
	p := a.publicationByID(id)
	if p == nil || !p.mayPublish() {
		return a.ignored(now, id, "PUBLISH: not now", do)
	}
	return a.sendPublish(now, p, 3600, change, do)
}

// Unpublish takes back what was published.
func (a *Agent) Unpublish(now time.Duration, id Call, do []Effect) []Effect {
	p := a.publicationByID(id)
	if p == nil || !p.mayPublish() {
		return a.ignored(now, id, "PUBLISH: not now", do)
	}
	p.ending = true
	return a.sendPublish(now, p, 0, false, do)
}

// Publications returns what is published and not taken back, oldest first.
func (a *Agent) Publications() (ids []Call) {
	for _, p := range a.publications {
		ids = append(ids, p.id)
	}
	return ids
}

func (p *publication) mayPublish() bool { return !p.asking && !p.ending && p.tag != "" }

func (a *Agent) publicationByID(id Call) *publication {
	for _, p := range a.publications {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (a *Agent) sendPublish(now time.Duration, p *publication, seconds int, change bool, do []Effect) []Effect {
	fields := fmt.Sprintf("Event: presence\r\nExpires: %d\r\n", seconds)
	if p.tag != "" {
		fields += "SIP-If-Match: " + p.tag + crlf
	}
	contentType, body := "", ""
	if change {
		p.version++
		contentType = mediaTypeOf("presence")
		body = a.state(&subscription{event: "presence", expect: p.to, version: p.version})
	}
	p.asking = true
	d := a.outside(p.to)
	return a.askPeer(now, &d, &client{method: "PUBLISH", exchange: p.id}, fields, contentType, body, do)
}

// publishAnswered takes the final response to a PUBLISH. RFC 3903 section 4.
func (a *Agent) publishAnswered(now time.Duration, t *client, status int, m *sip.Message, do []Effect) []Effect {
	do = tell(Event{Is: Replied, At: now, Call: t.exchange, Status: status, Text: "PUBLISH", Message: m}, do)
	p := a.publicationByID(t.exchange)
	if p == nil {
		return do
	}
	p.asking = false
	if status >= 300 || p.ending {
		a.publications = slices.DeleteFunc(a.publications, func(o *publication) bool { return o == p })
		return do
	}
	f, ok := m.FindName("SIP-ETag")
	if !ok || m.Count(sip.FieldExpires) != 1 {
		do = a.violation(now, p.id, "no SIP-ETag or no Expires in "+summary(m), do)
	}
	if p.tag = string(m.Bytes(f.Value)); p.tag == "" {
		p.tag = "none"
	}
	return do
}

// published takes a PUBLISH: the state agent of RFC 3903 section 6. Every
// answer has a new entity tag.
func (a *Agent) published(now time.Duration, s *server, do []Effect) []Effect {
	m := s.request
	seconds := lifetimeMax
	if f, ok := m.First(sip.FieldExpires); ok {
		n, _ := sip.ParseNumber(m.Raw, f.Value)
		seconds = min(seconds, int(n))
	}
	old, renews := m.FindName("SIP-If-Match")
	tag := string(m.Bytes(old.Value))
	switch {
	case renews && !slices.Contains(a.entities, tag):
		return a.respond(now, s, 412, a.word(10), "", "", do)
	case !renews && m.Body().Empty():
		do = a.violation(now, 0, "PUBLISH without a body and without SIP-If-Match", do)
		return a.respond(now, s, 400, a.word(10), "", "", do)
	}
	if !m.Body().Empty() {
		if state, err := readState("presence", string(m.Bytes(m.Body()))); err != nil {
			do = a.violation(now, 0, "body of PUBLISH: "+err.Error(), do)
		} else if to := m.ToURI(); state.user != string(m.Bytes(to.User)) {
			do = a.violation(now, 0, fmt.Sprintf("PUBLISH for %s speaks of %q", m.Bytes(to.User), state.user), do)
		}
	}
	a.entities = slices.DeleteFunc(a.entities, func(e string) bool { return e == tag })
	next := a.word(8)
	if seconds > 0 {
		a.entities = append(a.entities, next)
	}
	fields := "SIP-ETag: " + next + crlf + "Expires: " + strconv.Itoa(seconds) + crlf
	do = a.respond(now, s, 200, a.word(10), fields, "", do)
	return tell(Event{Is: Asked, At: now, Text: "PUBLISH", Message: m}, do)
}

// asked takes a request that changes nothing here: MESSAGE, OPTIONS, an
// unsolicited NOTIFY, or one of a method that is not known.
func (a *Agent) asked(now time.Duration, id Call, s *server, do []Effect) []Effect {
	m := s.request
	tag := ""
	if m.To().Tag.Empty() {
		tag = a.word(10)
	}
	name := string(m.MethodName())
	status, fields := 200, ""
	switch {
	case m.Method() == sip.OPTIONS && tag != "" && a.o.OptionsStatus < 0:
		a.set(now+64*t1, alarm{is: lingerServer, server: s})
		return do
	case m.Method() == sip.OPTIONS && tag != "" && a.o.OptionsStatus >= 300:
		return a.respond(now, s, a.o.OptionsStatus, tag, "", "", do)
	case m.Method() == sip.OPTIONS:
		fields = "Allow: " + allow + crlf + "Accept: application/sdp" + crlf
	case m.Method() == sip.NOTIFY:
		if event, _, _ := eventOf(m); event != "message-summary" {
			return a.respond(now, s, 481, tag, "", "", do)
		}
		_, err := readState("message-summary", string(m.Bytes(m.Body())))
		if err != nil {
			do = a.violation(now, id, "body of message-summary: "+err.Error(), do)
		}
	case m.Method() == sip.MESSAGE:
		name = string(m.Bytes(m.Body()))
	case !slices.Contains(a.o.Methods, name):
		status, fields = 405, "Allow: "+strings.Join(append([]string{allow}, a.o.Methods...), ", ")+crlf
	}
	do = a.respond(now, s, status, tag, fields, "", do)
	if m.Method() == sip.OPTIONS {
		return do
	}
	return tell(Event{Is: Asked, At: now, Call: id, Status: status, Text: name, Message: m}, do)
}
