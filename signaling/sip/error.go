package sip

import "fmt"

// An Error says why a message cannot be accepted, and what its sender
// deserves. Where Status is not 0, the Message is good enough for
// AppendResponse.
type Error struct {
	Cause  string // label for the counters
	Status int    // of the response; 0: none
	Reason string // reason phrase; "": the status's own
	At     int    // offset of the octet where reading stopped
	Want   string // what would be right there
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s at octet %d: want %s", e.Cause, e.At, e.Want)
}

func bad(cause string, status, at int, want string) *Error {
	return &Error{Cause: cause, Status: status, At: at, Want: want}
}
