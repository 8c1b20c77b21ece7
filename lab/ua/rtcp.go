package ua

import (
	"encoding/binary"
	"errors"
	"time"
)

// Packet types and SDES items of RFC 3550 section 12.
const (
	rtcpSR   = 200
	rtcpSDES = 202

	sdesCNAME = 1
	sdesTool  = 6
	sdesPriv  = 8
)

// AppendReport appends a compound RTCP packet: a sender report, and an SDES
// with every item that can name a person or a place. RFC 3550 section 6.4.1
// and 6.5.
func (s *Sender) AppendReport(dst []byte, now time.Duration, items []string) []byte {
	ssrc := VoiceSSRC(s.Voice)
	dst = append(dst, 0x80, rtcpSR, 0, 6)
	dst = binary.BigEndian.AppendUint32(dst, ssrc)
	dst = binary.BigEndian.AppendUint32(dst, uint32(now/time.Second))
	dst = binary.BigEndian.AppendUint32(dst, uint32(uint64(now%time.Second)<<32/uint64(time.Second)))
	dst = binary.BigEndian.AppendUint32(dst, s.stamp)
	dst = binary.BigEndian.AppendUint32(dst, s.sent)
	dst = binary.BigEndian.AppendUint32(dst, s.octets)
	start := len(dst)
	dst = append(dst, 0x81, rtcpSDES, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, ssrc)
	for i, item := range items {
		if item != "" {
			dst = append(dst, byte(sdesCNAME+i), byte(len(item)))
			dst = append(dst, item...)
		}
	}
	dst = append(dst, 0) // ends the items; then up to a 32-bit boundary
	for (len(dst)-start)%4 != 0 {
		dst = append(dst, 0)
	}
	binary.BigEndian.PutUint16(dst[start+2:], uint16((len(dst)-start)/4-1))
	return dst
}

// TakeReport takes a compound RTCP packet.
func (r *Receiver) TakeReport(packet []byte) {
	r.Reports++
	if err := r.walk(packet); err != nil {
		r.BadRTCP++
	}
}

var errRTCP = errors.New("malformed RTCP")

// walk checks a compound packet as RFC 3550 section A.2 does, and reads its
// SDES.
func (r *Receiver) walk(b []byte) error {
	for len(b) > 0 {
		if len(b) < 4 || b[0]>>6 != 2 {
			return errRTCP
		}
		n := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if n > len(b) {
			return errRTCP
		}
		if b[1] == rtcpSDES {
			if err := r.sdes(b[4:n], int(b[0]&31)); err != nil {
				return err
			}
		}
		b = b[n:]
	}
	return nil
}

func (r *Receiver) sdes(b []byte, chunks int) error {
	for range chunks {
		if len(b) < 8 {
			return errRTCP
		}
		at := 4
		for at < len(b) && b[at] != 0 {
			if at+2 > len(b) || at+2+int(b[at+1]) > len(b) {
				return errRTCP
			}
			text := string(b[at+2 : at+2+int(b[at+1])])
			if b[at] == sdesCNAME {
				r.CNAME = text
			} else {
				r.Personal = append(r.Personal[:min(len(r.Personal), sdesPriv)], text)
			}
			at += 2 + len(text)
		}
		if at = (at + 4) &^ 3; at > len(b) {
			return errRTCP
		}
		b = b[at:]
	}
	if len(b) != 0 {
		return errRTCP
	}
	return nil
}
