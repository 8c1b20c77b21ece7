package mediarelay

import (
	"bytes"
	"testing"
)

func TestPayloadMap(t *testing.T) {
	var m PayloadMap
	for pt := range uint8(128) {
		if m.Of(pt) != pt {
			t.Fatalf("the zero map makes %d %d", pt, m.Of(pt))
		}
	}
	for _, c := range []struct {
		from, to uint8
		want     bool
	}{
		{96, 101, true}, {101, 96, true}, {100, 0, true}, {0, 127, true}, {0, 8, true}, {111, 63, true},
		{96, 64, false}, {96, 72, false}, {96, 76, false}, {96, 95, false}, {96, 128, false}, {128, 96, false}, {72, 96, true},
	} {
		if got := m.Map(c.from, c.to); got != c.want {
			t.Errorf("%d to %d: %v", c.from, c.to, got)
		}
		if c.want && m.Of(c.from) != c.to {
			t.Errorf("%d became %d, want %d", c.from, m.Of(c.from), c.to)
		}
	}
	if m.Of(96) != 101 || m.Of(95) != 95 {
		t.Errorf("96 became %d, 95 %d", m.Of(96), m.Of(95))
	}
}

// The payload type alone changes, in the direction from the far end that has
// the map; the marker bit stays, and RTCP is as it was.
func TestPayloadTypesCross(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	var pm PayloadMap
	pm.Map(96, 101)
	pm.Map(100, 0)
	mapped := caller
	mapped.Payload = &pm
	s.Set(A, mapped)
	s.Set(B, callee)
	for _, c := range []struct {
		side     Side
		in, want uint8
	}{
		{A, 96, 101}, {A, 0x80 | 96, 0x80 | 101}, {A, 100, 0}, {A, 0x80 | 100, 0x80}, {A, 8, 8}, {A, 101, 101},
		{B, 96, 96}, {B, 101, 101},
	} {
		in, far := rtp(c.in, 7, 160, 1), [2]Remote{caller, callee}[c.side]
		before := bytes.Clone(in)
		got, cause := m.Inject(s.Local(c.side).RTP(), far.RTP, in)
		want := bytes.Clone(in)
		want[1] = c.want
		if cause != Pass || !bytes.Equal(got.Bytes, want) {
			t.Errorf("side %v: %d became %v, %d, want %d", c.side, c.in, cause, got.Bytes[1], c.want)
		}
		if !bytes.Equal(in, before) {
			t.Error("the datagram that was injected changed")
		}
	}
	rr := unhex(t, hexRR)
	if got, cause := m.Inject(s.Local(A).RTCP(), caller.RTCP, rr); cause != Pass || !bytes.Equal(got.Bytes, rr) {
		t.Errorf("RTCP: %v %x", cause, got.Bytes)
	}
	unread := mapped
	unread.Opaque = true
	s.Set(A, unread)
	if got, _ := m.Inject(s.Local(A).RTP(), caller.RTP, []byte{0x80, 96}); !bytes.Equal(got.Bytes, []byte{0x80, 96}) {
		t.Errorf("unread: %x", got.Bytes)
	}
}

// Forks each have numbers of their own.
func TestPayloadTypesOfForks(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	s.Set(A, caller)
	for i := range 3 {
		pm := new(PayloadMap)
		pm.Map(96, uint8(100+i))
		r := branch(i)
		r.Payload = pm
		if err := s.Add(B, r); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		if got, cause := m.Inject(s.Local(B).RTP(), branch(i).RTP, rtp(96, 1, 160, 1)); cause != Pass || got.Bytes[1] != uint8(100+i) {
			t.Errorf("branch %d: %v %d", i, cause, got.Bytes[1])
		}
	}
}

func TestPayloadMapDoesNotAllocate(t *testing.T) {
	var s Session
	var pm PayloadMap
	pm.Map(0, 8)
	pm.Map(8, 0)
	s.Init(audio, [2]Local{}, nil)
	mapped := caller
	mapped.Payload = &pm
	s.Set(A, mapped, 0)
	s.Set(B, callee, 0)
	p := rtp(0, 1, 160, 1)
	if n := testing.AllocsPerRun(1000, func() { s.Receive(A, RTPPort, caller.RTP, p, nil, ms) }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}
