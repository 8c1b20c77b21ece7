package transaction

import (
	"encoding/binary"

	"sbc/signaling/sip"
)

// A Tag is the To tag of an answer that keeps no state.
type Tag [24]byte

// StatelessTag returns the To tag for an answer to m that keeps no
// transaction: a keyed hash of Call-ID, From tag, CSeq number and top Via
// branch. A request that comes again gets the same one (RFC 3261 section
// 8.2.7), and its ACK proves by it that it belongs to our answer.
func StatelessTag(secret [16]byte, m *sip.Message) Tag {
	h := newHash(secret, domainStateless)
	h.write(m.Bytes(m.CallID()))
	h.write(m.Bytes(m.From().Tag))
	h.writeUint(uint64(m.CSeq()))
	// The ACK of a non-2xx response has the branch of its INVITE, or its whole
	// Via where there is none: RFC 3261 sections 17.1.1.3 and 17.2.3.
	via := m.Via()
	if branch := m.Bytes(via.Branch); hasCookie(branch) {
		h.write(branch)
	} else {
		h.write(m.Bytes(via.Value))
	}
	return h.tag()
}

// IsStatelessAck reports whether m is the ACK of an answer that had
// StatelessTag: it is to be swallowed.
func IsStatelessAck(secret [16]byte, m *sip.Message) bool {
	if m.Method() != sip.ACK {
		return false
	}
	want := StatelessTag(secret, m)
	return string(m.Bytes(m.To().Tag)) == string(want[:])
}

// 32 letters that look different from each other.
const tagLetters = "abcdefghijkmnpqrstuvwxyz23456789"

// tag writes 120 bits of the hash, five a letter.
func (h *hash) tag() Tag {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], h.k0)
	binary.LittleEndian.PutUint64(b[8:], h.k1)
	var t Tag
	for i := range t {
		bit := 5 * i
		word := uint(b[bit/8]) | uint(b[bit/8+1])<<8
		t[i] = tagLetters[word>>(bit%8)&31]
	}
	return t
}
