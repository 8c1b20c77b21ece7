package sim

import (
	"net/netip"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// flows holds that a request for a binding goes by the flow that the binding
// came by, and nowhere else; and that a registered phone is reached: what the
// PBX asks of it goes on at once while the phone thinks that it is registered,
// unless it has not answered the OPTIONS that went to it.
type flows struct{ watch }

const (
	itsFlow  = "17 a binding's requests go by its flow"
	isCalled = "18 a registered phone is reached"
)

func (c *flows) in(m *message) { c.w.bindings.in(m) }

func (c *flows) after(s *step) {
	c.before(s)
	c.w.bindings.after(s)
}

// before judges a step by what was known before it.
func (c *flows) before(s *step) {
	m := s.in
	if m == nil || m.err != nil || !m.sip.IsRequest() || !m.sip.To().Tag.Empty() || m.from != registrarAt || m.again || m.forged() {
		return
	}
	uri, err := sip.ParseURI(m.raw, m.sip.RequestURI())
	if err != nil {
		return
	}
	b := c.w.bindings.byToken[string(m.sip.Bytes(uri.User))]
	if b == nil || !b.flow.Remote.IsValid() || m.sip.Method() == sip.CANCEL || m.sip.Method() == sip.ACK {
		return
	}
	gone := false
	for _, o := range s.out {
		if o.err != nil || o.realm != outside || !o.sip.IsRequest() || o.sip.Method() != m.sip.Method() {
			continue
		}
		gone = true
		if o.flow.Listener != b.flow.Listener || o.flow.Remote != b.flow.Remote || o.flow.Conn != b.flow.Conn {
			c.w.fail(itsFlow, "%s is at %v, but %v went to %v", b.user, b.flow, o, o.flow)
		}
	}
	if m.sip.Method() == sip.INVITE && !gone && c.owed(s, b) {
		c.w.fail(isCalled, "%s is registered for %v by %v, and %v came to nothing", b.user, b.here-s.at, b.flow, m)
	}
}

// owed reports whether a request for a binding has to go on.
func (c *flows) owed(s *step, b *bound) bool {
	if s.at >= b.here || b.pings >= pingsMax || b.index < 0 {
		return false
	}
	if b.flow.Conn != 0 && !c.w.open(b.flow.Conn) {
		return false // the SBC may know
	}
	for _, o := range s.out {
		if o.err == nil && !o.sip.IsRequest() && o.tx == s.in.tx && o.sip.Status() != 100 && o.sip.Status() != 480 && o.sip.Status() != 404 {
			return false // refused for what it is: no room for its media, say
		}
	}
	return true
}

// made holds that no REGISTER reaches the PBX that nobody sent, and that each is
// what was sent, for the same user. Its credentials are those that were sent, by
// the flow of a binding or by one that their challenge went by; by another, it
// has none.
type made struct{ watch }

const noneMade = "19 no REGISTER is made up"

func (c *made) after(s *step) {
	sent := 0
	for _, m := range s.out {
		if !m.request(sip.REGISTER) || m.again {
			continue
		}
		sent++
		switch in := s.in; {
		case sent > 1:
			c.w.fail(noneMade, "%v went out for %v, which had gone on", m, in)
		case in == nil || !in.request(sip.REGISTER):
			c.w.fail(noneMade, "%v went out for %v", m, in)
		case m.from != registrarAt:
			c.w.fail(noneMade, "%v went to another than the PBX", m)
		case userOf(in) != userOf(m) || credentials(m) != "" && credentials(in) != credentials(m):
			c.w.fail(noneMade, "what came was\n%s\nand what went on\n%s", in.raw, m.raw)
		case credentials(m) != "" && !c.w.bindings.isAt(in) && c.w.bindings.challenges[challengeOf(in)] == 0:
			c.w.fail(noneMade, "credentials for another's challenge went on:\n%s", in.raw)
		case credentials(m) != credentials(in) && c.w.bindings.challenges[challengeOf(in)] > max(m.at-fresh, c.w.booted):
			c.w.fail(noneMade, "an answer to a challenge that had gone by this flow was left out:\n%s", in.raw)
		}
	}
}

// fresh is how long a challenge may be answered.
const fresh = 5 * time.Minute

func credentials(m *message) (list string) {
	for line := range strings.Lines(string(m.raw)) {
		if strings.HasPrefix(line, "Authorization:") {
			list += line
		}
	}
	return list
}

// A challenge is a nonce, and where it went: on a stream, to the address.
type challenge struct {
	listener uint16
	remote   netip.AddrPort
	nonce    string
}

// challengeOf returns the challenge in m, or that which the credentials in m are
// for.
func challengeOf(m *message) challenge {
	_, after, _ := strings.Cut(string(m.raw), `nonce="`)
	nonce, _, _ := strings.Cut(after, `"`)
	c := challenge{m.flow.Listener, m.flow.Remote, nonce}
	if m.flow.Conn != 0 {
		c.remote = netip.AddrPortFrom(c.remote.Addr(), 0)
	}
	return c
}

// throttled holds that the PBX does not hear of what need not be said: of a
// phone in a world where nothing changes it gets a REGISTER at half of what it
// granted, besides those without credentials that ask for a challenge.
type throttled struct{ watch }

const seldomAsked = "20 the PBX is asked no more than it needs"

func (c *throttled) end() {
	if c.w.o.Phones == 0 || !c.w.o.calm() || c.w.o.Duplicate > 0 {
		return
	}
	b := c.w.bindings
	for _, a := range c.w.phones {
		user := a.at.name
		// Each change, the end, and one at half of each time that was granted.
		most := b.sessions[user] + 2 + int(c.w.now/(grantedMax/2))
		if b.sent[user] > most {
			c.w.fail(seldomAsked, "%d REGISTERs of %s, %d are enough", b.sent[user], user, most)
		}
	}
}
