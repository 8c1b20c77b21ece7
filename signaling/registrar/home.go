package registrar

import (
	"encoding/binary"

	"github.com/dchest/siphash"

	"sbc/signaling/sip"
)

// Home returns the virtual shard of the address-of-record in the To of m, which
// is the lowest octet of the serials of its bindings: what is for one of them
// finds its way without a look-up. key is Options.Key.
func Home(key [16]byte, m *sip.Message) uint8 {
	var buf [aorBytesMax]byte
	u := m.ToURI()
	if u.User.Len()+u.Host.Len() >= len(buf) {
		return 0 // it is refused
	}
	b := append(AppendUser(buf[:0], m.Bytes(u.User)), '@')
	host := len(b)
	b = append(b, m.Bytes(u.Host)...)
	lower(b[host:])
	return uint8(siphash.Hash(binary.LittleEndian.Uint64(key[:8])^'h', binary.LittleEndian.Uint64(key[8:]), b))
}

// at makes the lowest octet of a serial the virtual shard of its
// address-of-record.
func (q *request) at(key [16]byte, serial uint64) uint64 {
	return serial&^0xff | uint64(Home(key, q.m))
}
