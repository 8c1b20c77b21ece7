package sim

import (
	"time"

	"sbc/signaling/sip"
)

// relays holds that what comes goes on at once: a request is answered or sent
// on, and the first final response to what was sent on goes back.
type relays struct {
	watch
	sent map[txKey]time.Duration // requests of the SBC, until they have their final response, or who asked has one
	of   map[txKey]txKey         // by the request that was sent on
}

const goesOn = "16 what comes goes on"

// carried are the methods of requests that the SBC answers for nobody.
func carried(m *message) bool {
	switch m.sip.Method() {
	case sip.PRACK, sip.UPDATE, sip.INFO, sip.NOTIFY, sip.SUBSCRIBE, sip.REFER, sip.MESSAGE, sip.PUBLISH:
		return true
	}
	return false
}

func (c *relays) after(s *step) {
	for _, m := range s.out {
		if m.err == nil && m.sip.IsRequest() && carried(m) && !m.again {
			c.sent[m.tx] = s.at
			if s.in != nil {
				c.of[s.in.tx] = m.tx
			}
		} else if m.err == nil && m.final() {
			delete(c.sent, c.of[m.tx])
			delete(c.of, m.tx)
		}
	}
	m := s.in
	if m == nil || m.err != nil || m.from < 0 || m.forged() || !carried(m) {
		return
	}
	if m.sip.IsRequest() {
		if !m.again && !went(s, m, func(o *message) bool { return o.sip.IsRequest() || o.tx == m.tx && o.final() }) {
			c.w.fail(goesOn, "nothing came of %v", m)
		}
		return
	}
	at, waits := c.sent[m.tx]
	if !waits || !m.final() {
		return
	}
	delete(c.sent, m.tx)
	if s.at < at+64*t1 && !c.w.unheard[m.tx] && !went(s, m, func(o *message) bool { return true }) {
		c.w.fail(goesOn, "nobody was told of %v", m)
	}
}

// went reports whether a message of the method of m left that is one.
func went(s *step, m *message, is func(*message) bool) bool {
	for _, o := range s.out {
		if o.err == nil && string(o.sip.MethodName()) == string(m.sip.MethodName()) && is(o) {
			return true
		}
	}
	return false
}
