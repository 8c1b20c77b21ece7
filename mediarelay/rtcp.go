package mediarelay

import "encoding/binary"

// rtcpPacket is a view of one packet of a compound packet (RFC 3550 section
// 6.4), its header included. It is cut by split, so that its length field
// fits.
type rtcpPacket []byte

// Packet types. RFC 3550 section 12.1, RFC 4585 section 6.1, RFC 3611 section 2.
const (
	typeSR    = 200
	typeRR    = 201
	typeSDES  = 202
	typeBYE   = 203
	typeAPP   = 204
	typeRTPFB = 205
	typePSFB  = 206
	typeXR    = 207
)

const (
	rtcpHeaderLen  = 4  // octets, as all below
	ssrcLen        = 4  //
	senderInfoLen  = 20 // RFC 3550 section 6.4.1
	reportBlockLen = 24 // RFC 3550 section 6.4.1
)

// split cuts the first packet off a compound one. ok is false when the
// version or a length is wrong.
func split(b []byte) (p rtcpPacket, rest []byte, ok bool) {
	if len(b) < rtcpHeaderLen || b[0]>>6 != version {
		return nil, nil, false
	}
	n := rtcpHeaderLen + 4*int(binary.BigEndian.Uint16(b[2:]))
	if n > len(b) {
		return nil, nil, false
	}
	return rtcpPacket(b[:n:n]), b[n:], true
}

func (p rtcpPacket) kind() uint8  { return p[1] }
func (p rtcpPacket) count() int   { return int(p[0] & 0x1f) }
func (p rtcpPacket) padded() bool { return p[0]&0x20 != 0 }

// body returns what follows the header, without padding. ok is false when the
// padding is more than that, or not of whole words (RFC 3550 section 6.4.1).
func (p rtcpPacket) body() (b []byte, ok bool) {
	b = p[rtcpHeaderLen:]
	if !p.padded() {
		return b, true
	}
	if len(b) == 0 {
		return nil, false
	}
	pad := int(b[len(b)-1])
	if pad == 0 || pad%4 != 0 || pad > len(b) {
		return nil, false
	}
	return b[:len(b)-pad], true
}

// CheckRTCP reports whether b is a compound packet whose lengths all fit (RFC
// 3550 appendix A.2).
//
// RFC 3550 appendix A.2 wants a report first. Feedback may stand alone where
// that was agreed (RFC 5506 section 3.4.2); the relay does not know what was
// agreed, and takes it.
func CheckRTCP(b []byte) bool {
	for first := true; first || len(b) > 0; first = false {
		p, rest, ok := split(b)
		if !ok || first && !mayBeFirst(p.kind()) {
			return false
		}
		// Padding is for the last packet only.
		if p.padded() && len(rest) > 0 {
			return false
		}
		if !p.check() {
			return false
		}
		b = rest
	}
	return true
}

func mayBeFirst(kind uint8) bool {
	return kind == typeSR || kind == typeRR || kind == typeRTPFB || kind == typePSFB
}

// check reports whether the parts that the header announces are there.
func (p rtcpPacket) check() bool {
	body, ok := p.body()
	if !ok {
		return false
	}
	switch p.kind() {
	case typeSR:
		return len(body) >= ssrcLen+senderInfoLen+p.count()*reportBlockLen
	case typeRR:
		return len(body) >= ssrcLen+p.count()*reportBlockLen
	case typeSDES:
		return checkSDES(body, p.count())
	case typeBYE:
		return len(body) >= p.count()*ssrcLen
	case typeRTPFB, typePSFB:
		return len(body) >= 2*ssrcLen
	case typeXR:
		return len(body) >= ssrcLen
	}
	return true
}
