package mediarelay

import (
	"testing"
	"time"
)

// feed counts packets of PCMU, 20 ms apart, with these sequence numbers.
func feed(seqs ...uint16) *sources {
	var s sources
	for i, seq := range seqs {
		s.add(RTP(rtp(0, seq, uint32(seq)*160, 1)), time.Duration(i)*20*ms)
	}
	return &s
}

func TestLost(t *testing.T) {
	for _, c := range []struct {
		name string
		seqs []uint16
		want uint64
	}{
		{"one packet", []uint16{7}, 0},
		{"in order", []uint16{1, 2, 3, 4}, 0},
		{"one missing", []uint16{1, 2, 4, 5}, 1},
		{"late, not lost", []uint16{1, 3, 2, 4}, 0},
		{"over the wrap", []uint16{65534, 65535, 0, 1}, 0},
		{"lost at the wrap", []uint16{65534, 65535, 1, 2}, 1},
		{"late over the wrap", []uint16{65534, 0, 65535, 1}, 0},
		{"a duplicate hides a loss", []uint16{1, 2, 2, 4}, 0},
		{"only duplicates", []uint16{1, 1, 1}, 0},
		{"before the first", []uint16{5, 4, 6}, 0},
		{"a stray number is not counted", []uint16{1, 2, 30000, 3, 4}, 0},
		{"a restart loses nothing", []uint16{1, 2, 30000, 30001, 30002}, 0},
		{"a restart keeps earlier losses", []uint16{1, 4, 30000, 30001, 30002}, 2},
		{"a restart backwards", []uint16{30000, 30001, 5, 6, 7}, 0},
		{"a gap just below a dropout", []uint16{1, 3000}, 2998},
	} {
		if got := feed(c.seqs...).lost(); got != c.want {
			t.Errorf("%s: lost %d, want %d", c.name, got, c.want)
		}
	}
}

func TestLostOfManySources(t *testing.T) {
	var s sources
	// Six sources in turn, each with two losses: more than are remembered.
	for ssrc := range uint32(6) {
		for _, seq := range []uint16{1, 2, 5, 6} {
			s.add(RTP(rtp(0, seq, 0, ssrc)), 0)
		}
	}
	if got := s.lost(); got != 12 {
		t.Errorf("lost %d, want 12", got)
	}
	// Two that alternate, as video and its retransmissions, restart nothing.
	s = sources{}
	for seq := range uint16(100) {
		s.add(RTP(rtp(0, seq, 0, 1)), 0)
		s.add(RTP(rtp(0, seq*2, 0, 2)), 0)
	}
	if got := s.lost(); got != 99 {
		t.Errorf("lost %d, want 99", got)
	}
}

// RFC 3550 appendix A.8, by hand: each packet of 20 ms comes in turn 8 ms late
// or in time, so that |D| is 8 ms, and J rises towards it by a sixteenth of
// the rest.
func TestJitter(t *testing.T) {
	for _, c := range []struct {
		name string
		pt   uint8
		step uint32 // timestamp units in 20 ms
		late time.Duration
		min  time.Duration
		max  time.Duration
	}{
		{"PCMU on time", 0, 160, 0, 0, 0},
		{"PCMU", 0, 160, 8 * ms, 7 * ms, 8 * ms},
		{"G722 counts 8000 Hz", 9, 160, 8 * ms, 7 * ms, 8 * ms},
		{"MPA", 14, 1800, 8 * ms, 7 * ms, 8 * ms},
		{"dynamic, 8000 Hz", 97, 160, 8 * ms, 7 * ms, 8 * ms},
		{"dynamic, opus", 111, 960, 8 * ms, 7 * ms, 8 * ms},
		{"dynamic, AMR-WB on time", 98, 320, 0, 0, 0},
	} {
		var s sources
		for i := range 400 {
			now := time.Duration(i) * 20 * ms
			if i%2 == 1 {
				now += c.late
			}
			s.add(RTP(rtp(c.pt, uint16(i), uint32(i)*c.step, 1)), now)
		}
		if got := s.jitter(); got < c.min || got > c.max {
			t.Errorf("%s: jitter %v, want %v to %v", c.name, got, c.min, c.max)
		}
	}
}

func TestJitterIgnoresWhatHasNoTime(t *testing.T) {
	var s sources
	seq := uint16(0)
	add := func(pt uint8, ts uint32, now time.Duration) {
		seq++
		s.add(RTP(rtp(pt, seq, ts, 1)), now)
	}
	for i := range uint32(100) {
		now := time.Duration(i) * 20 * ms
		if i >= 40 && i < 60 {
			add(101, 40*160, now) // a telephone-event (RFC 4733 section 2.2.1)
			continue
		}
		add(0, i*160, now)
	}
	if got := s.jitter(); got != 0 {
		t.Errorf("jitter %v after a telephone-event, want 0", got)
	}
	// The wrap of the timestamp is no jump.
	s = sources{}
	for i := range uint32(100) {
		add(0, 0xffffffff-50*160+i*160, time.Duration(i)*20*ms)
	}
	if got := s.jitter(); got != 0 {
		t.Errorf("jitter %v over the wrap of the timestamp, want 0", got)
	}
}

func TestUnits(t *testing.T) {
	// A year of uptime neither overflows nor loses the fraction.
	year := 365*24*time.Hour + 10*ms
	if got, want := units(year+ms, 90000)-units(year, 90000), uint32(90); got != want {
		t.Errorf("one ms after a year is %d units, want %d", got, want)
	}
}

func TestNearestRate(t *testing.T) {
	for hz, want := range map[float64]uint32{
		8000: 8000, 8200: 8000, 7700: 8000, 9000: 0, 16100: 16000, 44000: 44100, 48010: 48000, 46900: 48000,
		90900: 90000, 0: 0, 1e9: 0,
	} {
		if got := nearest(hz); got != want {
			t.Errorf("%v Hz is %d, want %d", hz, got, want)
		}
	}
}
