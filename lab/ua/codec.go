package ua

import (
	"math"
	"strconv"
)

// A Codec is one of G.711, named by its payload type of RFC 3551 section 6.
type Codec uint8

// The codecs.
const (
	PCMU Codec = 0
	PCMA Codec = 8
)

func (c Codec) String() string {
	switch c {
	case PCMU:
		return "PCMU"
	case PCMA:
		return "PCMA"
	}
	return "codec " + strconv.Itoa(int(c))
}

// Ours: 20 ms of 8 kHz in a packet, as everybody does.
const (
	samplesPerPacket = 160
	samplesPerSecond = 8000
)

// AppendVoice appends the nth packet's worth of the voice that a seed stands
// for: 160 octets of G.711. A voice is a tone with an overtone, pitched so
// that no two packets of a call are alike.
func AppendVoice(dst []byte, c Codec, seed uint64, n uint32) []byte {
	pitch := 2 * math.Pi * (300.37 + float64(seed%1000)) / samplesPerSecond
	for i := range samplesPerPacket {
		at := float64(uint64(n)*samplesPerPacket + uint64(i))
		sample := int(6000*math.Sin(pitch*at) + 2000*math.Sin(2.1*pitch*at))
		if c == PCMU {
			dst = append(dst, muLaw(sample))
		} else {
			dst = append(dst, aLaw(sample))
		}
	}
	return dst
}

// muLaw encodes a 16-bit sample. ITU-T G.711 table 2.
func muLaw(sample int) byte {
	const bias, clip = 0x84, 32635
	sign := byte(0)
	if sample < 0 {
		sample, sign = -sample, 0x80
	}
	sample = min(sample, clip) + bias
	exponent := 7
	for mask := 0x4000; exponent > 0 && sample&mask == 0; mask >>= 1 {
		exponent--
	}
	mantissa := byte(sample>>(exponent+3)) & 0x0f
	return ^(sign | byte(exponent)<<4 | mantissa)
}

// aLaw encodes a 16-bit sample. ITU-T G.711 table 1.
func aLaw(sample int) byte {
	sign := byte(0x80)
	if sample < 0 {
		sample, sign = -sample-1, 0
	}
	sample = min(sample>>3, 0xfff)
	exponent := 0
	for s := sample >> 5; s > 0; s >>= 1 {
		exponent++
	}
	mantissa := byte(sample>>max(exponent, 1)) & 0x0f
	return (sign | byte(exponent)<<4 | mantissa) ^ 0x55
}
