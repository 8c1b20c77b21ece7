package b2bua

import "sbc/signaling/sip"

// canceled handles a CANCEL for an INVITE that has no final response yet.
func (c *Calls) canceled(ev *Event, do []Effect) []Effect {
	call := c.byTx[ev.Server]
	if call == nil {
		return do // too late: the final response is on its way (RFC 3261 section 9.2)
	}
	c.hand = call
	in := call.inv
	c.visit(call.pair, in.from, ev.Msg, 0, "")
	do = append(do, Effect{Do: Saw, Call: call, Side: in.from, Msg: ev.Msg})
	if in.state != proceeding {
		return do
	}
	why, do := c.reasons(call, in.from.other(), ev.Msg, do)
	begin := len(do)
	if !in.initial {
		do = c.cancelReInvite(call, do)
	} else {
		do = c.endInvite(call, &Refusal{Status: 487, Cause: "canceled"}, do)
		do = c.ended(call, "canceled", do)
	}
	for i := range do[begin:] {
		if e := &do[begin+i]; e.Do == Cancel {
			e.Bytes = why
		}
	}
	return do
}

// reasons returns the Reason lines of a CANCEL as side to may read them. RFC
// 3326 section 2 has them in any CANCEL: without them a call that was taken
// elsewhere is a missed one.
func (c *Calls) reasons(call *Call, to Side, m *sip.Message, do []Effect) ([]byte, []Effect) {
	if _, ok := m.First(sip.FieldReason); !ok {
		return nil, do
	}
	e, do := c.writeRequest(call.pair, to, m, Effect{Call: call, Side: to}, nil, call.inv.seqOut, nil, stray(m), do)
	var out sip.Message
	if e.Bytes == nil || out.Parse(e.Bytes) != nil {
		return nil, do
	}
	b := c.work.take()
	for _, f := range out.Fields() {
		if f.ID == sip.FieldReason {
			b = append(b, out.Bytes(f.Line)...)
		}
	}
	return c.work.keep(b), do
}

// cancelReInvite passes a CANCEL on and leaves the final response to the far
// end: whether the session changed is its decision, and both sides have to
// learn the same.
func (c *Calls) cancelReInvite(call *Call, do []Effect) []Effect {
	in := call.inv
	return append(do, Effect{Do: Cancel, Call: call, Side: in.from.other(), Client: in.client, Method: sip.CANCEL})
}
