package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

const (
	rate  = 8000 // samples a second
	block = rate / 100
)

// speech makes seconds of something that is no speech, but has no period
// either: tones that change eight times a second, with pauses of 40 ms less
// than half as loud.
func speech(seconds int, seed uint64) []int16 {
	rnd := rand.New(rand.NewPCG(seed, 0))
	samples := make([]int16, seconds*rate)
	var pitch, phase, second float64
	for i := range samples {
		if i%(rate/8) == 0 {
			pitch, second = 200+1200*rnd.Float64(), 1500+1500*rnd.Float64()
		}
		loud := 9000.0
		if i%(rate/4) < rate/25 {
			loud = 4000
		}
		phase += 2 * math.Pi * pitch / rate
		samples[i] = int16(loud*math.Sin(phase) + loud/3*math.Sin(2*math.Pi*second*float64(i)/rate))
	}
	return samples
}

// wav writes samples as a WAV file: PCM, 16 bit, one channel.
func wav(samples []int16) []byte {
	data := 2 * len(samples)
	b := append([]byte("RIFF"), make([]byte, 4)...)
	binary.LittleEndian.PutUint32(b[4:], uint32(36+data))
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 1) // channels
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, 2*rate)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(data))
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

var errWAV = errors.New("no WAV file of 16 bit, 8 kHz, one channel")

// unwav reads a WAV file. Of one that is still being written, all that is
// there.
func unwav(b []byte) ([]int16, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, errWAV
	}
	for b = b[12:]; len(b) >= 8; {
		kind, n := string(b[:4]), int(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		switch {
		case kind == "fmt ":
			if len(b) < 16 || binary.LittleEndian.Uint16(b[2:]) != 1 || binary.LittleEndian.Uint32(b[4:]) != rate ||
				binary.LittleEndian.Uint16(b[14:]) != 16 {
				return nil, errWAV
			}
		case kind == "data":
			if n == 0 || n > len(b) {
				n = len(b)
			}
			samples := make([]int16, n/2)
			for i := range samples {
				samples[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
			}
			return samples, nil
		}
		b = b[min(n+n&1, len(b)):]
	}
	return nil, errWAV
}

// A match says how a recording compares with what was played.
type match struct {
	lag         int     // the recording's sample at which the compared stretch of the original begins
	correlation float64 // over the whole stretch: 1 is the same, but for loudness
	gap         int     // the longest silence in the recording, in samples, where the original has sound
}

// compare looks in a recording for a stretch of what was played, samples from
// begin to end.
func compare(played, recorded []int16, begin, end int) (match, error) {
	want := played[begin:end]
	if len(recorded) < len(want) {
		return match{}, fmt.Errorf("the recording has %d samples, fewer than the %d that are compared", len(recorded), len(want))
	}
	// Half a second of it finds the place; the whole of it is the judgement.
	const probe = rate / 2
	best := match{correlation: -1}
	for lag := 0; lag+len(want) <= len(recorded); lag++ {
		if c := correlation(want[:probe], recorded[lag:lag+probe]); c > best.correlation {
			best = match{lag: lag, correlation: c}
		}
	}
	got := recorded[best.lag : best.lag+len(want)]
	best.correlation = correlation(want, got)
	best.gap = gap(want, got)
	return best, nil
}

// correlation is Pearson's, of two stretches without an offset of their own.
func correlation(a, b []int16) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// gap returns the longest run of samples in which b is silent although a is
// not, in steps of 10 ms.
func gap(a, b []int16) int {
	longest, run := 0, 0
	for i := 0; i+block <= len(a); i += block {
		if power(b[i:i+block])*100 >= power(a[i:i+block]) {
			run = 0
			continue
		}
		run += block
		longest = max(longest, run)
	}
	return longest
}

func power(s []int16) float64 {
	sum := 0.0
	for _, v := range s {
		sum += float64(v) * float64(v)
	}
	return sum
}

// The yardstick itself: it has to see what a border could do to audio.
func TestCompare(t *testing.T) {
	played := speech(7, 1)
	delayed := append(make([]int16, 1234), played...)
	copied := func(change func(s []int16)) []int16 {
		s := append([]int16(nil), delayed...)
		change(s)
		return s
	}
	const from = 1234 + 3*rate // in the recording
	for _, c := range []struct {
		name     string
		recorded []int16
		ok       bool
	}{
		{"delayed", delayed, true},
		{"half as loud", copied(func(s []int16) {
			for i := range s {
				s[i] /= 2
			}
		}), true},
		{"one packet silent", copied(func(s []int16) { zero(s[from : from+160]) }), true},
		{"two packets silent", copied(func(s []int16) { zero(s[from : from+320]) }), false},
		{"one packet missing", append(copied(func([]int16) {})[:from], delayed[from+160:]...), false},
		{"upside down", copied(func(s []int16) {
			for i := range s {
				s[i] = -s[i]
			}
		}), false},
		{"another voice", speech(8, 2), false},
		{"silence", make([]int16, 8*rate), false},
	} {
		m, err := compare(played, c.recorded, rate, 6*rate)
		if err != nil {
			t.Fatal(err)
		}
		if ok := m.good(); ok != c.ok {
			t.Errorf("%s: %+v is good: %v", c.name, m, ok)
		}
		if c.name == "delayed" && m.lag != 1234+rate {
			t.Errorf("found at %d", m.lag)
		}
	}
	if _, err := compare(played, delayed[:100], rate, 6*rate); err == nil {
		t.Error("a recording that is too short was compared")
	}
	back, err := unwav(wav(played))
	if err != nil || len(back) != len(played) || back[999] != played[999] {
		t.Errorf("WAV: %d of %d samples came back, %v", len(back), len(played), err)
	}
}

func zero(s []int16) {
	for i := range s {
		s[i] = 0
	}
}

// good says what is asked of a call: the same over the whole stretch, and no
// gap over 20 ms.
func (m match) good() bool { return m.correlation >= 0.98 && m.gap <= rate/50 }
