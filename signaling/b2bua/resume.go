package b2bua

// wait asks for something that the caller of Step answers at once, and keeps
// the event that needs it; resume handles that event again.
func (c *Calls) wait(p *pair, ev *Event, ask Effect, do []Effect) []Effect {
	call := p.call
	c.work.kept = *ev
	c.work.kept.Call, c.work.kept.pair = call, p
	call.pending = &c.work.kept
	return append(do, ask)
}

// resume goes on with the event that waited for Reserve or Open.
func (c *Calls) resume(ev *Event, do []Effect) []Effect {
	call := ev.Call
	again := call.pending
	call.pending = nil
	if again == nil {
		return do
	}
	if ev.Err != nil {
		return c.unavailable(call, again, ev, do)
	}
	if ev.Is == Reserved {
		call.places = append(call.places, ev.Peer)
	} else {
		call.streams = ev.Streams
	}
	switch again.Is {
	case Invite:
		return c.tryNext(call, again, do)
	case Request:
		return c.inDialog(again.pair, again, do)
	case Response:
		return c.responded(call, again, do)
	}
	return do
}

// unavailable handles that a place or a port is not to be had: the next
// target, or the answer that the cause deserves.
func (c *Calls) unavailable(call *Call, again, ev *Event, do []Effect) []Effect {
	in := call.inv
	switch {
	case again.Is == Invite && ev.Is == Reserved && len(call.places) > 0 && in.tried+1 < len(in.targets):
		in.tried++
		return c.tryNext(call, again, do)
	case again.Is == Invite:
		return c.endRefused(call, ev.Err, do)
	case again.Is == Request:
		return c.refuse(call, again.Side, again, ev.Err, do)
	case again.Msg.Status() < 200:
		return c.end(call, ev.Err.Cause, ev.Err, do)
	}
	// The 2xx carries an offer for which there are no ports: the callee is
	// acknowledged and released, the caller refused.
	return c.abandon(again.pair, again, ev.Err, do)
}
