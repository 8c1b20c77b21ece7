package transaction

// A ServerNonInvite answers one request that is neither INVITE nor ACK.
//
//	 request
//	    │
//	    ▼
//	  Trying ◀┐ Pending:   │
//	    │  │  │ Arm        │
//	    │  └──┘ timer: Late│
//	    │ Respond 1xx:     │
//	    │ Send             │
//	    ▼    ┌──┐          │ Respond 200-699:
//	Proceeding ◀┘ Respond  │ Send
//	    │         1xx: Send│
//	    │ Respond 200-699: │
//	    ▼ Send             │
//	Completed ◀────────────┘
//	    │ J
//	    ▼
//	Terminated
//
// RFC 3261 section 17.2.2. A request that comes again gets the last response
// again, or nothing in Trying. Where no answer came in time, the user has none
// either: RFC 4320 section 4.2 forbids 408, which would come too late; Abandon
// leads from Trying and Proceeding to Terminated. A transport error is told to
// the user and changes nothing else: RFC 6026 section 8 replaces RFC 3261
// section 17.2.4.
//
// RFC 4320 section 4.1 wants a 100, over any transport, where no answer came
// until the client's timer E has come to T2, and none sooner over UDP. A user
// that does not answer at once says Pending, and is told by Late that it is
// time for the 100. Over a stream it is no sooner either.
type ServerNonInvite struct {
	state    State
	reliable bool
	armed    timers
	last     []byte // the response that a retransmitted request gets again
}

// NewServerNonInvite returns the machine for a request that has just come.
func NewServerNonInvite(reliable bool) ServerNonInvite {
	return ServerNonInvite{state: Trying, reliable: reliable}
}

var serverNonInviteEntries = [states]entry{
	Completed: {on: []startup{{TimerJ, Timeout, orZero}}},
}

// State returns the state.
func (tx *ServerNonInvite) State() State { return tx.state }

// Step tells the machine of ev and appends what is to be done to do. The
// caller drains do before the next Step.
func (tx *ServerNonInvite) Step(ev Event, do []Effect) []Effect {
	if ev.Is == Fire && !tx.armed.fired(ev.Timer) {
		return do
	}
	switch tx.state {
	case Trying:
		return tx.inTrying(ev, do)
	case Proceeding:
		return tx.inProceeding(ev, do)
	case Completed:
		return tx.inCompleted(ev, do)
	}
	return do
}

func (tx *ServerNonInvite) to(s State, do []Effect) []Effect {
	tx.state = s
	do, over := tx.armed.enter(&serverNonInviteEntries[s], tx.reliable, do)
	switch {
	case over:
		return tx.to(Terminated, do)
	case s == Terminated:
		tx.last = nil
		do = append(do, Effect{Do: Gone})
	}
	return do
}

func (tx *ServerNonInvite) inTrying(ev Event, do []Effect) []Effect {
	switch {
	case ev.Is == Pending && !tx.armed.has(TimerPending):
		return tx.armed.arm(TimerPending, lateAfter, do)
	case ev.Is == Fire && ev.Timer == TimerPending:
		return append(do, Effect{Do: Late})
	}
	return tx.inProceeding(ev, do)
}

// inProceeding is the rest of Trying as well: there the machine has no
// response yet.
func (tx *ServerNonInvite) inProceeding(ev Event, do []Effect) []Effect {
	switch ev.Is {
	case Request:
		return tx.again(do)
	case Respond:
		tx.last = ev.Bytes
		do = tx.again(do)
		if class(ev.Status) > 1 {
			return tx.to(Completed, do)
		}
		return tx.to(Proceeding, do)
	case Abandon:
		return tx.to(Terminated, do)
	case Fail:
		return append(do, Effect{Do: Failed, Why: TransportFail})
	}
	return do
}

// inCompleted discards further responses: RFC 3261 section 17.2.2.
func (tx *ServerNonInvite) inCompleted(ev Event, do []Effect) []Effect {
	switch {
	case ev.Is == Request:
		return tx.again(do)
	case ev.Is == Fire && ev.Timer == TimerJ:
		return tx.to(Terminated, do)
	case ev.Is == Fail:
		return append(do, Effect{Do: Failed, Why: TransportFail})
	}
	return do
}

func (tx *ServerNonInvite) again(do []Effect) []Effect {
	if len(tx.last) == 0 {
		return do
	}
	return append(do, Effect{Do: Send, Bytes: tx.last})
}
