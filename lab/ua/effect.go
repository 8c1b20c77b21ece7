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
	Incoming           Kind = iota + 1 // an INVITE came in; Ring, Progress, Answer or Reject it
	Ringing                            // a provisional response over 100, Status; Text is "early" where it had SDP
	Answered                           // the call is up: the 2xx came, or the ACK for ours
	Reoffered                          // the far end's re-INVITE was answered with Status, and the ACK came
	Reinvited                          // our re-INVITE was answered with Status
	Glare                              // our re-INVITE met the far end's: 491, it will be sent again
	Info                               // an INFO came in; Text is its body
	Replied                            // our request other than INVITE, of the method Text, was answered with Status; 408: not at all
	Heard                              // a second's worth of right audio came in since the last offer/answer
	Unacked                            // no ACK came for our final response, Status
	Ended                              // the call is over, for Cause
	Ignored                            // a command that the state of the call does not allow, Text
	Violation                          // the far end broke a rule, Text
	Referred                           // a REFER came in and was answered with Status; Other is the call that follows it, Text the target
	Progressed                         // a NOTIFY told Status of the call that our REFER asked for
	Transferred                        // and its outcome, Status
	Replaced                           // the call is given up for Other, which replaces it
	Acknowledged                       // a PRACK acknowledged our provisional response
	Subscribed                         // a SUBSCRIBE came in and was accepted, for the package Text
	Notified                           // a NOTIFY came in; Text is its body
	ForkedSubscription                 // one more notifier answers the SUBSCRIBE of Other
	Asked                              // a MESSAGE, PUBLISH, unsolicited NOTIFY or unknown method came in; Text is the text or the method
	Unsubscribed                       // a subscription is over; Text is the reason

	Registered         // our REGISTER was granted for Seconds; Text is our Contact
	Unregistered       // our contacts are bound no more: they were taken back, with Status, or Text is "lapsed"
	RegistrationFailed // our REGISTER was refused with Status, 408: not answered; Text is "for good" where it is not tried again
	KeptAlive          // our keep-alive was answered; Text is the address that STUN shows
	FlowFailed         // our flow to the peer is gone, Text says why; who is registered registers anew
	Bound              // of a registrar: User registered the contact Text for Seconds
	Unbound            // a contact of User is bound no more; Text is the contact and why
	RegisterRefused    // a REGISTER of User was refused with Status, Text says why; challenges are not told
	Qualified          // an OPTIONS found the contact Text of User reachable, Status 2xx, or not
)

var kindNames = [...]string{
	Incoming: "incoming", Ringing: "ringing", Answered: "answered", Reoffered: "reoffered", Reinvited: "reinvited",
	Glare: "glare", Info: "info", Replied: "replied", Heard: "heard", Unacked: "unacked", Ended: "ended", Ignored: "ignored",
	Violation: "violation", Referred: "referred", Progressed: "progressed", Transferred: "transferred", Replaced: "replaced",
	Acknowledged: "acknowledged", Subscribed: "subscribed", Asked: "asked", Notified: "notified",
	ForkedSubscription: "forked subscription", Unsubscribed: "unsubscribed",
	Registered: "registered", Unregistered: "unregistered", RegistrationFailed: "registration failed",
	KeptAlive: "kept alive", FlowFailed: "flow failed", Bound: "bound", Unbound: "unbound",
	RegisterRefused: "REGISTER refused", Qualified: "qualified",
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
	Forgotten                  // we lost our power
)

var causeNames = [...]string{
	ByFar: "far end hung up", ByUs: "we hung up", Cancelled: "cancelled", Rejected: "rejected",
	NoAnswer: "no answer to a request", NoAck: "no ACK", Broken: "no session", Forgotten: "forgotten",
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
	Call    Call // or the subscription or exchange; 0: none
	Other   Call // see Kind; of Incoming: the call that Replaces names
	Status  int
	Cause   Cause        // of Ended
	Text    string       // see Kind
	User    string       // of the address-of-record, of events of a registrar
	Seconds int          // of Registered and Bound
	Message *sip.Message // that caused it, where one did
	Sent    int          // RTP packets sent in the call, of Ended
	Audio   Audio        // what came in in the call, of Ended
	Video   Audio        // the same of its video line
}

func tell(e Event, do []Effect) []Effect { return append(do, Effect{Do: Tell, Event: e}) }
