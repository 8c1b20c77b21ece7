package ua

import (
	"time"

	"sbc/signaling/sip"
)

// lateAfter is when timer E of a client has come to T2: only then, and over
// any transport, is 100 an answer to a request other than INVITE. RFC 4320
// section 4.1.
const lateAfter = t1 + 2*t1 + 4*t1

// A later is the final response of an agent that is slow.
type later struct {
	status int
	bytes  []byte
}

// slow reports whether s is answered late. BYE and PRACK are not, for the call
// goes on with their answers, nor is UPDATE, behind whose answer offers wait.
func (a *Agent) slow(s *server) bool {
	switch s.request.Method() {
	case sip.INVITE, sip.CANCEL, sip.BYE, sip.PRACK, sip.UPDATE:
		return false
	}
	return a.o.Slow > 0
}

// answerLater keeps a response until its time has come, and says 100 if that is
// late.
func (a *Agent) answerLater(now time.Duration, s *server, status int, b []byte) {
	s.later = later{status, b}
	a.set(now+a.o.Slow, alarm{is: answerLate, server: s})
	s.trying = a.set(now+lateAfter, alarm{is: sendTrying, server: s})
}

// premature judges a provisional response to a request other than INVITE. RFC
// 4320 section 4.1.
func (a *Agent) premature(now time.Duration, c *client, m *sip.Message, do []Effect) []Effect {
	switch {
	case m.Status() != 100:
		return a.violation(now, c.id(), "provisional response to another request than INVITE: "+summary(m), do)
	case !a.o.Stream && now-c.began < lateAfter:
		return a.violation(now, c.id(), (now-c.began).String()+" after the request: "+summary(m), do)
	}
	return do
}
