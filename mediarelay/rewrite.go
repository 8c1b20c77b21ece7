package mediarelay

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/dchest/siphash"
)

// cnameLen is the length of the CNAMEs that we make: 96 bits in base 64, as
// RFC 7022 section 4.2 wants them.
const cnameLen = 16

// ScratchLen is enough for what RTCP of MaxDatagram octets becomes, in octets.
//
// A chunk takes 8 octets or more, and becomes an SSRC, an item header, a CNAME
// and up to four null octets: at most 28.
const ScratchLen = MaxDatagram * 28 / 8

// rewrite writes into scratch what may cross of the compound packet b, which
// came from side and which CheckRTCP accepted:
//
//   - Of a source description the CNAME, as an opaque value. NAME, EMAIL,
//     PHONE, LOC, TOOL, NOTE and PRIV name people, places and products, and
//     many a CNAME is a user at a private address or a SIP URI.
//   - Of a BYE everything but the reason, which is free text.
//   - Reports, feedback and extended reports as they are, padding taken off.
//   - Nothing of what applications define (APP) and of packet types that are
//     not known here: what is in them cannot be told.
//
// What stands first in a compound packet always crosses. The result is a view
// of scratch, or of b where nothing had to change.
func (s *Session) rewrite(scratch, b []byte, side Side) []byte {
	if passes(b) {
		return b
	}
	out := scratch[:0]
	for len(b) > 0 {
		p, rest, ok := split(b)
		if !ok {
			break
		}
		b = rest
		body, _ := p.body()
		switch p.kind() {
		case typeSR, typeRR, typeRTPFB, typePSFB, typeXR:
			out = appendRTCP(out, p, body)
		case typeBYE:
			out = appendRTCP(out, p, body[:p.count()*ssrcLen])
		case typeSDES:
			out = s.appendSDES(out, p, body, side)
		}
	}
	return out
}

// passes reports whether b may cross as it is.
func passes(b []byte) bool {
	for len(b) > 0 {
		p, rest, ok := split(b)
		if !ok || p.padded() {
			return false
		}
		switch p.kind() {
		case typeSR, typeRR, typeRTPFB, typePSFB, typeXR:
		default:
			return false
		}
		b = rest
	}
	return true
}

// appendRTCP appends a packet with the header of p, but for padding and
// length, and body.
func appendRTCP(out []byte, p rtcpPacket, body []byte) []byte {
	out = append(out, p[0]&^0x20, p[1], 0, 0)
	binary.BigEndian.PutUint16(out[len(out)-2:], uint16(len(body)/4))
	return append(out, body...)
}

// appendSDES appends p with a CNAME of ours in each chunk that had one, and
// no other item.
func (s *Session) appendSDES(out []byte, p rtcpPacket, body []byte, side Side) []byte {
	at := len(out)
	out = appendRTCP(out, p, nil)
	for n := p.count(); n > 0; n-- {
		ssrc, cname, rest, ok := nextChunk(body)
		if !ok {
			break
		}
		body = rest
		out = append(out, ssrc...)
		if cname != nil {
			out = append(out, itemCNAME, cnameLen)
			out = s.appendCNAME(out, cname, side)
		}
		// One null octet ends the items, more fill the word.
		for out = append(out, itemEnd); (len(out)-at)%4 != 0; {
			out = append(out, itemEnd)
		}
	}
	binary.BigEndian.PutUint16(out[at+2:], uint16((len(out)-at)/4-1))
	return out
}

// appendCNAME appends what the other side gets to see of a CNAME that came
// from side. It is the same for the same CNAME in all streams of a call, as
// RFC 3550 section 6.5.1 wants for lip synchronisation, and tells nothing
// without the key.
func (s *Session) appendCNAME(out, cname []byte, side Side) []byte {
	k0 := binary.LittleEndian.Uint64(s.key[:8])
	k1 := binary.LittleEndian.Uint64(s.key[8:])
	h0, h1 := siphash.Hash128(k0^uint64(side), k1, cname)
	var bits [16]byte
	binary.LittleEndian.PutUint64(bits[:], h0)
	binary.LittleEndian.PutUint64(bits[8:], h1)
	return base64.RawURLEncoding.AppendEncode(out, bits[:cnameLen*6/8])
}
