package b2bua

import "sbc/signaling/sip"

// canceled handles a CANCEL for an INVITE that has no final response yet.
func (c *Calls) canceled(ev *Event, do []Effect) []Effect {
	call := c.byTx[ev.Server]
	if call == nil {
		return do // too late: the final response is on its way (RFC 3261 section 9.2)
	}
	in := call.inv
	do = append(do, Effect{Do: Saw, Call: call, Side: in.from, Msg: ev.Msg})
	if in.state != proceeding {
		return do
	}
	if !in.initial {
		return c.cancelReInvite(call, do)
	}
	do = c.endInvite(call, &Refusal{Status: 487, Cause: "canceled"}, do)
	return c.ended(call, "canceled", do)
}

// cancelReInvite passes a CANCEL on and leaves the final response to the far
// end: whether the session changed is its decision, and both sides have to
// learn the same.
func (c *Calls) cancelReInvite(call *Call, do []Effect) []Effect {
	in := call.inv
	return append(do, Effect{Do: Cancel, Call: call, Side: in.from.other(), Client: in.client, Method: sip.CANCEL})
}
