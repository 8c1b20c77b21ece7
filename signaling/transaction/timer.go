package transaction

import "time"

// RFC 3261 table 4.
const (
	T1 = 500 * time.Millisecond // round trip time
	T2 = 4 * time.Second        // longest interval between two retransmissions, INVITE requests aside
	T4 = 5 * time.Second        // how long a message stays in the network

	// Timeout is how long a transaction tries, and how long its Accepted and
	// Completed states wait for what is still under way.
	Timeout = 64 * T1

	// lateAfter is when timer E of the client has come to T2, sooner than which
	// a request other than INVITE gets no 100: RFC 4320 section 4.1.
	lateAfter = T1 + 2*T1 + 4*T1
)

// A Timer is one of RFC 3261 table 4 and RFC 6026, or one that has no letter.
type Timer uint8

// The timers.
const (
	TimerA       Timer = iota // client INVITE: the request again
	TimerB                    // client INVITE: no response
	TimerD                    // client INVITE: waits for final responses that come again
	TimerE                    // client non-INVITE: the request again
	TimerF                    // client non-INVITE: no final response
	TimerG                    // server INVITE: the response again
	TimerH                    // server INVITE: no ACK
	TimerI                    // server INVITE: waits for ACKs that come again
	TimerJ                    // server non-INVITE: waits for requests that come again
	TimerK                    // client non-INVITE: waits for responses that come again
	TimerL                    // server INVITE: waits for INVITEs that come again after a 2xx
	TimerM                    // client INVITE: waits for 2xx that come again, or from another branch
	TimerCancel               // client INVITE: no final response after CANCEL; RFC 3261 section 9.1 gives it no letter
	TimerPending              // server non-INVITE: nothing answered yet; RFC 4320 section 4.1 gives it no letter
	timerCount
)

var timerNames = [timerCount]string{"A", "B", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "Cancel", "Pending"}

func (t Timer) String() string { return name(timerNames[:], t) }

// timers is the set of a machine's timers that are running.
type timers uint16

func (t timers) has(x Timer) bool { return t&(1<<x) != 0 }

func (t *timers) arm(x Timer, after time.Duration, do []Effect) []Effect {
	*t |= 1 << x
	return append(do, Effect{Do: Arm, Timer: x, After: after})
}

// fired takes x out of the set. False: x was stopped before, and its firing
// was on the way already.
func (t *timers) fired(x Timer) bool {
	was := t.has(x)
	*t &^= 1 << x
	return was
}

// disarmBut stops all but those of keep.
func (t *timers) disarmBut(keep timers, do []Effect) []Effect {
	for x := range timerCount {
		if t.has(x) && !keep.has(x) {
			do = append(do, Effect{Do: Disarm, Timer: x})
		}
	}
	*t &= keep
	return do
}

// A when says over which transports a timer runs.
type when uint8

const (
	always     when = iota
	unreliable      // over UDP; elsewhere nothing is sent twice, and the timer does not exist
	orZero          // over UDP; elsewhere the timer is 0, and the state is left at once
)

// An entry is what a machine does with its timers as it enters a state.
type entry struct {
	keep timers // those that go on
	on   []startup
}

type startup struct {
	timer Timer
	after time.Duration
	when  when
}

// enter carries e out. over: the state's timer is 0, so that it ends as it begins.
func (t *timers) enter(e *entry, reliable bool, do []Effect) (_ []Effect, over bool) {
	do = t.disarmBut(e.keep, do)
	for _, s := range e.on {
		switch {
		case !reliable || s.when == always:
			do = t.arm(s.timer, s.after, do)
		case s.when == orZero:
			over = true
		}
	}
	return do, over
}
