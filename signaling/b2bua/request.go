package b2bua

import (
	"sbc/signaling/ident"
	"sbc/signaling/sip"
)

const tagKind = ident.Tag

// A relay is a request within a dialog, other than INVITE and ACK, that
// crosses or that we sent.
type relay struct {
	from   Side // whose request it is
	own    bool // nobody waits for the response
	method sip.Method
	name   string // the method as it was written
	server Server
	client Client
	vias   []byte
	seqIn  uint32
	parties
}

// relaysMax bounds the requests that a dialog may have under way beside
// INVITE. Ours: a user agent sends one, two when they cross.
const relaysMax = 16

// request handles a request that carries a To tag.
func (c *Calls) request(ev *Event, do []Effect) []Effect {
	m := ev.Msg
	call, s := c.find(m.Bytes(m.CallID()), m.Bytes(m.To().Tag), m.Bytes(m.From().Tag))
	if call == nil {
		return c.refuse(nil, A, ev, &Refusal{Status: 481, Cause: "no_dialog"}, do)
	}
	do = append(do, Effect{Do: Saw, Call: call, Side: s, Msg: m})
	l := &call.legs[s]
	if ev.Peer != l.peer && ev.Flow != l.flow {
		return c.refuse(call, s, ev, &Refusal{Status: 481, Cause: "dialog_source"}, do)
	}
	if l.seqKnown && m.CSeq() <= l.remoteSeq {
		// RFC 3261 section 12.2.2. An equal number is no retransmission
		// either: the transaction layer would have caught it.
		return c.refuse(call, s, ev, &Refusal{Status: 500, Reason: "CSeq Out Of Order", Cause: "cseq_order"}, do)
	}
	l.remoteSeq, l.seqKnown = m.CSeq(), true
	if r := c.checkInDialog(m); r != nil {
		return c.refuse(call, s, ev, r, do)
	}
	ev.Call, ev.Side = call, s
	switch m.Method() {
	case sip.BYE:
		return c.bye(call, s, ev, do)
	case sip.INVITE:
		return c.reInvite(call, ev, do)
	}
	return c.relayRequest(call, s, ev, do)
}

// bye answers a BYE and ends the other leg. The answer does not wait for the
// other side: a leg whose far end said BYE is over whatever happens there.
func (c *Calls) bye(call *Call, s Side, ev *Event, do []Effect) []Effect {
	resp := sip.Response{Status: 200, Src: ev.Flow.Remote}
	b := c.work.keep(sip.AppendResponse(c.work.take(), ev.Msg, &resp))
	do = append(do, Effect{Do: Respond, Call: call, Side: s, Server: ev.Server, Status: 200, Method: sip.BYE, Bytes: b})
	if call.legs[s].state == legEnded {
		return do
	}
	// A BYE within an early dialog ends the call as CANCEL does (RFC 3261
	// section 15).
	do = c.endInvite(call, &Refusal{Status: 487, Cause: "bye"}, do)
	call.legs[s].state = legEnded
	do = c.endLeg(call, s.other(), ev.Msg, do)
	return c.ended(call, "bye_"+s.String(), do)
}

// relayRequest sends a request of one dialog on within the other.
func (c *Calls) relayRequest(call *Call, s Side, ev *Event, do []Effect) []Effect {
	m, to := ev.Msg, s.other()
	l := &call.legs[to]
	if call.state == ending || !l.takes() {
		return c.refuse(call, s, ev, &Refusal{Status: 481, Cause: "no_dialog"}, do)
	}
	if len(call.relays) >= relaysMax {
		return c.refuse(call, s, ev, &Refusal{Status: 503, Cause: "pending", Fields: retryAfter}, do)
	}
	client, branch := c.newClient(call)
	l.localSeq++
	e := Effect{Do: Start, Call: call, Side: to, Client: client, Flow: l.next, Method: m.Method()}
	e, do = c.writeRequest(call, to, m, e, branch, l.localSeq, nil, stray(m), do)
	if e.Bytes == nil {
		c.finish(call, client)
		return c.refuse(call, s, ev, &Refusal{Status: 500, Cause: "leak"}, do)
	}
	call.relays = append(call.relays, relay{
		from: s, method: m.Method(), name: string(m.MethodName()), server: ev.Server, client: client,
		vias: sip.AppendVias(nil, m, ev.Flow.Remote), seqIn: m.CSeq(), parties: call.legs[s].parties(m),
	})
	return append(do, e)
}

// relayResponse sends the response to relays[i] back.
func (c *Calls) relayResponse(call *Call, i int, ev *Event, do []Effect) []Effect {
	r, m := call.relays[i], ev.Msg
	final := m.Status() >= 200
	if final {
		c.finish(call, r.client)
		call.relays = append(call.relays[:i], call.relays[i+1:]...)
	}
	if r.own || m.Status() == 100 {
		return c.maybeGone(call, do)
	}
	l := &call.legs[r.from]
	tl := c.work.toLeg()
	tl.Vias, tl.CSeq, tl.MaxForwards = r.vias, r.seqIn, -1
	tl.From, tl.To = r.of(l)
	e := Effect{Do: Respond, Call: call, Side: r.from, Server: r.server, Status: m.Status(), Method: r.method}
	e, do = c.write(call, r.from, m, e, tl, stray(m), do)
	if e.Bytes == nil {
		e.Msg, e.Edits = nil, nil
		e.Bytes = c.ownResponse(l, &r, m)
	}
	do = append(do, e)
	if final && endsDialog(m.Status()) && call.state == talking {
		return c.end(call, "dialog_lost", nil, do)
	}
	return c.maybeGone(call, do)
}

// relayTimedOut handles that nothing answered relays[i], or that it could not
// be sent.
func (c *Calls) relayTimedOut(call *Call, i int, status int, do []Effect) []Effect {
	r := call.relays[i]
	call.relays = append(call.relays[:i], call.relays[i+1:]...)
	if r.own {
		return c.maybeGone(call, do)
	}
	if status == 408 {
		// Who asked has given up by now: RFC 4320 section 4.2.
		do = append(do, Effect{Do: Abandon, Call: call, Side: r.from, Server: r.server})
	} else {
		do = append(do, Effect{Do: Respond, Call: call, Side: r.from, Server: r.server, Status: status, Method: r.method,
			Bytes: c.statusLine(&call.legs[r.from], &r, status, "")})
	}
	if call.state == ending {
		return c.maybeGone(call, do)
	}
	// RFC 3261 section 12.2.1.2: a request that times out ends its dialog.
	return c.end(call, "dialog_lost", nil, do)
}
