package b2bua

import (
	"time"

	"sbc/signaling/sip"
)

// fire handles a timer of a call.
func (c *Calls) fire(ev *Event, do []Effect) []Effect {
	call := ev.Call
	if !call.armed[ev.Timer] {
		return do
	}
	call.armed[ev.Timer] = false
	switch ev.Timer {
	case TimerRing:
		return c.rangTooLong(call, do)
	case TimerAgain:
		return c.again(call, do)
	case TimerMedia:
		return append(do, Effect{Do: Listen, Call: call})
	case TimerRenew:
		return c.renewLater(call, do)
	case TimerUsage:
		return c.unwatched(call, do)
	case TimerLong:
		return c.end(call, "too_long", nil, do)
	}
	return do
}

// rangTooLong gives up an INVITE that has no final response: RFC 3261 section
// 16.8. The CANCEL brings its transaction to an end.
func (c *Calls) rangTooLong(call *Call, do []Effect) []Effect {
	in := call.inv
	switch {
	case in == nil || in.state != proceeding:
		return do
	case in.initial:
		return c.end(call, "ring_timeout", &Refusal{Status: 408, Cause: "ring_timeout"}, do)
	}
	return c.cancelReInvite(call, do)
}

// again sends the 2xx again until its ACK comes, and gives up after 64*T1
// (RFC 3261 section 13.3.1.4).
func (c *Calls) again(call *Call, do []Effect) []Effect {
	in := call.inv
	if in == nil || in.state != answered {
		return do
	}
	in.sent += in.every
	if in.sent >= lifetime {
		return c.end(call, "no_ack", nil, do)
	}
	in.every = min(2*in.every, t2)
	do = append(do, Effect{Do: Respond, Call: call, Side: in.from, Server: in.server, Status: 200, Method: sip.INVITE, Bytes: in.final, Again: true})
	return call.arm(TimerAgain, min(in.every, lifetime-in.sent), do)
}

// mediaEvery returns how often silence is asked for, and media counted.
func (c *Calls) mediaEvery() time.Duration {
	limit := c.opt.Quiet
	if limit == 0 || c.opt.Held > 0 && c.opt.Held < limit {
		limit = c.opt.Held
	}
	if limit == 0 {
		return 5 * time.Second
	}
	return min(limit/4, 5*time.Second)
}

// heard handles the answer to Listen.
func (c *Calls) heard(ev *Event, do []Effect) []Effect {
	call := ev.Call
	if call.state != talking {
		return do
	}
	limit, cause := c.opt.Quiet, "media_timeout"
	if call.Held() {
		limit, cause = c.opt.Held, "held_timeout"
	}
	if limit > 0 && ev.Silent >= limit && len(call.streams) > 0 {
		return c.end(call, cause, nil, do)
	}
	return call.arm(TimerMedia, c.mediaEvery(), do)
}
