package b2bua

import (
	"strconv"

	"sbc/signaling/sip"
)

// response handles what the far end answered to a request of ours.
func (c *Calls) response(ev *Event, do []Effect) []Effect {
	call := c.out[ev.Client]
	if call == nil {
		return c.lateResponse(ev, do)
	}
	c.hand = call
	if in := call.inv; in != nil && in.client == ev.Client {
		c.visit(call.pair, in.from.other(), ev.Msg, sip.INVITE, "")
		call.legs[in.from.other()].connected(ev.Flow)
		do = append(do, Effect{Do: Saw, Call: call, Side: in.from.other(), Msg: ev.Msg})
		return c.responded(call, ev, do)
	}
	if own := call.own; own != nil && own.client == ev.Client {
		c.visit(call.pair, own.side, ev.Msg, sip.INVITE, "")
		do = append(do, Effect{Do: Saw, Call: call, Side: own.side, Msg: ev.Msg})
		return c.renewed(call, ev.Msg, do)
	}
	for i := range call.relays {
		if call.relays[i].client == ev.Client {
			r := &call.relays[i]
			c.visit(r.pair, r.from.other(), ev.Msg, r.method, "")
			r.pair.legs[r.from.other()].connected(ev.Flow)
			do = append(do, Effect{Do: Saw, Call: call, Side: r.from.other(), Msg: ev.Msg})
			return c.relayResponse(call, i, ev, do)
		}
	}
	return do
}

// lateResponse handles a 2xx to an INVITE that had its 2xx before: the ACK
// was lost and goes out again (RFC 3261 section 13.2.2.4). Where no call is
// left, its dialog is ended.
func (c *Calls) lateResponse(ev *Event, do []Effect) []Effect {
	m := ev.Msg
	if m.Method() != sip.INVITE || m.Status()/100 != 2 {
		return do
	}
	id, ok := c.opt.IDs.Read(tagKind, m.Bytes(m.From().Tag))
	if !ok {
		return do
	}
	ref, ok := c.legs[id.Serial]
	if !ok {
		return c.endStray(ev, do)
	}
	call := ref.call
	p, l := call.pair, &call.legs[ref.side]
	c.hand = call
	do = append(do, Effect{Do: Saw, Call: call, Side: ref.side, Msg: m})
	if string(l.remoteTag) != string(m.Bytes(m.To().Tag)) {
		return c.dropFork(p, ref.side, m, do)
	}
	if l.ack != nil && l.ackSeq == m.CSeq() {
		return append(do, Effect{Do: Send, Call: call, Side: ref.side, Flow: l.ackTo, Method: sip.ACK, Bytes: l.ack})
	}
	return do
}

// responded handles a response to the INVITE under way, in the pair that it
// belongs to. It is entered again with the answer to Open.
func (c *Calls) responded(call *Call, ev *Event, do []Effect) []Effect {
	in, m := call.inv, ev.Msg
	if status := m.Status(); in.initial && !in.heard && status > 100 && in.state == proceeding {
		in.heard = true
		do = append(do, Effect{Do: Rang, Call: call})
	}
	p := call.pair
	if in.initial && m.Status() > 100 && m.Status() < 300 && in.state == proceeding {
		if p = c.pairOf(call, m); p == nil {
			if m.Status() < 200 {
				return do // more early dialogs than anybody rings
			}
			p = call.pair
		}
	}
	switch status := m.Status(); {
	case status == 100:
		return do
	case in.state == canceled:
		return c.afterCancel(call, ev, do)
	case status < 200:
		return c.relayProvisional(p, ev, do)
	case status < 300:
		return c.success(p, ev, do)
	}
	return c.failure(call, m, do)
}

// afterCancel handles a response to an INVITE whose caller has been answered
// already. A 2xx that crossed the CANCEL is acknowledged and ended by BYE
// (RFC 3261 section 9.1).
func (c *Calls) afterCancel(call *Call, ev *Event, do []Effect) []Effect {
	in, m := call.inv, ev.Msg
	if m.Status() < 200 {
		return do
	}
	c.finish(call, in.client)
	side := in.from.other()
	l := &call.legs[side]
	switch {
	case m.Status() < 300:
		if in.initial {
			c.confirm(l, m, true)
		}
		c.keepDecline(in, m)
		do = c.ackOwn(call, do)
		in.state = acked
		// An older dialog had its BYE when the call ended.
		do = c.endLeg(call.pair, side, nil, do)
	default:
		in.state = refused
		if in.initial {
			l.state = legEnded
		}
	}
	return c.maybeGone(call, do)
}

// confirm makes the leg that sent a 2xx a dialog.
func (c *Calls) confirm(l *leg, m *sip.Message, first bool) {
	l.state = legConfirmed
	if first {
		if tag := m.Bytes(m.To().Tag); string(tag) != string(l.remoteTag) {
			l.remoteTag, l.seqKnown = append(l.remoteTag[:0], tag...), false
		}
		l.remote = m.Unfold(l.remote[:0], m.To().Value)
	}
	c.learn(l, m, first)
}

// relayProvisional sends a 101-199 on to the caller.
func (c *Calls) relayProvisional(p *pair, ev *Event, do []Effect) []Effect {
	call, m := p.call, ev.Msg
	in := call.inv
	side := in.from.other()
	if p.rang(m) {
		return do
	}
	d, r := c.describe(p, side, m)
	switch {
	case r != nil || d.role == noRole:
		// What cannot be relayed safely rings without early media; an offer
		// belongs into the 2xx, because an unreliable response cannot carry
		// one (RFC 3261 section 13.2.1).
		d = description{has: d.has, body: d.body, drop: d.has}
	case p.tooMany(side, &d):
		d = description{has: d.has, body: d.body, drop: d.has}
	case d.role == anOffer && call.lacks(&d):
		return c.wait(p, ev, c.openFor(call, side, &d), do)
	}
	in.rang = true
	if in.initial {
		c.early(&p.legs[side], m)
	}
	c.learnKnown(p, side, m, &d)
	e, do := c.writeResponse(p, m, &d, do)
	if e.Bytes == nil {
		fields := "Contact: " + string(c.contact(&p.legs[in.from])) + "\r\n"
		if f, ok := m.First(sip.FieldRSeq); ok {
			fields += "Require: 100rel\r\nRSeq: " + string(m.Bytes(f.Value)) + "\r\n"
		}
		return append(do, c.respondOwn(p, m.Status(), "", string(in.records)+fields))
	}
	if d.has && !d.drop {
		do = c.exchanged(p, side, &d, do)
	}
	return append(do, e)
}

// early takes the dialog that a provisional response makes: requests may cross
// in it before the call is answered (RFC 3261 section 12.1.2). Of a fork's
// dialogs the last that was heard of counts.
func (c *Calls) early(l *leg, m *sip.Message) {
	tag := m.Bytes(m.To().Tag)
	if len(tag) == 0 || string(tag) == string(l.remoteTag) {
		return
	}
	l.remoteTag = append(l.remoteTag[:0], tag...)
	l.remote = m.Unfold(l.remote[:0], m.To().Value)
	c.learn(l, m, true)
	l.seqKnown = false
}

// success relays a 2xx and begins to wait for its ACK.
func (c *Calls) success(p *pair, ev *Event, do []Effect) []Effect {
	call, m := p.call, ev.Msg
	in := call.inv
	side := in.from.other()
	if in.state != proceeding {
		return do
	}
	d, r := c.describe(p, side, m)
	switch {
	case r != nil:
	case !p.done && !p.open && !d.has:
		r = &Refusal{Cause: "no_offer"}
	case p.tooMany(side, &d):
		r = &Refusal{Cause: "sdp_lines"}
	}
	if r != nil {
		return c.abandon(p, ev, &Refusal{Status: 500, Reason: "Unusable Session Description", Cause: r.Cause, Why: r.Why}, do)
	}
	if d.role == anOffer && call.lacks(&d) {
		return c.wait(p, ev, c.openFor(call, side, &d), do)
	}
	c.finish(call, in.client)
	do = c.win(p, do)
	c.confirm(&p.legs[side], m, in.initial)
	c.moved(&p.legs[in.from], in.target)
	c.keepDecline(in, m)
	c.learnKnown(p, side, m, &d)
	e, do := c.writeResponse(p, m, &d, do)
	if e.Bytes == nil {
		e = c.respondOwn(p, 500, "", "")
		in.state = refused
		delete(c.byTx, in.server)
		do = append(c.ackOwn(call, do), e)
		return c.end(call, "leak", nil, do)
	}
	do = c.concluded(p, side, &d, do)
	in.final = append([]byte(nil), e.Bytes...)
	in.state, in.every, in.sent = answered, t1, 0
	in.raw, in.targets, in.offered = nil, nil, nil
	delete(c.byTx, in.server)
	p.legs[in.from].state = legConfirmed
	do = append(do, e)
	do = call.disarm(TimerRing, do)
	do = call.arm(TimerAgain, in.every, do)
	if in.initial && call.state == setup {
		call.state = talking
		do = append(do, Effect{Do: Answered, Call: call})
		do = call.arm(TimerMedia, c.mediaEvery(), do)
		do = call.arm(TimerLong, c.opt.Long, do)
		do = p.shut(do)
	}
	return do
}

// concluded does what the description of a 2xx from side, or that it has none,
// means for the session.
func (c *Calls) concluded(p *pair, side Side, d *description, do []Effect) []Effect {
	switch {
	case d.has:
		return c.exchanged(p, side, d, do)
	case !p.open || p.method != sip.INVITE:
		return do
	case len(p.legs[side].offered) == 0:
		// The answer that RFC 3261 section 13.2.1 wants here is missing: nothing
		// was agreed to.
		return c.forgetOffer(p, do)
	}
	return c.settle(p, do) // what the provisional response showed
}

// abandon ends an INVITE whose 2xx is of no use: its sender gets ACK and, for
// the first INVITE, BYE; the other side gets r.
func (c *Calls) abandon(p *pair, ev *Event, r *Refusal, do []Effect) []Effect {
	call := p.call
	in := call.inv
	side := in.from.other()
	c.finish(call, in.client)
	do = c.win(p, do)
	c.confirm(&p.legs[side], ev.Msg, in.initial)
	c.keepDecline(in, ev.Msg)
	do = c.forgetOffer(p, do)
	do = append(c.ackOwn(call, do),
		Effect{Do: Refused, Call: call, Side: in.from, Refusal: r, Peer: call.legs[in.from].peer, Method: sip.INVITE},
		c.respondOwn(p, r.Status, r.Reason, r.Fields))
	in.state = refused
	delete(c.byTx, in.server)
	if in.initial {
		call.legs[in.from].state = legEnded
	}
	// The two sides no longer agree about the session: a call that had begun
	// ends as well.
	return c.end(call, r.Cause, nil, do)
}

// failure handles a final response other than 2xx.
func (c *Calls) failure(call *Call, m *sip.Message, do []Effect) []Effect {
	in := call.inv
	c.finish(call, in.client)
	do = call.disarm(TimerRing, do)
	if in.initial && m.Status()/100 == 3 {
		c.redirect(in, m)
	}
	if in.initial && in.tried < len(in.targets) && (tryAnother(m.Status(), in.rang) || in.followed == in.tried) {
		return c.failover(call, do)
	}
	do = c.dropForks(call, do)
	do = c.forgetInvite(call.pair, do)
	d, _ := c.describe(call.pair, in.from.other(), m)
	d.drop = d.has
	c.learnKnown(call.pair, in.from.other(), m, &d)
	e, do := c.writeResponse(call.pair, m, &d, do)
	if e.Bytes == nil {
		e = c.respondOwn(call.pair, m.Status(), "", "")
	}
	return c.failed(call, e, m.Status(), do)
}

// tryAnother tells whether a response is about the peer rather than about the
// number that was called: a 408 after it rang is nobody at the phone.
func tryAnother(status int, rang bool) bool {
	return status == 408 && !rang || status == 500 || status == 503
}

// failed sends the final response e and ends what it ends.
func (c *Calls) failed(call *Call, e Effect, status int, do []Effect) []Effect {
	in := call.inv
	in.state = refused
	delete(c.byTx, in.server)
	do = append(do, e)
	if in.initial {
		call.legs[A].state, call.legs[B].state = legEnded, legEnded
		return c.ended(call, statusCause(status), do)
	}
	if endsDialog(status) {
		return c.end(call, "dialog_lost", nil, do)
	}
	return do
}

// statusCause names a final response as a call's cause. The far end writes the
// number: one that nobody has registered counts by its class.
func statusCause(status int) string {
	if sip.StatusText(status) == sip.StatusText(0) {
		return "status_" + strconv.Itoa(status/100) + "xx"
	}
	return "status_" + strconv.Itoa(status)
}

// endsDialog tells whether a response to a request within a dialog says that
// the dialog is gone (RFC 3261 section 12.2.1.2, RFC 5057).
func endsDialog(status int) bool { return status == 481 || status == 408 }

// failover tries the next target with the INVITE as it was received. Early
// media of the one that failed ends here; what the caller was told of it
// stays, so that the next answer goes on from there.
func (c *Calls) failover(call *Call, do []Effect) []Effect {
	in := call.inv
	for i := range call.streams {
		if call.has(i) {
			do = append(do, Effect{Do: Pin, Call: call, Side: B, Index: i})
		}
	}
	do = c.dropForks(call, do)
	do = c.orphan(call.pair, A, do)
	do = c.orphan(call.pair, B, do)
	call.legs[B].state = legNone
	if in.rang {
		// The caller has heard of a dialog with the one that failed: the next
		// one is another.
		c.untag(call.pair)
		c.retag(call.pair)
	}
	in.rang = false
	last := len(call.places) - 1
	do = append(do, Effect{Do: Release, Call: call, Peer: call.places[last]})
	call.places = call.places[:last]
	m := &sip.Message{}
	if err := m.Parse(in.raw); err != nil {
		return c.endRefused(call, &Refusal{Status: 500, Cause: "failover"}, do)
	}
	in.clientOn = false
	return c.tryNext(call, &Event{Is: Invite, Msg: m, Call: call, Flow: call.legs[A].flow, Peer: call.From, Server: in.server}, do)
}

// orphan answers what side s has asked within the early dialog of p, which ends
// now. A PRACK has reached us, which is all that its sender asks (RFC 3262
// section 3), unless it has an offer.
func (c *Calls) orphan(p *pair, s Side, do []Effect) []Effect {
	call := p.call
	for i := range call.relays {
		r := &call.relays[i]
		if r.pair != p || r.from != s || r.own {
			continue
		}
		status := 481
		if r.method == sip.PRACK && !r.offers {
			status = 200
		}
		r.own = true
		do = append(do, Effect{Do: Respond, Call: call, Side: s, Server: r.server, Status: status, Method: r.method,
			Bytes: c.statusLine(&p.legs[s], r, status, "")})
	}
	return do
}

// writeResponse writes m, a response from the far end, for the side whose
// INVITE it answers.
func (c *Calls) writeResponse(p *pair, m *sip.Message, d *description, do []Effect) (Effect, []Effect) {
	call := p.call
	in := call.inv
	tl := c.work.toLeg()
	tl.Vias, tl.CSeq, tl.MaxForwards = in.vias, in.seqIn, -1
	if m.Status() < 300 {
		tl.Contact = c.contact(&p.legs[in.from])
		if in.initial {
			tl.Routes = in.records
		}
	}
	tl.From, tl.To = in.of(&p.legs[in.from])
	tl.Redirects = m.Status()/100 == 3
	e := Effect{Do: Respond, Call: call, Side: in.from, Server: in.server, Status: m.Status(), Method: sip.INVITE}
	c.work.lossy = !in.reliable
	return c.write(p, in.from, m, e, tl, d, do)
}

// timedOut handles that no final response came.
func (c *Calls) timedOut(ev *Event, do []Effect) []Effect {
	call := c.out[ev.Client]
	if call == nil {
		return do
	}
	c.hand = call
	c.finish(call, ev.Client)
	if in := call.inv; in != nil && in.client == ev.Client {
		c.visit(call.pair, in.from.other(), nil, sip.INVITE, "no response")
		return c.inviteTimedOut(call, ev.Status, do)
	}
	if call.own != nil && call.own.client == ev.Client {
		c.visit(call.pair, call.own.side, nil, sip.INVITE, "no response")
		return c.renewalOver(call, ev.Status, do)
	}
	for i := range call.relays {
		if r := &call.relays[i]; r.client == ev.Client {
			c.visit(r.pair, r.from.other(), nil, r.method, "no response")
			return c.relayTimedOut(call, i, ev.Status, do)
		}
	}
	return c.maybeGone(call, do)
}

func (c *Calls) inviteTimedOut(call *Call, status int, do []Effect) []Effect {
	in := call.inv
	if in.state == canceled {
		in.state = refused
		if in.initial {
			call.legs[B].state = legEnded
		}
		return c.maybeGone(call, do)
	}
	do = call.disarm(TimerRing, do)
	if in.initial && in.tried < len(in.targets) {
		return c.failover(call, do)
	}
	do = c.dropForks(call, do)
	do = c.forgetInvite(call.pair, do)
	return c.failed(call, c.respondOwn(call.pair, status, "", ""), status, do)
}
