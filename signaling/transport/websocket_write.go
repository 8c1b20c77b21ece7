package transport

import (
	"encoding/binary"
	"unicode/utf8"
)

// appendFrame writes a frame of ours: whole, and without a mask (RFC 6455
// sections 5.1 and 5.2).
func appendFrame(to []byte, op byte, payload []byte) []byte {
	to = append(to, bitFin|op)
	switch n := len(payload); {
	case n < length16:
		to = append(to, byte(n))
	case n <= 0xffff:
		to = binary.BigEndian.AppendUint16(append(to, length16), uint16(n))
	default:
		to = binary.BigEndian.AppendUint64(append(to, length64), uint64(n))
	}
	return append(to, payload...)
}

// appendClose writes a close frame: section 5.5.1.
func appendClose(to []byte, code uint16) []byte {
	return appendFrame(to, opClose, binary.BigEndian.AppendUint16(nil, code))
}

// opcodeOf returns how a message of SIP goes: RFC 7118 section 5.1 has it as
// text where it is text, and as binary where not.
func opcodeOf(b []byte) byte {
	if utf8.Valid(b) {
		return opText
	}
	return opBinary
}
