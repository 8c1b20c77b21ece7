package b2bua

import (
	"sbc/signaling/sip"
)

// reInvite sends an INVITE within a dialog on within the other. It is entered
// again with the answer to Open.
func (c *Calls) reInvite(p *pair, ev *Event, do []Effect) []Effect {
	m, s, call := ev.Msg, ev.Side, p.call
	to := s.other()
	if r := c.checkReInvite(p, s); r != nil {
		return c.refuse(call, s, ev, r, do)
	}
	was := p.exchange
	p.exchange = exchange{}
	d, r := c.describe(p, s, m)
	if r != nil {
		p.exchange = was
		return c.refuse(call, s, ev, r, do)
	}
	if call.lacks(&d) {
		p.exchange = was
		return c.wait(p, ev, c.openFor(call, s, &d), do)
	}
	l := &p.legs[to]
	in := &invite{from: s, server: ev.Server, seqIn: m.CSeq(), vias: c.keepVias(m, ev.Flow), offerIn: offerIn2xx, reliable: knowsReliable(m),
		target: append([]byte(nil), contactURI(m)...), parties: p.legs[s].parties(m)}
	if d.has {
		in.offerIn = offerInInvite
		do = c.exchanged(p, s, &d, do)
	}
	client, branch := c.newInvite(call, d.late()|again)
	l.localSeq++
	in.client, in.clientOn, in.seqOut = client, true, l.localSeq
	c.learnKnown(p, s, m, &d)
	e := Effect{Do: Start, Call: call, Side: to, Client: client, Flow: l.next, Method: sip.INVITE}
	e, do = c.writeRequest(p, to, m, e, branch, l.localSeq, nil, &d, do)
	if e.Bytes == nil {
		c.finish(call, client)
		do = c.forgetOffer(p, do)
		return c.refuse(call, s, ev, &Refusal{Status: 500, Cause: "leak"}, do)
	}
	call.inv = in
	c.byTx[ev.Server] = call
	do = append(do, e)
	return call.arm(TimerRing, c.opt.Ring, do)
}

// checkReInvite tells why an INVITE cannot begin now (RFC 3261 section 14.2).
func (c *Calls) checkReInvite(p *pair, s Side) *Refusal {
	switch in := p.call.inv; {
	case p.call.state == ending || p != p.call.pair:
		return &Refusal{Status: 481, Cause: "no_dialog"}
	case !in.busy():
		return c.checkOffer(p, s)
	case in.from == s:
		return c.pendingOwn()
	}
	return &Refusal{Status: 491, Cause: "pending"}
}
