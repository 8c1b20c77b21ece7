package sdp

// A Direction is one of the four direction attributes, as its sender sees it
// (RFC 8866 section 6.7).
type Direction uint8

// The directions; the zero Direction is none.
const (
	SendRecv Direction = iota + 1
	SendOnly
	RecvOnly
	Inactive
)

var directionNames = [...]string{"", "sendrecv", "sendonly", "recvonly", "inactive"}

func (d Direction) String() string { return directionNames[d] }

// Sends reports whether d sends.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly }

// Receives reports whether d receives.
func (d Direction) Receives() bool { return d == SendRecv || d == RecvOnly }

// Reverse returns d as the other side sees it.
func (d Direction) Reverse() Direction { return Dir(d.Receives(), d.Sends()) }

// Dir returns the direction that sends and receives.
func Dir(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	}
	return Inactive
}

// direction returns the direction that an a= line names, or 0.
func direction(attr []byte) Direction {
	switch string(attr) {
	case "sendrecv":
		return SendRecv
	case "sendonly":
		return SendOnly
	case "recvonly":
		return RecvOnly
	case "inactive":
		return Inactive
	}
	return 0
}
