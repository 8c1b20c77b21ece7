package sip

// A Method is a request method that the SBC knows.
type Method uint8

// The methods. UnknownMethod is all others.
const (
	UnknownMethod Method = iota
	INVITE
	ACK
	BYE
	CANCEL
	OPTIONS
	REGISTER
	PRACK
	UPDATE
	INFO
	SUBSCRIBE
	NOTIFY
	REFER
	MESSAGE
	PUBLISH
	methods
)

var methodNames = [methods]string{
	"unknown", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK",
	"UPDATE", "INFO", "SUBSCRIBE", "NOTIFY", "REFER", "MESSAGE", "PUBLISH",
}

// String returns the method as it stands in messages, "unknown" for others.
func (m Method) String() string { return methodNames[m] }

// ParseMethod returns the method that b names. Methods are case-sensitive
// (RFC 3261 section 7.1).
func ParseMethod(b []byte) Method {
	switch string(b) {
	case "INVITE":
		return INVITE
	case "ACK":
		return ACK
	case "BYE":
		return BYE
	case "CANCEL":
		return CANCEL
	case "OPTIONS":
		return OPTIONS
	case "REGISTER":
		return REGISTER
	case "PRACK":
		return PRACK
	case "UPDATE":
		return UPDATE
	case "INFO":
		return INFO
	case "SUBSCRIBE":
		return SUBSCRIBE
	case "NOTIFY":
		return NOTIFY
	case "REFER":
		return REFER
	case "MESSAGE":
		return MESSAGE
	case "PUBLISH":
		return PUBLISH
	}
	return UnknownMethod
}
