package b2bua

import (
	"slices"

	"sbc/signaling/ident"
	"sbc/signaling/sip"
)

const tagKind = ident.Tag

// A relay is a request within a dialog, other than INVITE and ACK, that
// crosses or that we sent.
type relay struct {
	pair    *pair
	from    Side // whose request it is
	own     bool // nobody waits for the response
	initial bool // it opened the call
	offers  bool // its description is an offer that the response answers
	method  sip.Method
	name    string // the method as it was written
	server  Server
	client  Client
	vias    []byte
	seqIn   uint32
	target  []byte // its Contact, which a 2xx makes the remote target
	event   string // the subscription that it is about
	stamp   string // the Timestamp line of its 100, if that has one
	parties
}

// relaysMax bounds the requests that a dialog may have under way beside
// INVITE. Ours: a user agent sends one, two when they cross.
const relaysMax = 16

// request handles a request that carries a To tag.
func (c *Calls) request(ev *Event, do []Effect) []Effect {
	m := ev.Msg
	p, s := c.find(m.Bytes(m.CallID()), m.Bytes(m.To().Tag), m.Bytes(m.From().Tag))
	if p == nil {
		p, s = c.adopt(m)
	}
	if p == nil {
		return c.refuse(nil, A, ev, &Refusal{Status: 481, Cause: "no_dialog"}, do)
	}
	call := p.call
	do = append(do, Effect{Do: Saw, Call: call, Side: s, Msg: m})
	l := &p.legs[s]
	if !c.from(l, ev) {
		return c.refuse(call, s, ev, &Refusal{Status: 481, Cause: "dialog_source"}, do)
	}
	if l.seqKnown && m.CSeq() <= l.remoteSeq && (m.Method() != sip.BYE || l.state == legEnded) {
		// RFC 3261 section 12.2.2. An equal number is no retransmission
		// either: the transaction layer would have caught it. A BYE that was
		// overtaken ends the dialog all the same: its sender has left (section
		// 15.1.1), and says so once.
		return c.refuse(call, s, ev, &Refusal{Status: 500, Reason: "CSeq Out Of Order", Cause: "cseq_order"}, do)
	}
	c.visit(p, s, m, 0, "")
	l.remoteSeq, l.seqKnown = max(m.CSeq(), l.remoteSeq), true
	if r := c.checkInDialog(m); r != nil {
		return c.refuse(call, s, ev, r, do)
	}
	ev.Call, ev.Side = call, s
	return c.inDialog(p, ev, do)
}

// inDialog handles a request of a pair whose number and form are right. It is
// entered again with the answer to Open.
func (c *Calls) inDialog(p *pair, ev *Event, do []Effect) []Effect {
	switch ev.Msg.Method() {
	case sip.BYE:
		return c.bye(p, ev.Side, ev, do)
	case sip.INVITE:
		return c.reInvite(p, ev, do)
	}
	return c.relayRequest(p, ev.Side, ev, do)
}

// bye answers a BYE and ends the other leg. The answer does not wait for the
// other side: a leg whose far end said BYE is over whatever happens there.
func (c *Calls) bye(p *pair, s Side, ev *Event, do []Effect) []Effect {
	call := p.call
	resp := sip.Response{Status: 200, Src: ev.Flow.Remote}
	b := c.work.keep(sip.AppendResponse(c.work.take(), ev.Msg, &resp))
	do = append(do, Effect{Do: Respond, Call: call, Side: s, Server: ev.Server, Status: 200, Method: sip.BYE, Bytes: b})
	if p.legs[s].state == legEnded {
		return do
	}
	if len(call.forks) > 0 {
		return c.byeFork(p, s, ev.Msg, do)
	}
	// A BYE within an early dialog ends the call as CANCEL does (RFC 3261
	// section 15).
	do = c.endInvite(call, &Refusal{Status: 487, Cause: "bye"}, do)
	p.legs[s].state = legEnded
	do = c.endLeg(p, s.other(), ev.Msg, do)
	return c.ended(call, "bye_"+s.String(), do)
}

// byeFork ends one of several early dialogs, and nothing else (RFC 3261
// section 15).
func (c *Calls) byeFork(p *pair, s Side, m *sip.Message, do []Effect) []Effect {
	to := s.other()
	p.legs[s].state = legEnded
	if p.legs[to].state == legEarly {
		p.legs[to].state = legConfirmed // endLeg sends BYE
	}
	return c.endLeg(p, to, m, do)
}

// relayRequest sends a request of one dialog on within the other.
func (c *Calls) relayRequest(p *pair, s Side, ev *Event, do []Effect) []Effect {
	m, to, call := ev.Msg, s.other(), p.call
	l := &p.legs[to]
	switch {
	case !p.takes(to, m.Method()):
		return c.refuse(call, s, ev, &Refusal{Status: 481, Cause: "no_dialog"}, do)
	case len(call.relays) >= relaysMax:
		return c.refuse(call, s, ev, &Refusal{Status: 503, Cause: "pending", Fields: retryAfter}, do)
	}
	d, r := c.relayed(p, s, m)
	if r != nil {
		return c.refuse(call, s, ev, r, do)
	}
	if d != nil && !d.drop && d.role == anOffer && call.lacks(d) {
		return c.wait(p, ev, c.openFor(call, s, d), do)
	}
	client, branch := c.newClient(call)
	l.localSeq++
	e := Effect{Do: Start, Call: call, Side: to, Client: client, Flow: l.next, Method: m.Method()}
	tl := c.work.toLeg()
	switch m.Method() {
	case sip.PRACK:
		tl.RAck = call.inv.seqOut
		p.noteRAck(m)
	case sip.NOTIFY, sip.SUBSCRIBE:
		tl.Referred = p.referred(m, s)
	}
	e, do = c.writeRequest(p, to, m, e, branch, l.localSeq, tl, d, do)
	if e.Bytes == nil {
		c.finish(call, client)
		return c.refuse(call, s, ev, &Refusal{Status: 500, Cause: "leak"}, do)
	}
	rel := relay{
		pair: p, from: s, method: m.Method(), name: string(m.MethodName()), server: ev.Server, client: client,
		vias: sip.AppendVias(nil, m, ev.Flow.Remote), seqIn: m.CSeq(), parties: p.legs[s].parties(m),
		stamp: stamp(m),
	}
	if refresh(m.Method()) {
		rel.target = append([]byte(nil), contactURI(m)...)
	}
	c.learnKnown(p, s, m, d)
	if d != nil && !d.drop {
		rel.offers = d.role == anOffer
		do = c.exchanged(p, s, d, do)
	}
	if m.Method() == sip.REFER {
		p.refer(s, m.CSeq(), l.localSeq)
	}
	if watches(m.Method()) {
		rel.event = subscriptionOf(m)
		do = c.watched(p, s, m, do)
	}
	call.relays = append(call.relays, rel)
	return append(do, e)
}

// takes reports whether a request can be sent within the dialog of leg to: of
// the session, or of a subscription that may have outlived it.
func (p *pair) takes(to Side, m sip.Method) bool {
	if watches(m) && len(p.subs) > 0 && len(p.legs[to].remoteTag) > 0 {
		return true
	}
	return p.call.Session() && p.call.state != ending && p.legs[to].takes()
}

// watches tells whether requests of a method are about a subscription.
func watches(m sip.Method) bool { return m == sip.SUBSCRIBE || m == sip.NOTIFY || m == sip.REFER }

// relayed reads what a request within a dialog says of the session: only PRACK
// and UPDATE may. It tells why the request cannot go on.
func (c *Calls) relayed(p *pair, s Side, m *sip.Message) (*description, *Refusal) {
	switch m.Method() {
	case sip.PRACK:
		if r := checkPRACK(p.call, s, m); r != nil {
			return nil, r
		}
	case sip.UPDATE:
	default:
		return stray(m), nil
	}
	d, r := c.describe(p, s, m)
	switch {
	case r != nil:
		return nil, r
	case !d.has:
		return nil, nil
	case d.role == noRole:
		return nil, c.checkOffer(p, s)
	case p.tooMany(s, &d):
		return nil, &Refusal{Status: 488, Cause: "sdp_lines"}
	}
	return &d, nil
}

// checkPRACK tells why a PRACK cannot go on (RFC 3262 section 3).
func checkPRACK(call *Call, s Side, m *sip.Message) *Refusal {
	f, ok := m.First(sip.FieldRAck)
	if !ok {
		return &Refusal{Status: 400, Reason: "RAck Missing", Cause: "prack"}
	}
	rack, err := sip.ParseRAck(m.Raw, f.Value)
	if err != nil {
		return &Refusal{Status: 400, Reason: "Bad RAck", Cause: "prack"}
	}
	in := call.inv
	if in == nil || in.from != s || in.seqIn != rack.CSeq || string(m.Bytes(rack.Method)) != "INVITE" {
		return &Refusal{Status: 481, Cause: "prack"}
	}
	return nil
}

// relayResponse sends the final response to relays[i] back.
func (c *Calls) relayResponse(call *Call, i int, ev *Event, do []Effect) []Effect {
	r, m := call.relays[i], ev.Msg
	p := r.pair
	if m.Status() < 200 {
		return c.heldBack(&r, m, do)
	}
	c.finish(call, r.client)
	if r.initial {
		if again, ok := c.beginAgain(call, m.Status(), do); ok {
			return again
		}
	}
	if r.initial && makesDialog(r.method) && m.Status()/100 == 2 {
		if fork := c.pairOf(call, m); fork != nil {
			p = fork
			c.early(&p.legs[B], m)
		}
	}
	call.relays = append(call.relays[:i], call.relays[i+1:]...)
	if r.own {
		return c.maybeGone(call, do)
	}
	d := c.replied(p, &r, m)
	l := &p.legs[r.from]
	tl := c.work.toLeg()
	tl.Vias, tl.CSeq, tl.MaxForwards = r.vias, r.seqIn, -1
	tl.From, tl.To = r.of(l)
	if refresh(r.method) && m.Status()/100 == 2 {
		tl.Contact = c.contact(l)
		c.moved(l, r.target)
		c.learn(&p.legs[r.from.other()], m, false)
	}
	if r.initial {
		c.learnKnown(p, B, m, nil)
		if m.Status() < 300 {
			tl.Routes = call.begun.records
		}
		if call.Registers() {
			if do, done := c.registered(call, &r, m, do); done {
				return c.maybeGone(call, do)
			}
		}
	}
	e := Effect{Do: Respond, Call: call, Side: r.from, Server: r.server, Status: m.Status(), Method: r.method}
	e, do = c.write(p, r.from, m, e, tl, d, do)
	if e.Bytes == nil {
		e.Msg, e.Edits = nil, nil
		e.Bytes = c.ownResponse(l, &r, m)
	}
	do = append(do, e)
	if r.event != "" {
		do = c.watchedResponse(p, &r, m, do)
	}
	switch {
	case d != nil && !d.drop:
		do = c.exchanged(p, r.from.other(), d, do)
	case r.offers && p.open && p.by == r.from:
		do = c.forgetOffer(p, do) // refused, or not answered: all is as it was
	}
	if endsDialog(m.Status()) && call.state == talking {
		return c.end(call, "dialog_lost", nil, do)
	}
	return c.maybeGone(call, do)
}

// replied reads what the response to r says of the session.
func (c *Calls) replied(p *pair, r *relay, m *sip.Message) *description {
	if !r.offers || m.Status()/100 != 2 {
		return stray(m)
	}
	side := r.from.other()
	d, no := c.describe(p, side, m)
	if no != nil || d.role != anAnswer || p.tooMany(side, &d) {
		return stray(m)
	}
	c.learnKnown(p, side, m, &d)
	return &d
}

// relayTimedOut handles that nothing answered relays[i], or that it could not
// be sent.
func (c *Calls) relayTimedOut(call *Call, i int, status int, do []Effect) []Effect {
	r := call.relays[i]
	call.relays = append(call.relays[:i], call.relays[i+1:]...)
	if r.own {
		return c.maybeGone(call, do)
	}
	if r.initial {
		call.relays = slices.Insert(call.relays, 0, r) // where beginAt looks for it
		if again, ok := c.beginAgain(call, status, do); ok {
			return again
		}
		call.relays = call.relays[1:]
		if call.Registers() {
			reply := c.tellRegistered(call, nil, status)
			return c.maybeGone(call, c.ownReply(call, &r, &reply, do))
		}
	}
	if status == 408 {
		// Who asked has given up by now: RFC 4320 section 4.2.
		do = append(do, Effect{Do: Abandon, Call: call, Side: r.from, Server: r.server})
	} else {
		do = append(do, Effect{Do: Respond, Call: call, Side: r.from, Server: r.server, Status: status, Method: r.method,
			Bytes: c.statusLine(&r.pair.legs[r.from], &r, status, "")})
	}
	if r.event != "" {
		// RFC 5057 section 5.1: the subscription is over, and nothing else.
		c.visitUsage(r.pair, r.event, r.subscriber(), "no response to "+r.name)
		do = r.pair.unsubscribe(r.event, r.subscriber(), do)
	}
	if call.state == ending || call.state == apart || r.event != "" {
		return c.maybeGone(call, do)
	}
	// RFC 3261 section 12.2.1.2: a request that times out ends its dialog.
	return c.end(call, "dialog_lost", nil, do)
}
