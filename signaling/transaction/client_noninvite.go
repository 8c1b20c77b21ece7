package transaction

import "time"

// A ClientNonInvite sends one request that is neither INVITE nor ACK.
//
//	  Start: Send
//	    │      E: Send
//	    ▼    ┌──┐
//	  Trying ◀──┘ ──────────────┐
//	    │ 1xx: Up               │
//	    ▼    ┌──┐               │ 200-699: Up
//	Proceeding ◀┘ E: Send       │
//	    │         1xx: Up       │
//	    │ 200-699: Up           │
//	    ▼                       │
//	Completed ◀─────────────────┘
//	    │ K
//	    ▼
//	Terminated ◀── F: TimedOut, Fail: Failed, from Trying and Proceeding
//
// RFC 3261 section 17.1.2.
type ClientNonInvite struct {
	state    State
	reliable bool
	armed    timers
	e        time.Duration // the interval of timer E
	request  []byte
}

// NewClientNonInvite returns the machine that will send request, which it
// keeps until the final response comes: the caller must not change it.
func NewClientNonInvite(reliable bool, request []byte) ClientNonInvite {
	return ClientNonInvite{state: Idle, reliable: reliable, request: request}
}

var clientNonInviteEntries = [states]entry{
	Trying:     {on: []startup{{TimerE, T1, unreliable}, {TimerF, Timeout, always}}},
	Proceeding: {keep: 1<<TimerE | 1<<TimerF},
	Completed:  {on: []startup{{TimerK, T4, orZero}}},
}

// State returns the state.
func (tx *ClientNonInvite) State() State { return tx.state }

// Request returns what is sent, and nil once the final response came.
func (tx *ClientNonInvite) Request() []byte { return tx.request }

// Step tells the machine of ev and appends what is to be done to do. The
// caller drains do before the next Step.
func (tx *ClientNonInvite) Step(ev Event, do []Effect) []Effect {
	if ev.Is == Fire && !tx.armed.fired(ev.Timer) {
		return do
	}
	switch tx.state {
	case Idle:
		return tx.inIdle(ev, do)
	case Trying, Proceeding:
		return tx.inTrying(ev, do)
	case Completed:
		return tx.inCompleted(ev, do)
	}
	return do
}

func (tx *ClientNonInvite) to(s State, do []Effect) []Effect {
	tx.state = s
	do, over := tx.armed.enter(&clientNonInviteEntries[s], tx.reliable, do)
	switch {
	case over:
		return tx.to(Terminated, do)
	case s == Trying:
		tx.e = T1
	case s == Completed:
		tx.request = nil
	case s == Terminated:
		tx.request = nil
		do = append(do, Effect{Do: Gone})
	}
	return do
}

func (tx *ClientNonInvite) inIdle(ev Event, do []Effect) []Effect {
	if ev.Is == Start {
		return tx.to(Trying, append(do, Effect{Do: Send, Bytes: tx.request}))
	}
	return do
}

// inTrying is Proceeding as well: they differ in the interval of timer E.
func (tx *ClientNonInvite) inTrying(ev Event, do []Effect) []Effect {
	switch {
	case ev.Is == Response:
		do = append(do, Effect{Do: Up, Status: ev.Status, Bytes: ev.Bytes})
		if class(ev.Status) > 1 {
			return tx.to(Completed, do)
		}
		return tx.to(Proceeding, do)
	case ev.Is == Fire && ev.Timer == TimerE:
		do = append(do, Effect{Do: Send, Bytes: tx.request})
		return tx.armed.arm(TimerE, tx.nextE(), do)
	case ev.Is == Fire && ev.Timer == TimerF:
		return tx.to(Terminated, append(do, Effect{Do: TimedOut, Status: 408, Why: NoResponse}))
	case ev.Is == Fail:
		return tx.to(Terminated, append(do, Effect{Do: Failed, Status: 503, Why: TransportFail}))
	}
	return do
}

// nextE doubles up to T2; after a provisional response it is T2.
func (tx *ClientNonInvite) nextE() time.Duration {
	tx.e = min(2*tx.e, T2)
	if tx.state == Proceeding {
		tx.e = T2
	}
	return tx.e
}

// inCompleted absorbs responses that come again.
func (tx *ClientNonInvite) inCompleted(ev Event, do []Effect) []Effect {
	if ev.Is == Fire && ev.Timer == TimerK {
		return tx.to(Terminated, do)
	}
	return do
}
