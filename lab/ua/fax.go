package ua

import (
	"bytes"
	"encoding/binary"
)

// A faxModem sends and checks datagrams of UDPTL: a sequence number, and
// octets that follow from it and from a seed.
type faxModem struct {
	voice, hear  uint64
	sent         uint16
	right, wrong int
}

const faxLen = 48 // octets behind the sequence number

func (f *faxModem) next(dst []byte) []byte {
	f.sent++
	return appendFax(dst, f.voice, f.sent)
}

// appendFax appends the nth datagram of a seed. Numbers stay below 0x4000, so
// that the first octet tells UDPTL from RTP.
func appendFax(dst []byte, seed uint64, n uint16) []byte {
	n &= 0x3fff
	dst = binary.BigEndian.AppendUint16(dst, n)
	voice := AppendVoice(nil, PCMU, seed+77, uint32(n))
	return append(dst, voice[:faxLen]...)
}

func isUDPTL(b []byte) bool { return len(b) > 0 && b[0]>>6 == 0 }

func (f *faxModem) take(b []byte) {
	if f.hear == 0 || len(b) > 2 && bytes.Equal(b, appendFax(nil, f.hear, binary.BigEndian.Uint16(b))) {
		f.right++
	} else {
		f.wrong++
	}
}
