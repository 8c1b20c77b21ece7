package ua

import (
	"errors"
	"fmt"
	"time"

	"sbc/signaling/sip"
)

// Reliability says how an agent treats provisional responses, RFC 3262.
type Reliability uint8

// The ways.
const (
	RelNone      Reliability = iota // 100rel is not supported
	RelSupported                    // the caller supports it; the called uses it wherever it may
	RelRequired                     // the caller requires it
)

// reliable is what an early dialog keeps of provisional responses that are
// acknowledged, and of what they let follow.
type reliable struct {
	agreed bool         // the offer of the INVITE, or the one that answered it, was answered for good before the 2xx
	rseq   uint32       // of the last one, sent or received; 0: none
	wait   *provisional // sent, and not acknowledged
	acks   int          // our PRACKs without a final response
	asks   bool         // one of them has an offer
	update *client      // our UPDATE without a final response
}

// A provisional is a reliable response of ours that waits for its PRACK.
//
//	18x ──▶ waiting ──PRACK──▶ gone
//	         │   └──T1, doubled──▶ sent again
//	         └──64*T1──▶ the INVITE is refused
type provisional struct {
	call   *call
	server *server
	bytes  []byte
	offer  bool // it has the offer: the PRACK has to have the answer
	sdp    bool
	every  time.Duration
	resend *alarm
	expire *alarm
}

// requires reports whether a field of options has one.
func requires(m *sip.Message, id sip.FieldID, option string) bool {
	for _, f := range m.Fields() {
		if f.ID == id && sip.HasToken(m.Raw, f.Value, option) {
			return true
		}
	}
	return false
}

// extensions are the lines that say what an INVITE of ours knows of.
func (a *Agent) extensions(r Reliability) string {
	switch max(r, a.o.Reliable) {
	case RelRequired:
		return "Require: 100rel\r\nSupported: replaces, norefersub\r\n"
	case RelSupported:
		return "Supported: 100rel, replaces, norefersub\r\n"
	}
	return ""
}

// reliably reports whether a provisional response to an INVITE is to be
// acknowledged.
func (a *Agent) reliably(s *server) bool {
	return requires(s.request, sip.FieldRequire, "100rel") ||
		a.o.Reliable != RelNone && requires(s.request, sip.FieldSupported, "100rel")
}

// provisionally sends a provisional response, reliably where both ends want
// it. The first reliable one to an INVITE without offer has ours. RFC 3262
// section 5.
func (a *Agent) provisionally(now time.Duration, c *call, status int, body string, do []Effect) []Effect {
	s := c.server
	if !a.reliably(s) {
		return a.respond(now, s, status, c.localTag, a.contact(), body, do)
	}
	p := &provisional{call: c, server: s, every: t1}
	if !s.offered && !c.agreed {
		p.offer, body = true, a.offer(c)
	}
	if body != "" && c.agreed {
		body = ""
	}
	if p.sdp = body != ""; p.sdp && s.offered {
		c.agreed = true
	}
	if c.rseq++; c.rseq == 1 {
		c.rseq = uint32(a.o.Rand.IntN(10000) + 1)
	}
	fields := a.contact() + "Allow: " + allow + crlf + fmt.Sprintf("Require: 100rel\r\nRSeq: %d\r\n", c.rseq)
	do = a.respond(now, s, status, c.localTag, fields, body, do)
	p.bytes = s.last
	p.resend = a.set(now+t1, alarm{is: resendProvisional, provisional: p})
	p.expire = a.set(now+64*t1, alarm{is: expireProvisional, provisional: p})
	c.wait = p
	return do
}

// done stops a provisional response from being sent again.
func (p *provisional) done() {
	if p != nil {
		stop(p.resend)
		stop(p.expire)
	}
}

func (a *Agent) resendProvisional(now time.Duration, p *provisional, do []Effect) []Effect {
	if p.server.status >= 200 {
		return do
	}
	p.every *= 2
	p.resend = a.set(now+p.every, alarm{is: resendProvisional, provisional: p})
	return a.send(p.server.from, p.bytes, do)
}

// unpracked refuses the INVITE. RFC 3262 section 3.
func (a *Agent) unpracked(now time.Duration, p *provisional, do []Effect) []Effect {
	p.done()
	c := p.call
	if c.over || p.server.status >= 200 {
		return do
	}
	do = a.respond(now, p.server, 504, c.localTag, "", "", do)
	c.server = nil
	return a.finish(now, c, Event{Cause: NoAck, Status: 504}, do)
}

// pracked takes a PRACK.
func (a *Agent) pracked(now time.Duration, c *call, s *server, do []Effect) []Effect {
	m := s.request
	f, ok := m.First(sip.FieldRAck)
	r, err := sip.ParseRAck(m.Raw, f.Value)
	p := c.wait
	switch {
	case !ok || err != nil:
		do = a.violation(now, c.id, "no readable RAck in "+summary(m), do)
		return a.respond(now, s, 400, "", "", "", do)
	case p == nil || r.RSeq != c.rseq || r.CSeq != p.server.request.CSeq() || string(m.Bytes(r.Method)) != "INVITE":
		do = a.violation(now, c.id, fmt.Sprintf("PRACK of %q, which does not wait for it", m.Bytes(f.Value)), do)
		return a.respond(now, s, 481, "", "", "", do)
	}
	p.done()
	c.wait = nil
	body := ""
	switch hasBody := !m.Body().Empty(); {
	case p.offer:
		if err := c.takeAnswer(m); err != nil && !errors.Is(err, errNoAudio) { // which may be: RFC 3264 section 6
			do = a.violation(now, c.id, err.Error(), do)
			return a.respond(now, s, 400, "", "", "", do)
		}
		c.agreed = true
		do = a.startMedia(now, c, do)
	case hasBody && !c.agreed:
		do = a.violation(now, c.id, "offer in a PRACK before the answer: "+summary(m), do)
	case hasBody:
		if err := c.takeOffer(m); err != nil {
			do = a.blame(now, c.id, err, do)
			return a.respond(now, s, 488, "", "", "", do)
		}
		body = a.answer(c)
		do = a.startMedia(now, c, do)
	}
	do = a.respond(now, s, 200, "", "", body, do)
	do = tell(Event{Is: Acknowledged, At: now, Call: c.id, Status: 200, Message: m}, do)
	if c.answering && a.waiting(c.id) == c {
		return a.Answer(now, c.id, do)
	}
	return do
}
