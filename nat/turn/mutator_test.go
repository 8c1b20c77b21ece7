package turn

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
)

// A mutator makes messages that are nearly right, out of right ones.
type mutator struct {
	seeds [][]byte
	*rand.Rand
}

func newMutator(seeds [][]byte) *mutator {
	return &mutator{seeds, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
}

func (r *mutator) next() []byte {
	b := bytes.Clone(r.seeds[r.IntN(len(r.seeds))])
	for range r.IntN(4) {
		b = r.change(b)
	}
	if len(b) >= headerLen && r.IntN(8) > 0 && b[0] < 0x40 {
		setLength(b, 0) // so that more than the length is looked at
	}
	return b
}

// change makes one change.
func (r *mutator) change(b []byte) []byte {
	if len(b) < headerLen {
		return append(b, byte(r.Uint32()))
	}
	at := headerLen + 4*r.IntN(max((len(b)-headerLen)/4, 1))
	switch r.IntN(8) {
	case 0: // an octet
		b[r.IntN(len(b))] = byte(r.Uint32())
	case 1: // an attribute's length, or what stands there
		if at+4 <= len(b) {
			binary.BigEndian.PutUint16(b[at+2:], uint16(r.IntN(32)))
		}
	case 2: // an attribute's type
		if at+2 <= len(b) {
			binary.BigEndian.PutUint16(b[at:], uint16(r.IntN(0x30)))
		}
	case 3: // the end is missing
		b = b[:at]
	case 4: // more
		b = append(b, b[min(at, len(b)):]...)
	case 5: // an attribute of any length
		b = append(b, 0, byte(r.IntN(0x30)), 0, byte(r.IntN(24)))
		b = append(b, make([]byte, 4*r.IntN(7))...)
	case 6: // the type
		binary.BigEndian.PutUint16(b, uint16(r.IntN(0x4000)))
	case 7: // four octets are missing
		if at+4 <= len(b) {
			b = append(b[:at], b[at+4:]...)
		}
	}
	return b[:min(len(b), 1600)]
}
