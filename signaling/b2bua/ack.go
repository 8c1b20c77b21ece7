package b2bua

import (
	"slices"

	"github.com/dchest/siphash"

	"sbc/signaling/ident"
	"sbc/signaling/sip"
)

// ack handles the ACK for a 2xx of ours: it goes on to the side that sent the
// 2xx, with the answer in it where the 2xx was the offer.
func (c *Calls) ack(ev *Event, do []Effect) []Effect {
	m := ev.Msg
	p, s := c.find(m.Bytes(m.CallID()), m.Bytes(m.To().Tag), m.Bytes(m.From().Tag))
	switch {
	case p == nil:
		return append(do, Effect{Do: Refused, Refusal: &Refusal{Cause: "no_dialog"}, Peer: ev.Peer, Method: sip.ACK})
	case !c.from(&p.legs[s], ev):
		return append(do, Effect{Do: Refused, Refusal: &Refusal{Cause: "dialog_source"}, Peer: ev.Peer, Method: sip.ACK})
	}
	call := p.call
	c.visit(p, s, m, 0, "")
	do = append(do, Effect{Do: Saw, Call: call, Side: s, Msg: m})
	in := call.inv
	if in == nil || p != call.pair || in.from != s || in.state != answered || in.seqIn != m.CSeq() {
		return do
	}
	do = call.disarm(TimerAgain, do)
	answers := p.open && p.by != s
	d, r := stray(m), (*Refusal)(nil)
	if answers {
		var answer description
		answer, r = c.describe(p, s, m)
		d = &answer
	}
	if r != nil || answers && (!d.has || p.tooMany(s, d)) {
		// RFC 3261 section 13.2.1: the ACK had to carry the answer, a line
		// for each that was offered. Without it there is no session, on either
		// side.
		return c.end(call, "no_answer", nil, do)
	}
	to := s.other()
	e, do := c.writeAck(p, to, m, d, do)
	if answers {
		if e.Msg == nil {
			// The answer cannot go on as it is: the offer is declined.
			return c.end(call, "leak", nil, do)
		}
		do = c.exchanged(p, s, d, do)
	}
	p.legs[to].keepAck(e.Bytes, e.Flow, in.seqOut)
	in.state = acked
	call.inv, call.lateOffer = nil, in.offerIn == offerIn2xx // nothing answers it any more
	return append(do, e)
}

func (c *Calls) writeAck(p *pair, to Side, m *sip.Message, d *description, do []Effect) (Effect, []Effect) {
	l, seq := &p.legs[to], p.call.inv.seqOut
	e := Effect{Do: Send, Call: p.call, Side: to, Flow: l.next, Method: sip.ACK}
	e, do = c.writeRequest(p, to, m, e, c.newBranch(p.call), seq, nil, d, do)
	if e.Bytes == nil {
		e.Msg, e.Edits = nil, nil
		e.Bytes = c.ownRequest(l, sip.ACK, seq, c.newBranch(p.call), nil)
	}
	return e, do
}

// newBranch makes the branch of a request that is no transaction: ACK for a 2xx.
func (c *Calls) newBranch(call *Call) []byte {
	id := ident.ID{Serial: c.opt.Rand.Uint64(), Shard: call.shard}
	return c.work.keep(c.opt.IDs.Append(c.work.take(), ident.Branch, id))
}

// ackOwn acknowledges the 2xx to the INVITE under way without waiting for the
// other side's ACK.
func (c *Calls) ackOwn(call *Call, do []Effect) []Effect {
	in := call.inv
	side := in.from.other()
	l := &call.legs[side]
	b := c.ownRequest(l, sip.ACK, in.seqOut, c.newBranch(call), in.decline)
	l.keepAck(b, l.next, in.seqOut)
	return append(do, Effect{Do: Send, Call: call, Side: side, Flow: l.next, Method: sip.ACK, Bytes: b})
}

// dropFork ends a dialog that a second 2xx would open: the first one won.
// RFC 3261 section 13.2.2.4. Its 2xx may come again; the BYE goes once.
func (c *Calls) dropFork(p *pair, s Side, m *sip.Message, do []Effect) []Effect {
	call, l := p.call, &p.legs[s]
	tag := string(m.Bytes(m.To().Tag))
	again := slices.Contains(l.lost, tag)
	if !again && len(l.lost) == forksMax {
		return do
	}
	lost := c.dialogOf(m, l)
	if len(lost.target) == 0 {
		return do
	}
	var refusal []byte
	if in := call.inv; in != nil && in.offerIn == offerIn2xx || in == nil && call.lateOffer {
		refusal = declined(m)
	}
	do = append(do, Effect{Do: Send, Call: call, Side: s, Flow: lost.next, Method: sip.ACK,
		Bytes: c.ownRequest(&lost, sip.ACK, m.CSeq(), c.newBranch(call), refusal)})
	if again {
		return do
	}
	l.lost = append(l.lost, tag)
	client, branch := c.newClient(call)
	call.relays = append(call.relays, relay{pair: p, client: client, from: s.other(), method: sip.BYE, own: true})
	return append(do, Effect{Do: Start, Call: call, Side: s, Client: client, Flow: lost.next, Method: sip.BYE,
		Bytes: c.ownRequest(&lost, sip.BYE, m.CSeq()+strayBye, branch, nil)})
}

// Ours: 1000. How far the number of a BYE in a dialog that nothing is kept of is
// beyond that of its INVITE: further than PRACK, UPDATE and what else went before
// the 2xx, or its far end takes the BYE for an old request (RFC 3261 section
// 12.2.2).
const strayBye = 1000

// dialogOf returns our half of the dialog that m makes, a 2xx to an INVITE of
// ours that went the way of by, by what stands in it alone.
func (c *Calls) dialogOf(m *sip.Message, by *leg) leg {
	l := leg{flow: by.flow, peer: by.peer, realm: by.realm, callID: m.Bytes(m.CallID()), local: m.Unfold(nil, m.From().Value), remote: m.Unfold(nil, m.To().Value)}
	c.learn(&l, m, true)
	return l
}

// endStray acknowledges a 2xx whose call is gone, and if nobody waits for it
// any more, because it came after we had given up, ends its dialog. Nothing is
// kept for it; when it comes again, so do ACK and BYE.
func (c *Calls) endStray(ev *Event, do []Effect) []Effect {
	m := ev.Msg
	lost := c.dialogOf(m, &leg{flow: ev.Flow, peer: ev.Peer, realm: c.opt.Listeners[ev.Flow.Listener].Realm})
	if len(lost.target) == 0 {
		return do
	}
	was, _ := c.opt.IDs.Read(ident.Branch, m.Bytes(m.Via().Branch))
	id := ident.ID{Serial: c.opt.Rand.Uint64(), Shard: was.Shard}
	acks := c.work.keep(c.opt.IDs.Append(c.work.take(), ident.Branch, id))
	bits, refusal := c.inviteOf(m), []byte(nil)
	if bits&offersLate > 0 {
		refusal = declined(m)
	}
	do = append(do, Effect{Do: Send, Flow: lost.next, Method: sip.ACK, Bytes: c.ownRequest(&lost, sip.ACK, m.CSeq(), acks, refusal)})
	if ev.Is != Stray || bits&again > 0 {
		return do // the call had this 2xx before, or its dialog, and ended by BYE
	}
	// The same 2xx leads to the same BYE.
	id.Serial = siphash.Hash(c.strays[0], c.strays[1], append(append([]byte(nil), lost.callID...), lost.remote...))
	byes := c.work.keep(c.opt.IDs.Append(c.work.take(), ident.Branch, id))
	return append(do, Effect{Do: Start, Client: Client(id.Serial), Flow: lost.next, Method: sip.BYE, Bytes: c.ownRequest(&lost, sip.BYE, m.CSeq()+strayBye, byes, nil)})
}
