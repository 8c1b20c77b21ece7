package ua

import (
	"fmt"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// Redirect refuses a call that came in with a 3xx: each of the users may be
// tried at our side, the first one first.
func (a *Agent) Redirect(now time.Duration, id Call, status int, users []string, do []Effect) []Effect {
	c := a.waiting(id)
	if c == nil {
		return a.ignored(now, id, "redirect: no call waits", do)
	}
	var contacts []string
	for i, user := range users {
		contacts = append(contacts, fmt.Sprintf("<sip:%s@%s>;q=0.%d", user, a.namedHost(), 9-i%9))
	}
	do = a.respond(now, c.server, status, c.localTag, "Contact: "+strings.Join(contacts, ", ")+crlf, "", do)
	c.server = nil
	return a.finish(now, c, Event{Cause: Rejected, Status: status}, do)
}

// redirected lists the URIs of a 3xx, in its order.
func redirected(m *sip.Message) (uris []string, err error) {
	for _, f := range m.Fields() {
		if f.ID != sip.FieldContact {
			continue
		}
		for contact, err := range m.NameAddrs(f) {
			if err != nil {
				return nil, fmt.Errorf("unreadable Contact in %s: %w", summary(m), err)
			}
			uris = append(uris, string(m.Bytes(contact.URI)))
		}
	}
	return uris, nil
}
