package mediarelay

// A PayloadMap says what the payload types of RTP that comes from one far end
// become on the way to the other side, where the two agreed on other numbers
// for one format. The zero map changes nothing. It is written before Set and
// only read after.
type PayloadMap struct {
	change [128]uint8 // by payload type as received: the bits that differ
}

// Payload types that the relay never makes.
//
// RFC 5761 section 4: with the marker bit they look like the RTCP packet
// types 192 to 223 (200 to 204 were 72 to 76 in RFC 3551 already), and whoever
// multiplexes would take them for RTCP.
const (
	firstLikeRTCP = 64
	lastLikeRTCP  = 95
)

// Map makes payload type from become to, and reports whether that may be: both
// are 0 to 127, and to is not 64 to 95, which a far end with RTP and RTCP on
// one port reads as RTCP. What is not mapped stays as it is.
func (m *PayloadMap) Map(from, to uint8) bool {
	if from > 127 || to > 127 || to >= firstLikeRTCP && to <= lastLikeRTCP {
		return false
	}
	m.change[from] = from ^ to
	return true
}

// Of returns what payload type pt, 0 to 127, becomes.
func (m *PayloadMap) Of(pt uint8) uint8 { return pt ^ m.change[pt&0x7f] }

// apply maps the payload type of p where it stands. The marker bit stays.
func (m *PayloadMap) apply(p RTP) { p[1] ^= m.change[p.PayloadType()] }
