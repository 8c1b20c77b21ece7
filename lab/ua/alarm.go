package ua

import (
	"container/heap"
	"time"
)

// Timers of RFC 3261 table 4.
const (
	t1 = 500 * time.Millisecond
	t2 = 4 * time.Second
	t4 = 5 * time.Second
)

// Ours: Trying is sent by us when nothing else was, RFC 3261 section 17.2.1.
const tryingAfter = 200 * time.Millisecond

// purpose says what an alarm is for.
type purpose uint8

const (
	resendRequest      purpose = iota + 1 // timers A and E
	expireRequest                         // timers B and F, and the wait after a CANCEL
	lingerClient                          // timers D, K and M
	resendResponse                        // timer G, and the 2xx of RFC 3261 section 13.3.1.4
	expireResponse                        // timer H, and the wait for the ACK of a 2xx
	lingerServer                          // timers I, J and L
	sendTrying                            // 100 after tryingAfter
	retryInvite                           // after 491
	sendAudio                             // the next RTP packet
	sendReport                            // the next RTCP packet
	resendProvisional                     // a reliable one, RFC 3262
	expireProvisional                     // the wait for its PRACK
	retryUpdate                           // after 491, or 500 with Retry-After
	answerLate                            // the response of an agent that is slow
	expireSubscription                    // its lifetime, and timer N of RFC 6665
	registerAgain                         // the refresh of a registration, or its next try
	expireRegistration                    // the end of what was granted
	sendKeepalive                         // the next one, RFC 5626
	expireKeepalive                       // the wait for its answer, or until it is sent again
	expireBinding                         // of a registrar
	qualifyBinding                        // the next OPTIONS to a contact
)

// An alarm is a timer that was set. Only off changes after it was.
type alarm struct {
	at          time.Duration
	seq         uint64 // alarms at the same time go off in the order in which they were set
	is          purpose
	client      *client
	server      *server
	call        *call
	sub         *subscription
	provisional *provisional
	binding     *binding
	off         bool
}

// alarms is a heap for container/heap, the next alarm first.
type alarms []*alarm

func (h alarms) Len() int      { return len(h) }
func (h alarms) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *alarms) Push(x any)   { *h = append(*h, x.(*alarm)) }
func (h alarms) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}

func (h *alarms) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}

// set adds an alarm and returns it.
func (a *Agent) set(at time.Duration, l alarm) *alarm {
	a.seq++
	l.at, l.seq = at, a.seq
	heap.Push(&a.alarms, &l)
	return &l
}

// stop takes an alarm back. It may be nil, or have gone off.
func stop(l *alarm) {
	if l != nil {
		l.off = true
	}
}

// due takes the next alarm out of the heap if it has to go off by now.
func (a *Agent) due(now time.Duration) *alarm {
	for len(a.alarms) > 0 && (a.alarms[0].off || a.alarms[0].at <= now) {
		if l := heap.Pop(&a.alarms).(*alarm); !l.off {
			return l
		}
	}
	return nil
}

// Next returns the time at which Tick has to be called, and false when
// nothing is waited for.
func (a *Agent) Next() (at time.Duration, ok bool) {
	for len(a.alarms) > 0 && a.alarms[0].off {
		heap.Pop(&a.alarms)
	}
	if len(a.alarms) == 0 {
		return 0, false
	}
	return a.alarms[0].at, true
}

// Tick does what is due by now.
func (a *Agent) Tick(now time.Duration, do []Effect) []Effect {
	for l := a.due(now); l != nil; l = a.due(now) {
		// A tick that comes late does things at their own time, so that audio
		// keeps its rhythm.
		do = a.fire(min(l.at, now), l, do)
	}
	return do
}

func (a *Agent) fire(now time.Duration, l *alarm, do []Effect) []Effect {
	switch l.is {
	case resendRequest:
		return a.resend(now, l.client, do)
	case expireRequest:
		return a.expired(now, l.client, do)
	case lingerClient:
		delete(a.clients, l.client.key)
	case resendResponse:
		return a.resendFinal(now, l.server, do)
	case expireResponse:
		return a.unacknowledged(now, l.server, do)
	case lingerServer:
		delete(a.servers, l.server.key)
	case sendTrying:
		return a.trying(l.server, do)
	case answerLate:
		return a.sendResponse(now, l.server, l.server.later.status, l.server.later.bytes, do)
	case retryInvite:
		return a.retry(now, l.call, do)
	case sendAudio:
		return a.audio(now, l.call, do)
	case resendProvisional:
		return a.resendProvisional(now, l.provisional, do)
	case expireProvisional:
		return a.unpracked(now, l.provisional, do)
	case retryUpdate:
		return a.retryUpdate(now, l.call, do)
	case expireSubscription:
		return a.lapsed(now, l.sub, do)
	case sendReport:
		return a.report(now, l.call, do)
	}
	return a.fireRegistration(now, l, do)
}

// fireRegistration is an alarm of registrations and flows.
func (a *Agent) fireRegistration(now time.Duration, l *alarm, do []Effect) []Effect {
	switch l.is {
	case registerAgain:
		return a.toRegister(now, bind, do)
	case expireRegistration:
		return a.registrationLapsed(now, do)
	case sendKeepalive:
		return a.keepAlive(now, do)
	case expireKeepalive:
		return a.unanswered(now, do)
	case expireBinding:
		return a.unbind(now, l.binding, "lapsed", do)
	case qualifyBinding:
		return a.qualify(now, l.binding, do)
	}
	return do
}
