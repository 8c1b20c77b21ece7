package bleed

import (
	"bytes"
	"encoding/binary"
)

// A talker is where a sender of RTP is.
type talker struct {
	mark [8]byte // who it is, in every packet
	ssrc uint32
	seq  uint16
	ts   uint32
}

// samples of PCMU in a packet.
const samples = 160

// next moves to the next packet.
func (t *talker) next() { t.seq++; t.ts += samples }

// packet writes the packet at which t is: PCMU whose octets are t's mark.
func (t *talker) packet(b []byte) []byte {
	b = append(b[:0], 0x80, 0)
	b = binary.BigEndian.AppendUint16(b, t.seq)
	b = binary.BigEndian.AppendUint32(b, t.ts)
	b = binary.BigEndian.AppendUint32(b, t.ssrc)
	for range samples / len(t.mark) {
		b = append(b, t.mark[:]...)
	}
	return b
}

// report writes a sender report whose NTP timestamp is t's mark (RFC 3550
// section 6.4.1).
func (t *talker) report(b []byte) []byte {
	b = append(b[:0], 0x80, 200, 0, 6)
	b = binary.BigEndian.AppendUint32(b, t.ssrc)
	b = append(b, t.mark[:]...)
	b = binary.BigEndian.AppendUint32(b, t.ts)
	b = binary.BigEndian.AppendUint32(b, uint32(t.seq))
	return binary.BigEndian.AppendUint32(b, uint32(t.seq)*samples)
}

// carries reports whether the packet b is of t.
func (t *talker) carries(b []byte) bool { return bytes.Contains(b, t.mark[:]) }

// sequence returns the sequence number of the RTP packet b.
func sequence(b []byte) uint16 { return binary.BigEndian.Uint16(b[2:]) }

// isRTP tells RTP of ours from RTCP of ours.
func isRTP(b []byte) bool { return len(b) == 12+samples && b[1] < 200 }
