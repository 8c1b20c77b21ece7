package mediarelay

import "encoding/binary"

// RTP is a view of an RTP packet (RFC 3550 section 5.1). Its methods may only
// be called when Check returned true.
type RTP []byte

const (
	version      = 2  // RFC 3550 section 5.1
	rtpHeaderLen = 12 // octets
)

// Check reports whether the fixed header, the CSRC list, the extension and
// the padding fit into the packet (RFC 3550 appendix A.1).
func (p RTP) Check() bool {
	if len(p) < rtpHeaderLen || p[0]>>6 != version {
		return false
	}
	n := rtpHeaderLen + 4*int(p[0]&0x0f)
	if p[0]&0x10 != 0 {
		if len(p) < n+4 {
			return false
		}
		n += 4 + 4*int(binary.BigEndian.Uint16(p[n+2:]))
	}
	if p[0]&0x20 != 0 {
		// The last octet counts the padding, itself included.
		pad := int(p[len(p)-1])
		if pad == 0 {
			return false
		}
		n += pad
	}
	return n <= len(p)
}

// PayloadType returns the payload type, 0 to 127.
func (p RTP) PayloadType() uint8 { return p[1] & 0x7f }

// Sequence returns the sequence number.
func (p RTP) Sequence() uint16 { return binary.BigEndian.Uint16(p[2:]) }

// Timestamp returns the timestamp, in units of the payload's clock.
func (p RTP) Timestamp() uint32 { return binary.BigEndian.Uint32(p[4:]) }

// SSRC returns the synchronization source.
func (p RTP) SSRC() uint32 { return binary.BigEndian.Uint32(p[8:]) }

// contributors returns the length of the CSRC list.
func (p RTP) contributors() int { return int(p[0] & 0x0f) }

// isRTCP tells RTCP from RTP on a shared port: the second octet of RTCP is a
// packet type of 192 to 223, which no payload type may collide with (RFC 5761
// section 4).
func isRTCP(b []byte) bool { return len(b) > 1 && b[1]&0xe0 == 0xc0 }
