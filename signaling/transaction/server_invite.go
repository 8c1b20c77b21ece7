package transaction

import "time"

// A ServerInvite answers one INVITE.
//
//	               INVITE
//	                 │     Respond 1xx: Send
//	                 ▼    ┌──┐
//	             Proceeding ◀┘
//	  Respond 2xx: │   │ Respond 300-699: Send
//	         Send  │   │
//	        ┌──────┘   └──────┐
//	        ▼                 ▼
//	┌▶ Accepted ─┐        Completed ──Ack──▶ Confirmed
//	└─ Respond   │ L        │ H: TimedOut       │ I
//	  2xx: Send  └───────▶ Terminated ◀─────────┘
//
// RFC 3261 section 17.2.1, with the Accepted state of RFC 6026 section 7.1. The
// response is sent again when the INVITE comes again in Proceeding and
// Completed, and by timer G in Completed. A 2xx is sent again by the user of
// the transaction, by Respond, until its ACK comes (RFC 3261 section 13.3.1.4).
//
// The user answers 100 at once: the machine has no bytes of its own, and we
// never know that an answer will come within 200 ms.
//
// A transport error is told to the user and changes nothing else: RFC 6026
// section 8 replaces RFC 3261 section 17.2.4.
type ServerInvite struct {
	state    State
	reliable bool
	armed    timers
	last     []byte        // the response that a retransmitted INVITE gets again
	g        time.Duration // the interval of timer G
}

// NewServerInvite returns the machine for an INVITE that has just come.
// Reliable transports (TCP, TLS, WebSocket) send nothing twice.
func NewServerInvite(reliable bool) ServerInvite {
	return ServerInvite{state: Proceeding, reliable: reliable}
}

var serverInviteEntries = [states]entry{
	Accepted:  {on: []startup{{TimerL, Timeout, always}}},
	Completed: {on: []startup{{TimerG, T1, unreliable}, {TimerH, Timeout, always}}},
	Confirmed: {on: []startup{{TimerI, T4, orZero}}},
}

// State returns the state.
func (tx *ServerInvite) State() State { return tx.state }

// Step tells the machine of ev and appends what is to be done to do. The
// caller drains do before the next Step.
func (tx *ServerInvite) Step(ev Event, do []Effect) []Effect {
	if ev.Is == Fire && !tx.armed.fired(ev.Timer) {
		return do
	}
	switch tx.state {
	case Proceeding:
		return tx.inProceeding(ev, do)
	case Accepted:
		return tx.inAccepted(ev, do)
	case Completed:
		return tx.inCompleted(ev, do)
	case Confirmed:
		return tx.inConfirmed(ev, do)
	}
	return do
}

func (tx *ServerInvite) to(s State, do []Effect) []Effect {
	tx.state = s
	do, over := tx.armed.enter(&serverInviteEntries[s], tx.reliable, do)
	switch {
	case over:
		return tx.to(Terminated, do)
	case s == Completed:
		tx.g = T1
	case s == Terminated:
		tx.last = nil
		do = append(do, Effect{Do: Gone})
	}
	return do
}

func (tx *ServerInvite) inProceeding(ev Event, do []Effect) []Effect {
	switch ev.Is {
	case Request:
		return tx.again(do)
	case Respond:
		tx.last = ev.Bytes
		do = tx.again(do)
		switch class(ev.Status) {
		case 1:
			return do
		case 2:
			return tx.to(Accepted, do)
		}
		return tx.to(Completed, do)
	case Fail:
		return append(do, Effect{Do: Failed, Why: TransportFail})
	}
	return do
}

// inAccepted absorbs INVITEs that come again: RFC 6026 section 7.1. An ACK of
// a 2xx has a branch of its own, and so no way here, but for clients of RFC
// 2543 and those that use the INVITE's branch.
func (tx *ServerInvite) inAccepted(ev Event, do []Effect) []Effect {
	switch {
	case ev.Is == Ack:
		return append(do, Effect{Do: UpAck})
	case ev.Is == Respond && class(ev.Status) == 2:
		return append(do, Effect{Do: Send, Bytes: ev.Bytes})
	case ev.Is == Fire && ev.Timer == TimerL:
		return tx.to(Terminated, do)
	case ev.Is == Fail:
		return append(do, Effect{Do: Failed, Why: TransportFail})
	}
	return do
}

func (tx *ServerInvite) inCompleted(ev Event, do []Effect) []Effect {
	switch {
	case ev.Is == Request:
		return tx.again(do)
	case ev.Is == Ack:
		return tx.to(Confirmed, do)
	case ev.Is == Fire && ev.Timer == TimerG:
		tx.g = min(2*tx.g, T2)
		return tx.armed.arm(TimerG, tx.g, tx.again(do))
	case ev.Is == Fire && ev.Timer == TimerH:
		return tx.to(Terminated, append(do, Effect{Do: TimedOut, Why: NoAck}))
	case ev.Is == Fail:
		return append(do, Effect{Do: Failed, Why: TransportFail})
	}
	return do
}

// inConfirmed absorbs ACKs and INVITEs that come again.
func (tx *ServerInvite) inConfirmed(ev Event, do []Effect) []Effect {
	if ev.Is == Fire && ev.Timer == TimerI {
		return tx.to(Terminated, do)
	}
	return do
}

// again sends the last response, if there is one.
func (tx *ServerInvite) again(do []Effect) []Effect {
	if len(tx.last) == 0 {
		return do
	}
	return append(do, Effect{Do: Send, Bytes: tx.last})
}

// class returns the first digit of a status.
func class(status int) int { return status / 100 }
