package b2bua

import (
	"strconv"

	"sbc/signaling/sip"
)

// reInvite sends an INVITE within a dialog on within the other. It is entered
// again with the answer to Open.
func (c *Calls) reInvite(call *Call, ev *Event, do []Effect) []Effect {
	m, s := ev.Msg, ev.Side
	to := s.other()
	if r := c.checkReInvite(call, s); r != nil {
		return c.refuse(call, s, ev, r, do)
	}
	d, r := c.describe(call, s, m)
	if r != nil {
		return c.refuse(call, s, ev, r, do)
	}
	if len(call.streams) < len(d.lines) {
		return c.wait(call, ev, openFor(call, &d), do)
	}
	l := &call.legs[to]
	in := &invite{from: s, server: ev.Server, seqIn: m.CSeq(), vias: c.keepVias(m, ev.Flow), offerIn: offerIn2xx,
		target: append([]byte(nil), contactURI(m)...), parties: call.legs[s].parties(m)}
	if d.has {
		in.offerIn = offerInInvite
		call.legs[s].offered = append(call.legs[s].offered[:0], d.lines...)
	}
	client, branch := c.newClient(call)
	l.localSeq++
	in.client, in.clientOn, in.seqOut = client, true, l.localSeq
	c.learnKnown(call, s, m, &d)
	e := Effect{Do: Start, Call: call, Side: to, Client: client, Flow: l.next, Method: sip.INVITE}
	e, do = c.writeRequest(call, to, m, e, branch, l.localSeq, nil, &d, do)
	if e.Bytes == nil {
		c.finish(call, client)
		c.forgetOffer(call)
		return c.refuse(call, s, ev, &Refusal{Status: 500, Cause: "leak"}, do)
	}
	call.inv = in
	c.byTx[ev.Server] = call
	do = append(do, e)
	return call.arm(TimerRing, c.opt.Ring, do)
}

// checkReInvite tells why an INVITE cannot begin now (RFC 3261 section 14.2).
func (c *Calls) checkReInvite(call *Call, s Side) *Refusal {
	switch {
	case call.state == ending:
		return &Refusal{Status: 481, Cause: "no_dialog"}
	case !call.inv.busy():
		return nil
	case call.inv.from == s:
		wait := c.opt.Rand.IntN(11)
		return &Refusal{Status: 500, Cause: "pending", Fields: "Retry-After: " + strconv.Itoa(wait) + "\r\n"}
	}
	return &Refusal{Status: 491, Cause: "pending"}
}
