package ua

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"sbc/signaling/sip"
)

// A server is a server transaction: INVITE or another request.
type server struct {
	key     string
	call    *call // nil: outside of a dialog
	request *sip.Message
	from    netip.AddrPort
	status  int    // of the last response; 0: none yet
	last    []byte // the last response
	later   later
	again   bool // a re-INVITE
	offered bool // the INVITE had an offer
	acked   bool
	every   time.Duration // the last interval of resendResponse
	resend  *alarm
	expire  *alarm
	trying  *alarm
}

func (s *server) invite() bool { return s.request.Method() == sip.INVITE }

// serverKey is what RFC 3261 section 17.2.3 matches by. An ACK belongs to its
// INVITE; a CANCEL is a transaction of its own.
func serverKey(m *sip.Message, method string) string {
	v := m.Via()
	return string(m.Bytes(v.Branch)) + " " + string(m.Bytes(v.Host)) + ":" + strconv.Itoa(v.Port) + " " + method
}

// request takes a request: a retransmission, an ACK, a CANCEL, or a new one.
func (a *Agent) request(now time.Duration, from netip.AddrPort, m *sip.Message, do []Effect) []Effect {
	method := string(m.MethodName())
	if m.Method() == sip.ACK {
		return a.ack(now, m, do)
	}
	key := serverKey(m, method)
	if s := a.servers[key]; s != nil {
		if s.last != nil && !(s.invite() && s.status/100 == 2) {
			do = a.send(s.from, s.last, do)
		}
		return do
	}
	s := &server{key: key, request: m, from: from}
	a.servers[key] = s
	if m.Method() == sip.CANCEL {
		return a.cancelled(now, s, do)
	}
	ours, do := a.forUs(now, m, do)
	if !ours && m.To().Tag.Empty() { // RFC 3261 section 8.2.2.1
		return a.respond(now, s, 404, a.word(10), "", "", do)
	}
	if m.Method() == sip.REGISTER && a.o.Registrar != nil {
		return a.registerRequest(now, s, do)
	}
	if a.challenged(m) {
		ok, more := a.authorize(now, s, do)
		if do = more; !ok {
			return do
		}
	}
	if !m.To().Tag.Empty() {
		return a.inDialog(now, s, do)
	}
	switch m.Method() {
	case sip.INVITE:
		return a.incoming(now, s, do)
	case sip.SUBSCRIBE:
		return a.subscribed(now, s, do)
	case sip.PUBLISH:
		return a.published(now, s, do)
	case sip.OPTIONS, sip.MESSAGE, sip.NOTIFY, sip.UnknownMethod, sip.REGISTER:
		return a.asked(now, 0, s, do)
	}
	return a.respond(now, s, 481, a.word(10), "", "", do)
}

// forUs reports whether a request names a Contact of ours: who registers gets
// requests at the URIs that it has registered, as they were written, and at no
// other. RFC 3261 section 16.5.
func (a *Agent) forUs(now time.Duration, m *sip.Message, do []Effect) (bool, []Effect) {
	if a.reg == nil || slices.Contains(a.named, string(m.Bytes(m.RequestURI()))) {
		return true, do
	}
	return false, a.violation(now, 0, "request to no Contact of ours: "+summary(m), do)
}

// respond sends a response, now or if the agent is slow later.
func (a *Agent) respond(now time.Duration, s *server, status int, tag, fields, body string, do []Effect) []Effect {
	b := a.responseTo(s, status, tag, fields, body)
	if a.slow(s) {
		a.answerLater(now, s, status, b)
		return do
	}
	return a.sendResponse(now, s, status, b, do)
}

// sendResponse sends a response and sets the timers that belong to it.
func (a *Agent) sendResponse(now time.Duration, s *server, status int, b []byte, do []Effect) []Effect {
	stop(s.trying)
	s.status, s.last = status, b
	do = a.send(s.from, s.last, do)
	switch {
	case status < 200:
	case s.invite():
		s.every = t1
		if !a.o.Stream || status < 300 { // of a 2xx the core sends again, over any transport
			s.resend = a.set(now+t1, alarm{is: resendResponse, server: s})
		}
		s.expire = a.set(now+64*t1, alarm{is: expireResponse, server: s})
	case s.key != "":
		a.set(now+64*t1, alarm{is: lingerServer, server: s})
	}
	return do
}

// trying sends 100 when nothing was sent so far.
func (a *Agent) trying(s *server, do []Effect) []Effect {
	if s.status != 0 {
		return do
	}
	s.status, s.last = 100, a.responseTo(s, 100, "", "", "")
	return a.send(s.from, s.last, do)
}

// resendFinal is timer G, and for a 2xx RFC 3261 section 13.3.1.4.
func (a *Agent) resendFinal(now time.Duration, s *server, do []Effect) []Effect {
	s.every = min(2*s.every, t2)
	s.resend = a.set(now+s.every, alarm{is: resendResponse, server: s})
	return a.send(s.from, s.last, do)
}

// unacknowledged is timer H, and for a 2xx the end of the wait for its ACK.
func (a *Agent) unacknowledged(now time.Duration, s *server, do []Effect) []Effect {
	stop(s.resend)
	delete(a.servers, s.key)
	c := s.call
	if c == nil || c.over {
		return do
	}
	do = tell(Event{Is: Unacked, At: now, Call: c.id, Status: s.status}, do)
	if c.server == s {
		c.server = nil
	}
	if s.status/100 == 2 {
		return a.hangUp(now, c, NoAck, do)
	}
	return do
}

// ack takes an ACK: for a final response of 300 and over it belongs to the
// transaction, for a 2xx to the dialog.
func (a *Agent) ack(now time.Duration, m *sip.Message, do []Effect) []Effect {
	if s := a.servers[serverKey(m, "INVITE")]; s != nil && s.status >= 300 {
		a.acknowledged(now, s)
		return do
	}
	c := a.dialogs[dialogKey(m)]
	if c == nil || c.server == nil || c.server.status/100 != 2 || c.server.request.CSeq() != m.CSeq() {
		return do // of a 2xx that was acknowledged before, or of a call that is over
	}
	s := c.server
	c.server = nil
	a.acknowledged(now, s)
	return a.confirmed(now, c, s, m, do)
}

func (a *Agent) acknowledged(now time.Duration, s *server) {
	if s.acked {
		return
	}
	s.acked = true
	stop(s.resend)
	stop(s.expire)
	a.set(now+t4, alarm{is: lingerServer, server: s})
}

// cancelled takes a CANCEL. RFC 3261 section 9.2.
func (a *Agent) cancelled(now time.Duration, s *server, do []Effect) []Effect {
	i := a.servers[serverKey(s.request, "INVITE")]
	if i == nil {
		return a.respond(now, s, 481, a.word(10), "", "", do)
	}
	tag := a.word(10)
	if i.call != nil {
		tag = i.call.localTag
	}
	do = a.respond(now, s, 200, tag, "", "", do)
	if i.status >= 200 || i.call == nil {
		return do
	}
	do = a.respond(now, i, 487, tag, "", "", do)
	if i.again {
		i.call.server = nil
		return do
	}
	return a.finish(now, i.call, Event{Cause: Cancelled, Status: 487, Message: s.request}, do)
}
