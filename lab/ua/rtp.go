package ua

import (
	"bytes"
	"encoding/binary"
	"time"
)

const rtpHeaderLen = 12 // RFC 3550 section 5.1

// Ours: the first sequence number, timestamp and SSRC of a voice follow from
// its seed, so that a receiver that knows the seed knows every octet.
func firstSeq(seed uint64) uint16   { return uint16(seed*40503 + 7) }
func firstStamp(seed uint64) uint32 { return uint32(seed*2654435761 + 160) }

// VoiceSSRC returns the SSRC that a sender with a seed uses.
func VoiceSSRC(seed uint64) uint32 { return uint32(seed*0x9e3779b1 + 0x5bc1) }

// A Sender makes the RTP packets of one voice. The zero Sender with a Voice
// is ready.
type Sender struct {
	Voice  uint64
	sent   uint32 // packets
	octets uint32
	stamp  uint32 // timestamp of the last packet
}

// Append appends the packet for the nth 20 ms of the call. A sender that
// leaves some out keeps its sequence numbers without a gap.
func (s *Sender) Append(dst []byte, c Codec, n uint32) []byte {
	return s.append(dst, byte(c), c, n)
}

// append is Append with another payload type.
func (s *Sender) append(dst []byte, payload byte, c Codec, n uint32) []byte {
	s.stamp = firstStamp(s.Voice) + n*samplesPerPacket
	dst = append(dst, 0x80, payload&0x7f)
	dst = binary.BigEndian.AppendUint16(dst, firstSeq(s.Voice)+uint16(s.sent))
	dst = binary.BigEndian.AppendUint32(dst, s.stamp)
	dst = binary.BigEndian.AppendUint32(dst, VoiceSSRC(s.Voice))
	s.sent++
	s.octets += samplesPerPacket
	return AppendVoice(dst, c, s.Voice, n)
}

// Audio is what a Receiver received.
type Audio struct {
	Packets  int           // RTP packets that came in
	Right    int           // of these, bit-exact; all well-formed ones where no voice is expected
	Wrong    int           // with another payload, SSRC, sequence number or payload type
	Lost     int           // sequence numbers left out
	Late     int           // out of order, or twice
	Gap      time.Duration // the longest time between two packets
	Reports  int           // RTCP packets that came in
	BadRTCP  int           // malformed ones
	CNAME    string        // of the last SDES
	Personal []string      // other items of an SDES
	Fax      int           // datagrams of T.38 that came in bit-exact
	BadFax   int           // and others
}

// A Receiver checks the RTP packets of one voice.
type Receiver struct {
	Voice uint64 // seed of what is expected; 0: anything
	Audio
	last    time.Duration
	running bool   // last counts for Gap
	next    uint16 // expected sequence number
	started bool
	types   []payloadType // that stand for something; nil: those of RFC 3551
	want    []byte
}

// Take takes a packet and reports whether it was right.
func (r *Receiver) Take(now time.Duration, packet []byte) bool {
	r.Packets++
	if r.running {
		r.Gap = max(r.Gap, now-r.last)
	}
	r.last, r.running = now, true
	if !r.right(packet) {
		r.Wrong++
		return false
	}
	r.Right++
	seq := binary.BigEndian.Uint16(packet[2:])
	switch ahead := int16(seq - r.next); {
	case !r.started || ahead == 0:
		r.next = seq + 1
	case ahead > 0:
		r.Lost += int(ahead)
		r.next = seq + 1
	default:
		r.Late++
		r.Lost = max(0, r.Lost-1) // it was counted as lost
	}
	r.started = true
	return true
}

// Rest lets the receiver forget when the last packet came: what follows is a
// pause that is meant.
func (r *Receiver) Rest() { r.running = false }

// A payloadType is a number that an SDP gave to a codec.
type payloadType struct {
	number byte
	codec  Codec
}

// expect lets packets be right that have a number which we gave to a format.
func (r *Receiver) expect(f farFormat) {
	codec := PCMA // of video too
	switch f.name {
	case nameDTMF:
		return
	case PCMU.String():
		codec = PCMU
	}
	for i := range r.types {
		if r.types[i].number == byte(f.number) {
			r.types[i].codec = codec
			return
		}
	}
	r.types = append(r.types, payloadType{byte(f.number), codec})
}

// codec returns what a payload type stands for.
func (r *Receiver) codec(number byte) (Codec, bool) {
	if r.types == nil {
		return Codec(number), Codec(number) == PCMA || Codec(number) == PCMU
	}
	for _, t := range r.types {
		if t.number == number {
			return t.codec, true
		}
	}
	return 0, false
}

func (r *Receiver) right(packet []byte) bool {
	if len(packet) < rtpHeaderLen || packet[0]>>6 != 2 {
		return false
	}
	if r.Voice == 0 {
		return true
	}
	stamp := binary.BigEndian.Uint32(packet[4:]) - firstStamp(r.Voice)
	codec, known := r.codec(packet[1] & 0x7f)
	if packet[0] != 0x80 || stamp%samplesPerPacket != 0 || binary.BigEndian.Uint32(packet[8:]) != VoiceSSRC(r.Voice) ||
		!known {
		return false
	}
	r.want = AppendVoice(r.want[:0], codec, r.Voice, stamp/samplesPerPacket)
	return bytes.Equal(r.want, packet[rtpHeaderLen:])
}
