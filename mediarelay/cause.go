package mediarelay

// A Cause says why a datagram was not forwarded.
type Cause uint8

// The causes of drops.
const (
	Pass          Cause  = iota // not dropped
	WrongSource                 // from an address that neither is pinned nor may pin
	NoRemote                    // a far end is not known yet, or has switched the stream off
	STUNAuth                    // STUN, which proves nothing here: no media line has a password (RFC 8445 section 7.3)
	RTPMalformed                // RFC 3550 appendix A.1; or it would be RTCP to a far end that multiplexes
	RTCPMalformed               // RFC 3550 appendix A.2; or a BYE or SDES of an SSRC that is not the far end's
	TooLong                     // over MaxDatagram
	Held                        // the far end may not send now, or the other one does not want to receive
	SendFailed                  // the kernel did not take it, or the port for RTCP could not be opened
	Family                      // the far end is at an address of another family than its side's
	Fork                        // from the far end of an early dialog while another one is audible, or of several behind one NAT nobody can tell which
	LatchEarly                  // from the signaling source's address, but not the described port, while that one has the first word
	LatchClosed                 // from an address that could have pinned the flow, which is pinned to another: a NAT that gave a new port in the call, or a neighbour behind it
	Unlatched                   // the other far end is not where its description says, and nothing came from it yet
	Causes        = iota        // how many there are, Pass included
)

var causeNames = [Causes]string{
	Pass:          "pass",
	WrongSource:   "wrong_source",
	NoRemote:      "no_remote",
	STUNAuth:      "stun_auth",
	RTPMalformed:  "rtp_malformed",
	RTCPMalformed: "rtcp_malformed",
	TooLong:       "rtp_too_long",
	Held:          "held",
	SendFailed:    "send_failed",
	Family:        "family",
	Fork:          "fork",
	LatchEarly:    "latch_early",
	LatchClosed:   "latch_closed",
	Unlatched:     "unlatched",
}

// String returns the label of the cause in metrics.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return "unknown"
}

// MaxDatagram is the length of the longest datagram that is relayed, in
// octets. Media that has to cross the Internet stays far below.
const MaxDatagram = 2048
