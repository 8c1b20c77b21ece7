package sip

import "fmt"

// An Error says why a message, or a value, cannot be accepted, and what its
// sender deserves. Where Status is not 0, the Message is good enough for
// AppendResponse.
//
// The Error of Message.Parse belongs to the Message and lasts until its next
// Parse: refusing costs no allocation.
type Error struct {
	Cause  string // label for the counters
	Status int    // of the response; 0: none, the message is dropped
	Reason string // reason phrase; "": the status's own
	At     int    // offset in Raw of the octet where reading stopped
	Want   string // what would be right there
	Close  bool   // of ParseStream: nobody knows where the next message begins
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s at octet %d: want %s", e.Cause, e.At, e.Want)
}

// set fills e, if it does not already hold what went wrong first, and returns
// -1, for readers that return an offset. A nil e is for trying.
func (e *Error) set(cause string, status, at int, want string) int {
	if e != nil && e.Cause == "" {
		*e = Error{Cause: cause, Status: status, At: at, Want: want}
	}
	return -1
}

// syntax fills e for a value that is not what the grammar has.
func (e *Error) syntax(at int, want string) int { return e.set("syntax", 400, at, want) }

// result returns e as an error of its own, nil if nothing went wrong.
func (e *Error) result() error {
	if e.Cause == "" {
		return nil
	}
	c := *e
	return &c
}
