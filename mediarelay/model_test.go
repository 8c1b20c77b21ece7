package mediarelay

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"
)

var (
	caller = Remote{RTP: addr("192.168.1.10:4000"), RTCP: addr("192.168.1.10:4001"), Sends: true, Receives: true}
	callee = Remote{RTP: addr("198.51.100.9:7000"), RTCP: addr("198.51.100.9:7001"), Sends: true, Receives: true}
	other  = addr("203.0.113.66:4000")
)

func newModel(t *testing.T, pairs uint16) *Model {
	t.Helper()
	m, err := NewModel(Options{Realms: []RealmPool{
		{Name: "inside", Addr: netip.MustParseAddr("192.168.1.1"), First: 20000, Last: 20000 + 2*pairs - 1},
		{Name: "outside", Addr: netip.MustParseAddr("203.0.113.1"), First: 30000, Last: 30000 + 2*pairs - 1},
	}}, fixed())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func openStream(t *testing.T, m *Model, o Open) Stream {
	t.Helper()
	s, err := m.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var audio = Open{Realm: [2]int{0, 1}}

// want injects a packet and compares what becomes of it.
func want(t *testing.T, what string, m *Model, to, src netip.AddrPort, b []byte, cause Cause, from, dest netip.AddrPort) {
	t.Helper()
	m.SetNow(m.now + 20*ms)
	got, c := m.Inject(to, src, b)
	if c != cause || got.From != from || got.To != dest {
		t.Errorf("%s: %v from %v to %v, want %v from %v to %v", what, c, got.From, got.To, cause, from, dest)
	}
}

func TestCallWithEarlyMedia(t *testing.T) {
	m := newModel(t, 4)
	s := openStream(t, m, audio)
	a, b := s.Local(A), s.Local(B)
	var none netip.AddrPort
	p := rtp(0, 1, 160, 1)

	want(t, "before the offer", m, a.RTP(), caller.RTP, p, NoRemote, none, none)
	s.Set(A, caller)
	want(t, "caller before the answer", m, a.RTP(), caller.RTP, p, NoRemote, none, none)
	want(t, "callee before its answer", m, b.RTP(), callee.RTP, p, NoRemote, none, none)
	s.Set(B, callee)
	want(t, "early media", m, b.RTP(), callee.RTP, p, Pass, a.RTP(), caller.RTP)
	want(t, "caller", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), callee.RTP)
	want(t, "RTCP", m, a.RTCP(), caller.RTCP, unhex(t, hexRR), Pass, b.RTCP(), callee.RTCP)
	want(t, "stranger", m, a.RTP(), other, p, WrongSource, none, none)
	want(t, "callee at the caller's port", m, a.RTP(), callee.RTP, p, WrongSource, none, none)
	want(t, "RTP from the RTCP port", m, a.RTP(), caller.RTCP, p, WrongSource, none, none)
	want(t, "RTP at the RTCP port", m, a.RTCP(), caller.RTP, p, WrongSource, none, none)
	want(t, "malformed", m, a.RTP(), caller.RTP, p[:11], RTPMalformed, none, none)
	want(t, "malformed RTCP", m, a.RTCP(), caller.RTCP, p, RTCPMalformed, none, none)
	want(t, "too long", m, a.RTP(), caller.RTP, make([]byte, MaxDatagram+1), TooLong, none, none)
	want(t, "more RTCP", m, a.RTCP(), caller.RTCP, unhex(t, hexRR), Pass, b.RTCP(), callee.RTCP)

	got := s.Stats()
	if x := got[A]; x.Packets != 2 || x.Octets != 344 || x.RTCP != 2 || x.Forwarded != 3 || x.Latched != caller.RTP ||
		x.Drops[WrongSource] != 4 || x.Drops[NoRemote] != 2 || x.Dropped() != 9 {
		t.Errorf("side A: %+v", x)
	}
	if x := got[B]; x.Packets != 1 || x.LastRTP != 4*20*ms || x.LastRTCP != 0 {
		t.Errorf("side B: %+v", x)
	}
	if first, again := s.Close(), s.Close(); first != got || again != got || s.Stats() != got {
		t.Error("the counters changed by closing")
	}
	want(t, "after the end", m, a.RTP(), caller.RTP, p, NoRemote, none, none)
	s.Set(A, caller)
}

func TestHold(t *testing.T) {
	m := newModel(t, 4)
	s := openStream(t, m, audio)
	a, b := s.Local(A), s.Local(B)
	var none netip.AddrPort
	s.Set(A, caller)
	s.Set(B, callee)
	p := rtp(0, 1, 160, 1)

	// The caller holds by sendonly: it plays music, the callee is not heard.
	holding, held := caller, callee
	holding.Receives, held.Sends = false, false
	s.Set(A, holding)
	s.Set(B, held)
	want(t, "music on hold", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), callee.RTP)
	want(t, "the held one speaks", m, b.RTP(), callee.RTP, p, Held, none, none)
	want(t, "its RTCP", m, b.RTCP(), callee.RTCP, unhex(t, hexRR), Pass, a.RTCP(), caller.RTCP)

	// By c=0.0.0.0 (RFC 3264 section 8.4): nobody is there.
	zero := caller
	zero.RTP, zero.RTCP = addr("0.0.0.0:4000"), addr("0.0.0.0:4001")
	s.Set(A, zero)
	s.Set(B, callee)
	want(t, "held by 0.0.0.0", m, b.RTP(), callee.RTP, p, NoRemote, none, none)
	want(t, "who holds by 0.0.0.0", m, a.RTP(), caller.RTP, p, NoRemote, none, none)

	// Port 0: off.
	off := caller
	off.RTP = addr("192.168.1.10:0")
	s.Set(A, off)
	want(t, "to who is off", m, b.RTP(), callee.RTP, p, NoRemote, none, none)

	s.Set(A, caller)
	want(t, "resumed", m, b.RTP(), callee.RTP, p, Pass, a.RTP(), caller.RTP)
	want(t, "resumed", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), callee.RTP)
	if x := s.Stats()[B]; x.Packets != 4 || x.Forwarded != 2 || x.Drops[Held] != 1 {
		t.Errorf("side B: %+v", x)
	}
}

// Without mux a packet of the RTCP range on the RTP port is RTP: payload
// types 64 to 95 with the marker are legal there.
func TestNoMuxNoRTCPOnRTPPort(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	s.Set(A, caller)
	s.Set(B, callee)
	p := rtp(0x80|72, 1, 160, 1)
	want(t, "payload type 72", m, s.Local(A).RTP(), caller.RTP, p, Pass, s.Local(B).RTP(), callee.RTP)
}

func TestWithoutRTCP(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, Open{Realm: [2]int{0, 1}, Opaque: true})
	fax, far := caller, callee
	fax.Opaque, far.Opaque = true, true
	s.Set(A, fax)
	s.Set(B, far)
	a, b := s.Local(A), s.Local(B)
	if a.RTCPPort != a.Port+1 || m.Live(a.RTCP()) || m.Live(b.RTCP()) {
		t.Errorf("%+v: the port for RTCP is told, but not open", a)
	}
	for _, p := range [][]byte{{}, {0}, []byte("udptl"), unhex(t, hexSR+hexSDES)} {
		want(t, "unread", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), callee.RTP)
		if got, _ := m.Inject(a.RTP(), caller.RTP, p); !bytes.Equal(got.Bytes, p) {
			t.Errorf("%x became %x", p, got.Bytes)
		}
	}
	want(t, "too long", m, a.RTP(), caller.RTP, make([]byte, MaxDatagram+1), TooLong, netip.AddrPort{}, netip.AddrPort{})
}

func TestRTCPThatGoesNowhereIsLife(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	s.Set(A, caller)
	noRTCP := callee
	noRTCP.RTCP = netip.AddrPort{}
	s.Set(B, noRTCP)
	want(t, "RTCP", m, s.Local(A).RTCP(), caller.RTCP, unhex(t, hexRR), NoRemote, netip.AddrPort{}, netip.AddrPort{})
	if x := s.Stats()[A]; x.RTCP != 1 || x.LastRTCP == 0 {
		t.Errorf("RTCP that goes nowhere is a sign of life: %+v", x)
	}
}

func TestLatchedFollowsTheDescription(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	s.Set(A, caller)
	s.Set(B, callee)
	p := rtp(0, 1, 160, 1)
	m.Inject(s.Local(A).RTP(), caller.RTP, p)
	s.Set(B, callee)
	if got := s.Stats()[A].Latched; got != caller.RTP {
		t.Errorf("latched to %v after the other side changed", got)
	}
	moved := caller
	moved.RTP = addr("192.168.1.10:4010")
	s.Set(A, moved)
	if got := s.Stats()[A].Latched; got.IsValid() {
		t.Errorf("latched to %v, which has sent nothing", got)
	}
	m.SetNow(time.Second)
	want(t, "the old address", m, s.Local(A).RTP(), caller.RTP, p, WrongSource, netip.AddrPort{}, netip.AddrPort{})
	want(t, "the new address", m, s.Local(A).RTP(), moved.RTP, p, Pass, s.Local(B).RTP(), callee.RTP)
	mapped := moved
	mapped.RTP = addr("[::ffff:192.168.1.10]:4010")
	s.Set(A, mapped)
	want(t, "a mapped address", m, s.Local(A).RTP(), moved.RTP, p, Pass, s.Local(B).RTP(), callee.RTP)
}

// Promise R14 in small: N pairs carry exactly N streams; the rest is refused
// by the realm that has none, and takes nothing.
func TestModelExhaustion(t *testing.T) {
	const n = 5
	m := newModel(t, n)
	var streams []Stream
	for range 3 * n {
		s, err := m.Open(audio)
		var full *Exhausted
		if errors.As(err, &full) {
			if full.Realm != "inside" || len(streams) != n {
				t.Fatalf("after %d streams: %v", len(streams), err)
			}
			continue
		}
		streams = append(streams, s)
	}
	if len(streams) != n || m.Streams() != n {
		t.Fatalf("%d streams, want %d", len(streams), n)
	}
	for _, s := range streams {
		s.Close()
	}
	for _, u := range m.Ports() {
		if u.InUse != 0 || u.Resting != n || u.Total != n {
			t.Errorf("%+v", u)
		}
	}
	if _, err := m.Open(audio); err == nil {
		t.Error("a port was used again without its rest")
	}
	m.SetNow(DefaultRest)
	openStream(t, m, audio)
	if err := m.Close(); err != nil || m.Streams() != 0 || len(m.ports) != 0 {
		t.Errorf("%v, %d streams, %d ports", err, m.Streams(), len(m.ports))
	}
	if _, err := m.Open(audio); !errors.Is(err, ErrClosed) {
		t.Errorf("opened after the end: %v", err)
	}
}

func TestExhaustionOfTheSecondRealmTakesNothing(t *testing.T) {
	m := newModel(t, 2)
	both := Open{Realm: [2]int{1, 1}}
	openStream(t, m, both)
	_, err := m.Open(audio)
	if err == nil || err.Error() != `no media port is free in realm "outside"` {
		t.Errorf("%v", err)
	}
	if u := m.Ports(); u[0].InUse != 0 || u[0].Resting != 0 || u[1].InUse != 2 {
		t.Errorf("%+v", u)
	}
}

func TestReceiveDoesNotAllocate(t *testing.T) {
	var s Session
	s.Init(audio, [2]Local{}, nil)
	s.Set(A, caller, 0)
	s.Set(B, callee, 0)
	p, scratch := rtp(0, 1, 160, 1), make([]byte, ScratchLen)
	compound := unhex(t, hexSR+hexSDES+hexBYE)
	if n := testing.AllocsPerRun(1000, func() {
		if s.Receive(A, RTPPort, caller.RTP, p, scratch, ms).Cause != Pass ||
			s.Receive(A, RTCPPort, caller.RTCP, compound, scratch, ms).Cause != Pass ||
			s.Receive(A, RTPPort, other, p, scratch, ms).Cause != WrongSource {
			t.Error("judged wrongly")
		}
		s.Sent(A, true)
		s.Stats()
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func BenchmarkReceive(b *testing.B) {
	var s Session
	s.Init(audio, [2]Local{}, nil)
	s.Set(A, caller, 0)
	s.Set(B, callee, 0)
	p := rtp(0, 1, 160, 1)
	b.ReportAllocs()
	for b.Loop() {
		s.Receive(A, RTPPort, caller.RTP, p, nil, ms)
		s.Sent(A, true)
	}
}
