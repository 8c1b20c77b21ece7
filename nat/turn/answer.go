package turn

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"

	"sbc/nat"
)

// The lengths of RFC 8489 sections 5 and 14.5, in octets.
const (
	headerLen     = 20
	attrHeaderLen = 4
	integrityLen  = sha1.Size
)

// The bits of the class in the type of a message (RFC 8489 section 5).
const (
	errorClass = 0x0110
	classMask  = 0x0110
)

// A status is the number of an error response.
type status int

// The statuses that we give (RFC 8489 section 14.8, RFC 8656 section 19).
const (
	badRequest         status = 400
	unauthorized       status = 401
	forbidden          status = 403
	unknownAttribute   status = 420
	allocationMismatch status = 437
	staleNonce         status = 438
	familyNotSupported status = 440
	wrongCredentials   status = 441
	transportNotUDP    status = 442
	familyMismatch     status = 443
	quotaReached       status = 486
	insufficient       status = 508
)

var reasons = map[status]string{
	badRequest: "Bad Request", unauthorized: "Unauthorized", forbidden: "Forbidden",
	unknownAttribute: "Unknown Attribute", allocationMismatch: "Allocation Mismatch", staleNonce: "Stale Nonce",
	familyNotSupported: "Address Family not Supported", wrongCredentials: "Wrong Credentials",
	transportNotUDP: "Unsupported Transport Protocol", familyMismatch: "Peer Address Family Mismatch",
	quotaReached: "Allocation Quota Reached", insufficient: "Insufficient Capacity",
}

// beginAnswer appends the header and ERROR-CODE of an answer to m.
func beginAnswer(b []byte, m nat.STUN, s status) []byte {
	b = beginLike(b, m)
	binary.BigEndian.PutUint16(b[len(b)-headerLen:], binary.BigEndian.Uint16(m)&^classMask|errorClass)
	value := append([]byte{0, 0, byte(s / 100), byte(s % 100)}, reasons[s]...)
	return appendAttr(b, nat.AttrErrorCode, value)
}

// beginLike appends the header of a message of m's type and transaction.
func beginLike(b []byte, m nat.STUN) []byte {
	b = append(b, m[:2]...)
	b = append(b, 0, 0)
	return append(b, m[4:headerLen]...)
}

// appendAttr appends an attribute and what pads it.
func appendAttr(b []byte, a nat.Attr, value []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(a))
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	for n := len(value); n%4 != 0; n++ {
		b = append(b, 0)
	}
	return b
}

// setLength writes the length of a message into its header; more is what will
// be appended yet.
func setLength(m []byte, more int) {
	binary.BigEndian.PutUint16(m[2:], uint16(len(m)-headerLen+more))
}

// sign appends MESSAGE-INTEGRITY (RFC 8489 section 14.5) to m, which ends
// there.
func sign(m, key []byte) []byte {
	setLength(m, attrHeaderLen+integrityLen)
	h := hmac.New(sha1.New, key)
	h.Write(m)
	return appendAttr(m, nat.AttrMessageIntegrity, h.Sum(nil))
}

// signedBy returns a function that knows whether a key made the integrity of
// m, which the guard has passed: nothing but FINGERPRINT and the other
// integrity stands behind it.
func signedBy(m nat.STUN) (with func(key []byte) bool, found bool) {
	at := headerLen
	var sum []byte
	for a, v := range m.Attributes {
		if a == nat.AttrMessageIntegrity {
			sum = v
			break
		}
		at += attrHeaderLen + (len(v)+3)&^3
	}
	if sum == nil {
		return nil, false
	}
	text := append(make([]byte, 0, at), m[:at]...)
	setLength(text, attrHeaderLen+integrityLen)
	return func(key []byte) bool {
		h := hmac.New(sha1.New, key)
		h.Write(text)
		return hmac.Equal(sum, h.Sum(nil))
	}, true
}
