package nat

import (
	"encoding/binary"
	"net/netip"
)

// A STUN is a STUN message (RFC 8489 section 5): a view into the octets that
// came in, valid as long as they are.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|0 0|   type: method and class  |  length of the attributes     |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                   magic cookie: 0x2112A442                    |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                  transaction ID, 12 octets                    |
//
// Its methods may be called where IsSTUN is true; Attributes and what stands
// upon it stop at the first attribute that does not fit, so they are safe on
// what Check has not seen.
type STUN []byte

// RFC 8489 section 5.
const (
	stunCookie     = 0x2112A442
	stunHeader     = 20 // octets
	stunAttrHeader = 4  // octets
)

// A STUNMethod is what a message is about.
type STUNMethod uint16

// The methods of RFC 8489 section 18.2, RFC 8656 section 17 and RFC 6062
// section 6.1.
const (
	MethodBinding           STUNMethod = 0x001
	MethodAllocate          STUNMethod = 0x003
	MethodRefresh           STUNMethod = 0x004
	MethodSend              STUNMethod = 0x006
	MethodData              STUNMethod = 0x007
	MethodCreatePermission  STUNMethod = 0x008
	MethodChannelBind       STUNMethod = 0x009
	MethodConnect           STUNMethod = 0x00A
	MethodConnectionBind    STUNMethod = 0x00B
	MethodConnectionAttempt STUNMethod = 0x00C
)

// A STUNClass is the role of a message in its transaction.
type STUNClass uint8

// The classes, with the values of RFC 8489 section 5.
const (
	ClassRequest STUNClass = iota
	ClassIndication
	ClassSuccess
	ClassError
)

// A Transaction is the ID that a response repeats. It should be drawn from a
// cryptographic source: whoever can guess it can answer.
type Transaction [12]byte

// IsSTUN reports whether b begins like a STUN message: two zero bits, the
// cookie, room for a header. No SIP message and no RTP packet does.
func IsSTUN(b []byte) bool {
	return len(b) >= stunHeader && b[0]&0xC0 == 0 && binary.BigEndian.Uint32(b[4:]) == stunCookie
}

// Method returns the method.
func (m STUN) Method() STUNMethod {
	t := binary.BigEndian.Uint16(m)
	return STUNMethod(t&0x000F | t>>1&0x0070 | t>>2&0x0F80)
}

// Class returns the class.
func (m STUN) Class() STUNClass {
	t := binary.BigEndian.Uint16(m)
	return STUNClass(t>>4&1 | t>>7&2)
}

// Transaction returns the transaction ID.
func (m STUN) Transaction() Transaction { return Transaction(m[8:20]) }

// stunType is the first two octets of a message.
func stunType(m STUNMethod, c STUNClass) uint16 {
	t, k := uint16(m), uint16(c)
	return t&0x000F | t&0x0070<<1 | t&0x0F80<<2 | k&1<<4 | k&2<<7
}

// Mapped returns where the sender of a response saw the request come from:
// XOR-MAPPED-ADDRESS, or the MAPPED-ADDRESS of servers of old. It is the word
// of a stranger; Refuse judges it.
func (m STUN) Mapped() (addr netip.AddrPort, ok bool) {
	if v, found := m.Find(AttrXORMappedAddress); found {
		return m.address(v, true)
	}
	if v, found := m.Find(AttrMappedAddress); found {
		return m.address(v, false)
	}
	return netip.AddrPort{}, false
}

// address reads the value of an address attribute (RFC 8489 sections 14.1 and
// 14.2).
func (m STUN) address(v []byte, xor bool) (addr netip.AddrPort, ok bool) {
	if !stunAddressFits(v) {
		return addr, false
	}
	var b [20]byte
	copy(b[:], v)
	if xor {
		b[2] ^= m[4]
		b[3] ^= m[5]
		for i := 4; i < len(v); i++ {
			b[i] ^= m[i] // the cookie, then the transaction ID: octets 4 to 19 of both
		}
	}
	port := binary.BigEndian.Uint16(b[2:])
	if len(v) == 8 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port), true
	}
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[4:])).Unmap(), port), true
}
