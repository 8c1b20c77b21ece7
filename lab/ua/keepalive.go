package ua

import (
	"cmp"
	"net/netip"
	"time"
)

// Keeping is how a phone keeps its flow alive. RFC 5626 section 3.5.
type Keeping uint8

// The kinds of keep-alives.
const (
	KeepNone Keeping = iota
	KeepCRLF         // a double CRLF: on a stream a CRLF comes back (section 3.5.1), on UDP nothing
	KeepSTUN         // on UDP a STUN Binding request (section 3.5.2); on a stream as KeepCRLF
)

// A Keepalive says how and how often. It begins with the first Register.
type Keepalive struct {
	With  Keeping
	Every time.Duration // 0: 25 s
}

// RFC 5626 section 4.4.1, RFC 8489 section 6.2.1.
const (
	pongMax    = 10 * time.Second
	stunRTO    = 500 * time.Millisecond
	stunTries  = 7
	stunWait   = 16 * stunRTO // behind the last
	keepNormal = 25 * time.Second
)

// keeping is what an agent knows of its flow to the peer.
type keeping struct {
	next   *alarm
	wait   *alarm         // for the answer
	pings  int            // on this connection that have no CRLF yet
	ping   []byte         // the STUN request that has no answer yet
	tries  int            // of it
	mapped netip.AddrPort // that the last answer showed

	answered []byte // the last request for whose answer nobody waits any more
}

// SetKeepalive changes how the agent keeps its flow alive, from now on.
func (a *Agent) SetKeepalive(now time.Duration, k Keepalive, do []Effect) []Effect {
	a.o.Keepalive = k
	a.keep.stop()
	return a.keepFlow(now, do)
}

func (k *keeping) stop() {
	stop(k.next)
	stop(k.wait)
	if k.ping != nil {
		k.answered = k.ping
	}
	k.next, k.wait, k.ping = nil, nil, nil
}

// keepFlow waits for the next keep-alive.
func (a *Agent) keepFlow(now time.Duration, do []Effect) []Effect {
	stop(a.keep.next)
	every := a.o.Keepalive.Every
	if every == 0 {
		every = keepNormal
	}
	if a.keep.next = nil; a.o.Keepalive.With != KeepNone {
		a.keep.next = a.set(now+every, alarm{is: sendKeepalive})
	}
	return do
}

// keepAlive sends a keep-alive, unless the last one still waits.
func (a *Agent) keepAlive(now time.Duration, do []Effect) []Effect {
	do = a.keepFlow(now, do)
	switch {
	case a.keep.wait != nil:
		return do
	case a.o.Stream:
		a.keep.pings++
		a.keep.wait = a.set(now+pongMax, alarm{is: expireKeepalive})
		return a.send(a.o.Peer, []byte(crlf+crlf), do)
	case a.o.Keepalive.With == KeepCRLF:
		return a.send(a.o.Peer, []byte(crlf+crlf), do)
	}
	a.keep.ping, a.keep.tries = a.bindingRequest(), 0
	return a.ping(now, do)
}

// ping sends a STUN request, once more each time.
func (a *Agent) ping(now time.Duration, do []Effect) []Effect {
	wait := stunRTO << a.keep.tries
	if a.keep.tries++; a.keep.tries == stunTries {
		wait = stunWait
	}
	a.keep.wait = a.set(now+wait, alarm{is: expireKeepalive})
	return a.send(a.o.Peer, a.keep.ping, do)
}

// unanswered is the end of the wait for the answer to a keep-alive.
func (a *Agent) unanswered(now time.Duration, do []Effect) []Effect {
	a.keep.wait = nil
	if a.keep.ping != nil && a.keep.tries < stunTries {
		return a.ping(now, do)
	}
	if a.keep.ping != nil {
		a.keep.answered, a.keep.ping = a.keep.ping, nil
	}
	return a.flowFailed(now, "no answer to a keep-alive", do)
}

// flowFailed registers anew, for who has bound us by the flow that is gone. RFC
// 5626 section 4.4.1.
func (a *Agent) flowFailed(now time.Duration, why string, do []Effect) []Effect {
	do = tell(Event{Is: FlowFailed, At: now, Text: why}, do)
	if !a.Registered() {
		return do
	}
	return a.toRegister(now, bind, do)
}

// Broke tells an agent on a stream that its connection to the peer is gone: it
// registers again, by another one.
func (a *Agent) Broke(now time.Duration, do []Effect) []Effect {
	stop(a.keep.wait)
	a.keep.wait, a.keep.pings = nil, 0
	if r := a.reg; r != nil && r.asking != nil { // nobody will answer it
		a.forget(r.asking)
		r.asking = nil
		do = tell(Event{Is: FlowFailed, At: now, Text: "the connection broke"}, do)
		return a.toRegister(now, cmp.Or(r.next, r.doing), do)
	}
	return a.flowFailed(now, "the connection broke", do)
}

// lines takes what holds CRLF only: a ping, or on a stream its pong. RFC 5626
// section 4.4.1.
func (a *Agent) lines(now time.Duration, from netip.AddrPort, n int, do []Effect) []Effect {
	switch {
	case !a.o.Stream:
		return do
	case n >= len(crlf+crlf):
		return a.send(from, []byte(crlf), do)
	case a.keep.pings == 0:
		return a.violation(now, 0, "CRLF that answers no keep-alive", do)
	}
	if a.keep.pings--; a.keep.wait == nil { // too late
		return do
	}
	stop(a.keep.wait)
	a.keep.wait = nil
	return tell(Event{Is: KeptAlive, At: now}, do)
}
