package mediarelay

import "time"

// clockRates has the RTP clock rate of each static payload type in Hz (RFC
// 3551 tables 4 and 5); 0: not assigned.
var clockRates = [firstDynamic]uint32{
	0: 8000, 3: 8000, 4: 8000, 5: 8000, 6: 16000, 7: 8000, 8: 8000, 9: 8000,
	10: 44100, 11: 44100, 12: 8000, 13: 8000, 14: 90000, 15: 8000,
	16: 11025, 17: 22050, 18: 8000,
	25: 90000, 26: 90000, 28: 90000, 31: 90000, 32: 90000, 33: 90000, 34: 90000,
}

// usualRates are the clocks that dynamic payload types have in practice, in Hz.
var usualRates = [...]uint32{8000, 12000, 16000, 24000, 32000, 44100, 48000, 90000}

const (
	// Ours: the rate of a payload type of which nothing is known yet. It is
	// that of telephony.
	defaultRate = 8000

	// Ours: how long timestamps and the clock are compared before a dynamic
	// payload type's rate is believed. Network jitter is small beside it.
	rateWindow = 2 * time.Second
)

// firstDynamic is the first payload type without a fixed meaning (RFC 3551
// section 3).
const firstDynamic = 96

// A rateFinder learns the clock rates of dynamic payload types from the
// packets themselves, since the relay does not read codecs.
type rateFinder struct {
	known [128 - firstDynamic]uint32 // Hz by payload type; 0: not known
	pt    uint8                      // of the window
	open  bool                       // there is a window
	ts    uint32                     // of its first packet
	at    time.Duration              // when that came
}

// rate returns the clock rate of payload type pt in Hz, after a packet with
// the timestamp ts came at now.
func (r *rateFinder) rate(pt uint8, ts uint32, now time.Duration) uint32 {
	if pt < firstDynamic {
		if hz := clockRates[pt]; hz != 0 {
			return hz
		}
		return defaultRate
	}
	known := &r.known[pt-firstDynamic]
	switch d := now - r.at; {
	case !r.open || r.pt != pt:
		r.open, r.pt, r.ts, r.at = true, pt, ts, now
	case d >= rateWindow:
		if hz := nearest(float64(ts-r.ts) / d.Seconds()); hz != 0 {
			*known = hz
		}
		r.ts, r.at = ts, now
	}
	if *known == 0 {
		return defaultRate
	}
	return *known
}

// nearest returns the usual rate within a twentieth of hz, or 0. (The closest
// two of them are a twelfth apart.)
func nearest(hz float64) uint32 {
	for _, u := range usualRates {
		if d := hz - float64(u); d < float64(u)/20 && -d < float64(u)/20 {
			return u
		}
	}
	return 0
}

// units returns d in units of a clock of hz, wrapped like a timestamp.
func units(d time.Duration, hz uint32) uint32 {
	sec, rest := int64(d/time.Second), int64(d%time.Second)
	return uint32(sec*int64(hz) + rest*int64(hz)/int64(time.Second))
}
