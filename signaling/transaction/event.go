package transaction

import "time"

// A Kind says what happened.
type Kind uint8

// The kinds of events. A machine ignores those that its table does not have.
const (
	Start    Kind = iota // client: send the request
	Request              // server: the request came again
	Ack                  // server INVITE: an ACK came that has this transaction's key
	Response             // client: a response came; Status, Bytes
	Respond              // server: the user of the transaction sends a response; Status, Bytes
	Cancel               // client INVITE: the user wants it cancelled
	Fire                 // Timer fired
	Fail                 // the transport could not send what Send gave it
	Abandon              // server non-INVITE: its user has no answer, and for one it is too late
	Pending              // server non-INVITE: its user does not answer at once
	kinds
)

var kindNames = [kinds]string{"start", "request", "ack", "response", "respond", "cancel", "fire", "fail", "abandon", "pending"}

func (k Kind) String() string { return name(kindNames[:], k) }

// An Event is what a machine is told.
type Event struct {
	Is     Kind
	Timer  Timer // of Fire
	Status int   // of Response and Respond: 100 to 699

	// Bytes is the response, as it came or as it shall go. A server keeps what
	// Respond gave until the next Respond or until Gone, so that it can be sent
	// again: the caller must not change it. Nothing else is kept.
	Bytes []byte
}

// An Action says what the caller must do.
type Action uint8

// The actions.
const (
	Send       Action = iota // put Bytes on the wire
	Arm                      // let Timer fire After from now; it is not running
	Disarm                   // stop Timer; it is running
	Up                       // give the response of the event to the user; Status, Bytes
	UpAck                    // give the ACK of the event to the user
	SendAck                  // client INVITE: send AppendAck of the INVITE, which is Bytes, and the response of the event
	SendCancel               // client INVITE: send AppendCancel of the INVITE, which is Bytes, as a transaction of its own
	TimedOut                 // tell the user that nothing came in time: Why; Status: what it counts as
	Failed                   // tell the user that the transport cannot send; Status: what it counts as
	Late                     // server non-INVITE: tell the user that it is time for a 100
	Gone                     // the transaction ended: forget it; no timer of it is running
	actions
)

var actionNames = [actions]string{"send", "arm", "disarm", "up", "up ACK", "send ACK", "send CANCEL", "timed out", "failed", "late", "gone"}

func (a Action) String() string { return name(actionNames[:], a) }

// An Effect is what a machine wants done.
type Effect struct {
	Do     Action
	Timer  Timer         // of Arm and Disarm
	After  time.Duration // of Arm
	Status int           // of Up; of TimedOut and Failed, at a client: the status that the user acts on
	Why    Cause         // of TimedOut and Failed
	Bytes  []byte        // of Send, Up, SendAck and SendCancel
}

// A Cause tells why a transaction did not go as it should.
type Cause uint8

// The causes.
const (
	NoCause       Cause = iota
	NoResponse          // timer B or F: no (final) response. RFC 3261 section 8.1.3.1: as if 408 had come
	NoAck               // timer H: the final response was not acknowledged
	NoFinal             // cancelled, and no final response followed: RFC 3261 section 9.1
	TransportFail       // RFC 3261 section 8.1.3.1: as if 503 had come
	causes
)

var causeNames = [causes]string{"", "no_response", "no_ack", "no_final", "transport"}

// String returns the cause as metrics and traces name it.
func (c Cause) String() string { return name(causeNames[:], c) }

// A State is one of the states of RFC 3261 section 17.
type State uint8

// The states. Each machine has some of them.
const (
	Idle State = iota // a client before Start
	Calling
	Trying
	Proceeding
	Accepted // RFC 6026
	Completed
	Confirmed
	Terminated
	states
)

var stateNames = [states]string{"Idle", "Calling", "Trying", "Proceeding", "Accepted", "Completed", "Confirmed", "Terminated"}

func (s State) String() string { return name(stateNames[:], s) }

func name[T ~uint8](names []string, i T) string {
	if int(i) < len(names) {
		return names[i]
	}
	return "unknown"
}
