package ua

import (
	"net/netip"
	"time"

	"sbc/signaling/sip"
)

// clientState is a state of RFC 3261 sections 17.1.1 and 17.1.2.
type clientState uint8

const (
	calling    clientState = iota // Calling, or Trying
	proceeding                    // a provisional response came
	completed                     // a final response came; Accepted of RFC 6026 too
)

// A client is a client transaction: INVITE or another request.
//
//	request ──▶ calling ──1xx──▶ proceeding
//	               │                 │
//	               └──2xx to 6xx─────┴──▶ completed ──D, K, M──▶ gone
type client struct {
	key         string // branch and method
	branch      string
	method      string
	seq         uint32
	call        *call         // nil: outside of a dialog
	tag         string        // of the far end: the early dialog of a PRACK or UPDATE
	reliable    bool          // the INVITE supports 100rel
	exchange    Call          // under which the answer is told, outside of calls
	dialog      *dialog       // in which the request was numbered
	credentials string        // the line that answers a challenge; empty: none came
	sub         *subscription // that sent it, of NOTIFY, SUBSCRIBE and REFER
	reg         *registration // of REGISTER
	binding     *binding      // whose contact an OPTIONS asks
	again       bool          // a re-INVITE
	offered     bool          // the INVITE had an offer
	request     []byte
	to          netip.AddrPort
	began       time.Duration
	state       clientState
	every       time.Duration // the last interval of timer A or E
	resend      *alarm
	expire      *alarm
	acks        map[string]Effect // what sent the ACK for a final response, by To tag
	cancel      bool              // a CANCEL is wanted
	canceled    bool              // and was sent
}

func (c *client) invite() bool { return c.method == "INVITE" }

// begin sends the request of a new client transaction.
func (a *Agent) begin(now time.Duration, c *client, do []Effect) []Effect {
	c.key = c.branch + " " + c.method
	c.acks = map[string]Effect{}
	a.clients[c.key] = c
	c.began, c.every = now, t1
	if !a.o.Stream { // RFC 3261 section 17.1: timers A and E are for unreliable transports
		c.resend = a.set(now+t1, alarm{is: resendRequest, client: c})
	}
	c.expire = a.set(now+64*t1, alarm{is: expireRequest, client: c})
	return a.send(c.to, c.request, do)
}

// resend is timers A and E.
func (a *Agent) resend(now time.Duration, c *client, do []Effect) []Effect {
	switch {
	case c.invite():
		c.every *= 2
	case c.state == proceeding:
		c.every = t2
	default:
		c.every = min(2*c.every, t2)
	}
	c.resend = a.set(now+c.every, alarm{is: resendRequest, client: c})
	return a.send(c.to, c.request, do)
}

// expired is timers B and F, and the end of our patience after a CANCEL.
func (a *Agent) expired(now time.Duration, c *client, do []Effect) []Effect {
	stop(c.resend)
	delete(a.clients, c.key)
	return a.final(now, c, 408, nil, do)
}

// forget ends a transaction without a word.
func (a *Agent) forget(c *client) {
	stop(c.resend)
	stop(c.expire)
	delete(a.clients, c.key)
}

// response matches a response to its transaction. RFC 3261 section 17.1.3.
func (a *Agent) response(now time.Duration, m *sip.Message, do []Effect) []Effect {
	branch := string(m.Bytes(m.Via().Branch))
	c := a.clients[branch+" "+string(m.MethodName())]
	if c == nil && now < a.reborn {
		return do
	}
	if c == nil {
		// A 2xx after timer M, or a response to a transaction that gave up,
		// is no fault of the far end; a response to what was never sent is.
		return a.violation(now, 0, "response to no transaction: "+summary(m), do)
	}
	if c.seq != m.CSeq() {
		return a.violation(now, c.id(), "response with another CSeq: "+summary(m), do)
	}
	if m.Status() < 200 {
		return a.provisional(now, c, m, do)
	}
	tag := string(m.Bytes(m.To().Tag))
	if c.state == completed && !(c.invite() && m.Status() < 300) {
		if ack, ok := c.acks[tag]; ok {
			do = append(do, ack)
		}
		return do
	}
	if c.state != completed {
		stop(c.resend)
		stop(c.expire)
		c.state = completed
		linger := t4
		if c.invite() {
			linger = 64 * t1
		}
		a.set(now+linger, alarm{is: lingerClient, client: c})
	}
	if c.invite() && m.Status() >= 300 {
		c.acks[tag] = Effect{Do: Send, From: a.o.Addr, To: c.to, Bytes: ackOf(c.request, m)}
		do = append(do, c.acks[tag])
	}
	return a.final(now, c, m.Status(), m, do)
}

func (a *Agent) provisional(now time.Duration, c *client, m *sip.Message, do []Effect) []Effect {
	if !c.invite() {
		do = a.premature(now, c, m, do)
	}
	if c.state == completed {
		return do
	}
	c.state = proceeding
	if c.invite() {
		stop(c.resend)
		if !c.canceled {
			stop(c.expire)
		}
		do = a.sendCancel(now, c, do)
		do = a.progress(now, c, m, do)
	}
	return do
}

// sendCancel sends the CANCEL that is wanted, once a provisional response
// allows it. RFC 3261 section 9.1.
func (a *Agent) sendCancel(now time.Duration, c *client, do []Effect) []Effect {
	if !c.cancel || c.canceled || c.state != proceeding {
		return do
	}
	c.canceled = true
	c.expire = a.set(now+64*t1, alarm{is: expireRequest, client: c})
	return a.begin(now, &client{
		branch: c.branch, method: "CANCEL", seq: c.seq, request: cancelOf(c.request), to: c.to,
	}, do)
}

// final hands the final response of a transaction to what it belongs to. m is
// nil when none came.
func (a *Agent) final(now time.Duration, c *client, status int, m *sip.Message, do []Effect) []Effect {
	switch {
	case c.reg != nil:
		return a.registerAnswered(now, c, status, m, do)
	case c.binding != nil:
		return a.qualified(now, c.binding, status, do)
	}
	if status == 401 || status == 407 {
		ok, more := a.again(now, c, m, do)
		if do = more; ok {
			return do
		}
	}
	switch {
	case c.method == "CANCEL":
		return do
	case c.method == "PUBLISH":
		return a.publishAnswered(now, c, status, m, do)
	case c.invite() && c.again:
		return a.reinvited(now, c, status, m, do)
	case c.invite():
		return a.invited(now, c, status, m, do)
	case c.method == "BYE":
		return do
	case c.method == "NOTIFY" && c.sub != nil:
		return a.noticed(now, c.sub, status, do)
	case c.method == "SUBSCRIBE":
		return a.subscribeAnswered(now, c.sub, status, m, do)
	case c.method == "PRACK":
		return a.prackAnswered(now, c, status, m, do)
	case c.method == "UPDATE":
		return a.updateAnswered(now, c, status, m, do)
	case c.method == "REFER":
		return a.referAnswered(now, c, status, m, do)
	}
	do = tell(Event{Is: Replied, At: now, Call: c.id(), Status: status, Text: c.method, Message: m}, do)
	if c.call != nil && (status == 481 || status == 408) && !c.call.over {
		// RFC 3261 section 12.2.1.2: the dialog is gone.
		return a.hangUp(now, c.call, NoAnswer, do)
	}
	return do
}

// id returns the call, subscription or exchange of a transaction, 0 when it
// has none.
func (c *client) id() Call {
	switch {
	case c.call != nil:
		return c.call.id
	case c.sub != nil:
		return c.sub.id
	}
	return c.exchange
}
