package sip_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"sbc/signaling/sip"
)

// FuzzStream: what a stream brings is the same in whatever pieces it comes.
// What is accepted is written as it came, and read as the same again, from
// where it stands in the stream and from a datagram of its own.
func FuzzStream(f *testing.F) {
	seeds(f, func(raw []byte) { f.Add(raw, uint64(1)) })
	for i := range streamRows {
		r := &streamRows[i]
		f.Add([]byte(with(f, invite, r.old, r.text)+follows), uint64(i))
	}
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64) {
		kept := bytes.Clone(raw)
		all := fromStream(raw, func(int) int { return len(raw) })
		draw := rand.New(rand.NewPCG(seed, 2))
		for _, piece := range []func(int) int{
			func(int) int { return 1 + len(raw)/200 },
			func(int) int { return 1 + draw.IntN(1+len(raw)/3) },
		} {
			if got := fromStream(raw, piece); got != all {
				t.Errorf("in pieces %q, at once %q", got, all)
			}
		}
		if !bytes.Equal(raw, kept) {
			t.Fatal("ParseStream changed what it was given")
		}
		onStream(t, raw)
	})
}

// onStream reads the messages of a stream one by one.
func onStream(t *testing.T, raw []byte) {
	for b := raw; len(b) > 0; {
		var m sip.Message
		n, err := m.ParseStream(b)
		if n == 0 && err == nil {
			if missing := m.Missing(); missing < 1 {
				t.Errorf("waits for %d octets", missing)
			}
			return
		}
		if n < 1 || n > len(b) {
			t.Fatalf("took %d of %d octets, %v", n, len(b), err)
		}
		inside(t, &m)
		if e, bad := err.(*sip.Error); bad {
			if e.Status != 0 {
				answered(t, &m, e.Status)
			}
			if e.Close {
				return
			}
		} else {
			fixpoint(t, &m, b[:n])
		}
		b = b[n:]
	}
}

// fixpoint writes and reads m, which took the octets of took from a stream.
func fixpoint(t *testing.T, m *sip.Message, took []byte) {
	out, err := m.AppendTo(nil, nil)
	if err != nil || !bytes.Equal(out, bytes.TrimLeft(took, "\r\n")) {
		t.Fatalf("written as %q, %v; came as %q", out, err, took)
	}
	var d sip.Message
	if err := d.Parse(out); err != nil || d.Trailing() != 0 || describe(&d) != describe(m) {
		t.Errorf("from a datagram: %v\n%s\nfrom the stream\n%s", err, describe(&d), describe(m))
	}
	streamed(t, &d)
}
