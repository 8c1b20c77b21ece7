package mediarelay

import "time"

// RFC 3550 appendix A.1.
const (
	maxDropout  = 3000 // packets: a larger gap is a restart, if the next one follows it
	maxMisorder = 100  // packets: what is older than that is a restart as well
	sequenceMod = 1 << 16
)

// A source is the receiver's state for one SSRC. The probation of RFC 3550
// appendix A.1 is left out: the latch has said already who sends.
type source struct {
	ssrc     uint32
	max      uint16 // highest sequence number seen
	pt       uint8  // payload type of the last packet
	used     bool
	timed    bool   // transit is set
	cycles   uint32 // wraps of max, times sequenceMod
	base     uint32 // first sequence number
	bad      uint32 // last out-of-range sequence number, plus one
	received uint64
	gone     uint64 // packets lost before a restart
	rate     uint32 // Hz
	ts       uint32 // timestamp of the last packet
	transit  uint32 // relative, in timestamp units
	jitter   uint32 // times 16, in timestamp units
	rates    rateFinder
}

func (s *source) start(seq uint16) {
	s.gone += s.missing()
	s.base, s.max, s.bad = uint32(seq), seq, sequenceMod+1
	s.cycles, s.received = 0, 0
	s.timed = false
}

// sequence counts a packet in (RFC 3550 appendix A.1).
func (s *source) sequence(seq uint16) bool {
	switch delta := seq - s.max; {
	case delta < maxDropout:
		if seq < s.max {
			s.cycles += sequenceMod
		}
		s.max = seq
	case uint32(delta) <= sequenceMod-maxMisorder:
		if uint32(seq) != s.bad {
			s.bad = (uint32(seq) + 1) & (sequenceMod - 1)
			return false
		}
		// Two packets in a row: the far end started again without a word.
		s.start(seq)
	}
	s.received++
	return true
}

// missing returns the packets expected less those received, since the last
// restart (RFC 3550 appendix A.3). Duplicates hide losses, as they do there.
func (s *source) missing() uint64 {
	if s.received == 0 {
		return 0
	}
	expected := uint64(s.cycles) + uint64(s.max) - uint64(s.base) + 1
	if expected < s.received {
		return 0
	}
	return expected - s.received
}

func (s *source) lost() uint64 { return s.gone + s.missing() }

// time takes the arrival of p into the jitter (RFC 3550 appendix A.8). A
// packet that repeats the timestamp before it says nothing of timing: a video
// frame in several packets, or a telephone-event that goes on. Neither does
// the first one of another payload type or rate.
func (s *source) time(p RTP, now time.Duration) {
	pt, ts := p.PayloadType(), p.Timestamp()
	if s.timed && s.pt == pt && s.ts == ts {
		return
	}
	rate := s.rates.rate(pt, ts, now)
	transit := units(now, rate) - ts
	if s.timed && s.pt == pt && s.rate == rate {
		d := int32(transit - s.transit)
		if d < 0 {
			d = -d
		}
		s.jitter += uint32(d) - (s.jitter+8)>>4
	} else if s.rate != rate {
		s.jitter = 0
	}
	s.pt, s.ts, s.rate, s.transit, s.timed = pt, ts, rate, transit, true
}

// sourcesMax bounds what a flow remembers. Ours: a far end that sends has one
// SSRC for each of audio, and for video with retransmission or layers a few.
const sourcesMax = 4

// sources are the SSRCs of one flow. The one that is longest out of use makes
// room for a new one.
type sources struct {
	table [sourcesMax]source
	order [sourcesMax]uint8 // indices into table, last used first
	gone  uint64            // lost packets of those that made room
	init  bool
}

// add counts p in, and reports whether it is of another source than the packet
// before it.
func (s *sources) add(p RTP, now time.Duration) (turned bool) {
	src := &s.table[s.order[0]]
	if !src.used || src.ssrc != p.SSRC() {
		src, turned = s.find(p.SSRC(), p.Sequence()), true
	}
	if src.sequence(p.Sequence()) {
		src.time(p, now)
	}
	return turned
}

// find returns the state of ssrc, in front of the order.
func (s *sources) find(ssrc uint32, seq uint16) *source {
	if !s.init {
		s.init = true
		for i := range s.order {
			s.order[i] = uint8(i)
		}
	}
	at := len(s.order) - 1
	for i, n := range s.order {
		if src := &s.table[n]; src.used && src.ssrc == ssrc {
			at = i
			break
		}
	}
	n := s.order[at]
	copy(s.order[1:at+1], s.order[:at])
	s.order[0] = n
	src := &s.table[n]
	if !src.used || src.ssrc != ssrc {
		s.gone += src.lost()
		*src = source{ssrc: ssrc, used: true}
		src.start(seq)
	}
	return src
}

func (s *sources) lost() uint64 {
	n := s.gone
	for i := range s.table {
		n += s.table[i].lost()
	}
	return n
}

// jitter returns the jitter of the source that was heard last.
func (s *sources) jitter() time.Duration {
	src := &s.table[s.order[0]]
	if src.rate == 0 {
		return 0
	}
	return time.Duration(src.jitter>>4) * time.Second / time.Duration(src.rate)
}
