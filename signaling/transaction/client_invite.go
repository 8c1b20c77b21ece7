package transaction

import "time"

// A ClientInvite sends one INVITE.
//
//	               Start: Send
//	                 │      A: Send
//	                 ▼    ┌──┐
//	               Calling ◀─┘ ─────────────────────────┐
//	                 │ 1xx: Up                          │
//	                 ▼    ┌──┐                          │
//	  ┌───────── Proceeding ◀┘ 1xx: Up ──┐              │
//	  │ 2xx: Up                          │ 300-699:     │
//	  │                                  │ SendAck, Up  │
//	  ▼                                  ▼              │ 2xx and 300-699:
//	Accepted ◀┐                      Completed ◀┐       │ as in Proceeding
//	  │ └─────┘ 2xx: Up                │ └──────┘       ▼
//	  │                                │   300-699: SendAck
//	  │ M                              │ D, Fail: Failed
//	  └─────────▶ Terminated ◀─────────┘
//	                  ▲
//	                  └── B: TimedOut, Fail: Failed, from Calling
//	                      Cancel's timer: TimedOut, from Proceeding
//
// RFC 3261 section 17.1.1, with the Accepted state of RFC 6026 section 7.2: a
// 2xx that comes again, or from another branch of a fork, is given to the user,
// who acknowledges it.
//
// Cancel may come at any time. RFC 3261 section 9.1 lets a CANCEL go only after
// a provisional response: in Calling the machine remembers it and gives
// SendCancel with the first one, after a final response it does nothing. When
// no final response follows within 64*T1, the transaction ends.
type ClientInvite struct {
	state    State
	reliable bool
	cancel   bool // Cancel came
	armed    timers
	a        time.Duration // the interval of timer A
	request  []byte
}

// NewClientInvite returns the machine that will send request, which it keeps
// until Gone, for the ACK: the caller must not change it.
func NewClientInvite(reliable bool, request []byte) ClientInvite {
	return ClientInvite{state: Idle, reliable: reliable, request: request}
}

var clientInviteEntries = [states]entry{
	Calling:   {on: []startup{{TimerA, T1, unreliable}, {TimerB, Timeout, always}}},
	Accepted:  {on: []startup{{TimerM, Timeout, always}}},
	Completed: {on: []startup{{TimerD, Timeout, orZero}}}, // at least 32 s: 64*T1
}

// State returns the state.
func (tx *ClientInvite) State() State { return tx.state }

// Request returns the INVITE as it was sent, for AppendAck and AppendCancel;
// nil after Gone.
func (tx *ClientInvite) Request() []byte { return tx.request }

// Step tells the machine of ev and appends what is to be done to do. The
// caller drains do before the next Step.
func (tx *ClientInvite) Step(ev Event, do []Effect) []Effect {
	if ev.Is == Fire && !tx.armed.fired(ev.Timer) {
		return do
	}
	switch tx.state {
	case Idle:
		return tx.inIdle(ev, do)
	case Calling:
		return tx.inCalling(ev, do)
	case Proceeding:
		return tx.inProceeding(ev, do)
	case Accepted:
		return tx.inAccepted(ev, do)
	case Completed:
		return tx.inCompleted(ev, do)
	}
	return do
}

func (tx *ClientInvite) to(s State, do []Effect) []Effect {
	tx.state = s
	do, over := tx.armed.enter(&clientInviteEntries[s], tx.reliable, do)
	switch {
	case over:
		return tx.to(Terminated, do)
	case s == Calling:
		tx.a = T1
	case s == Terminated:
		tx.request = nil
		do = append(do, Effect{Do: Gone})
	}
	return do
}

func (tx *ClientInvite) inIdle(ev Event, do []Effect) []Effect {
	if ev.Is == Start {
		return tx.to(Calling, append(do, Effect{Do: Send, Bytes: tx.request}))
	}
	return do
}

func (tx *ClientInvite) inCalling(ev Event, do []Effect) []Effect {
	switch {
	case ev.Is == Response && class(ev.Status) == 1:
		do = tx.to(Proceeding, append(do, up(ev)))
		if tx.cancel {
			return tx.sendCancel(do)
		}
		return do
	case ev.Is == Response:
		return tx.final(ev, do)
	case ev.Is == Cancel:
		tx.cancel = true
	case ev.Is == Fire && ev.Timer == TimerA:
		tx.a = min(2*tx.a, Timeout) // timer B comes before that
		return tx.armed.arm(TimerA, tx.a, append(do, Effect{Do: Send, Bytes: tx.request}))
	case ev.Is == Fire && ev.Timer == TimerB:
		return tx.to(Terminated, append(do, Effect{Do: TimedOut, Status: 408, Why: NoResponse}))
	case ev.Is == Fail:
		return tx.to(Terminated, append(do, Effect{Do: Failed, Status: 503, Why: TransportFail}))
	}
	return do
}

func (tx *ClientInvite) inProceeding(ev Event, do []Effect) []Effect {
	switch {
	case ev.Is == Response && class(ev.Status) == 1:
		return append(do, up(ev))
	case ev.Is == Response:
		return tx.final(ev, do)
	case ev.Is == Cancel && !tx.cancel:
		tx.cancel = true
		return tx.sendCancel(do)
	case ev.Is == Fire && ev.Timer == TimerCancel:
		return tx.to(Terminated, append(do, Effect{Do: TimedOut, Status: 487, Why: NoFinal}))
	}
	return do
}

func (tx *ClientInvite) sendCancel(do []Effect) []Effect {
	return tx.armed.arm(TimerCancel, Timeout, append(do, Effect{Do: SendCancel, Bytes: tx.request}))
}

// final is the first final response.
func (tx *ClientInvite) final(ev Event, do []Effect) []Effect {
	if class(ev.Status) == 2 {
		return tx.to(Accepted, append(do, up(ev)))
	}
	return tx.to(Completed, append(do, tx.ack(), up(ev)))
}

func (tx *ClientInvite) inAccepted(ev Event, do []Effect) []Effect {
	switch {
	case ev.Is == Response && class(ev.Status) == 2:
		return append(do, up(ev))
	case ev.Is == Fire && ev.Timer == TimerM:
		return tx.to(Terminated, do)
	}
	return do
}

func (tx *ClientInvite) inCompleted(ev Event, do []Effect) []Effect {
	switch {
	case ev.Is == Response && class(ev.Status) > 2:
		return append(do, tx.ack())
	case ev.Is == Fire && ev.Timer == TimerD:
		return tx.to(Terminated, do)
	case ev.Is == Fail:
		return tx.to(Terminated, append(do, Effect{Do: Failed, Status: 503, Why: TransportFail}))
	}
	return do
}

func (tx *ClientInvite) ack() Effect { return Effect{Do: SendAck, Bytes: tx.request} }

func up(ev Event) Effect { return Effect{Do: Up, Status: ev.Status, Bytes: ev.Bytes} }
