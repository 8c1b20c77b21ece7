package ua

import (
	"net/netip"
	"time"

	"sbc/signaling/sip"
)

// Call names a call of an agent: 1, 2, … in the order in which they began.
type Call int

// An Action is what an Effect asks for.
type Action uint8

// The actions.
const (
	Send  Action = iota + 1 // send Bytes from the local address From to To
	Open                    // open a UDP socket at From
	Close                   // close the socket at From
	Tell                    // Event happened
)

// An Effect is something that the caller of an Agent has to do.
type Effect struct {
	Do       Action
	From, To netip.AddrPort
	Bytes    []byte // never changed afterwards
	Event    Event
}

// Kind says what happened.
type Kind uint8

// The kinds of events.
const (
	Incoming  Kind = iota + 1 // an INVITE came in; Ring, Progress, Answer or Reject it
	Ringing                   // a provisional response over 100, Status; Text is "early" where it had SDP
	Answered                  // the call is up: the 2xx came, or the ACK for ours
	Reoffered                 // the far end's re-INVITE was answered with Status, and the ACK came
	Reinvited                 // our re-INVITE was answered with Status
	Glare                     // our re-INVITE met the far end's: 491, it will be sent again
	Info                      // an INFO came in; Text is its body
	Replied                   // our INFO or OPTIONS, Text, was answered with Status; 408: not at all
	Heard                     // a second's worth of right audio came in since the last offer/answer
	Unacked                   // no ACK came for our final response, Status
	Ended                     // the call is over, for Cause
	Ignored                   // a command that the state of the call does not allow, Text
	Violation                 // the far end broke a rule, Text
)

var kindNames = [...]string{
	Incoming: "incoming", Ringing: "ringing", Answered: "answered", Reoffered: "reoffered", Reinvited: "reinvited",
	Glare: "glare", Info: "info", Replied: "replied", Heard: "heard", Unacked: "unacked", Ended: "ended", Ignored: "ignored",
	Violation: "violation",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "unknown"
}

// Cause says why a call ended.
type Cause uint8

// The causes.
const (
	ByFar     Cause = iota + 1 // the far end sent BYE
	ByUs                       // we sent BYE
	Cancelled                  // the caller cancelled it: CANCEL and 487
	Rejected                   // a final response of 300 to 699, Status
	NoAnswer                   // the far end did not answer a request
	NoAck                      // our 2xx was not acknowledged
	Broken                     // the far end's SDP or ACK left us without a session
)

var causeNames = [...]string{
	ByFar: "far end hung up", ByUs: "we hung up", Cancelled: "cancelled", Rejected: "rejected",
	NoAnswer: "no answer to a request", NoAck: "no ACK", Broken: "no session",
}

func (c Cause) String() string {
	if int(c) < len(causeNames) && causeNames[c] != "" {
		return causeNames[c]
	}
	return "unknown"
}

// An Event is what an agent tells its user.
type Event struct {
	Is      Kind
	At      time.Duration
	Call    Call // 0: no call, for an OPTIONS outside of one
	Status  int
	Cause   Cause        // of Ended
	Text    string       // see Kind
	Message *sip.Message // that caused it, where one did
	Sent    int          // RTP packets sent in the call, of Ended
	Audio   Audio        // what came in in the call, of Ended
}

func tell(e Event, do []Effect) []Effect { return append(do, Effect{Do: Tell, Event: e}) }
