package mediarelay

import (
	"net/netip"
	"sync"
	"testing"
)

// What the worker learns and what signaling sets at the same time are both
// kept.
func TestLearningAndSettingAtOnce(t *testing.T) {
	realms := newBorder(t).o.Realms
	p, src := rtp(0, 1, 160, 1), addr("203.0.113.7:4000")
	for range 100 {
		var s Session
		s.Init(audio, [2]Local{}, realms)
		s.Set(A, officePBX, 0)
		s.Set(B, atHome, 0)
		var other sync.WaitGroup
		other.Go(func() {
			for range 10 {
				s.Set(A, officePBX, 0)
				s.Set(B, atHome, 0)
			}
			moved := officePBX
			moved.RTP = addr("192.168.1.10:7000")
			s.Set(A, moved, 0)
		})
		v := s.Receive(B, RTPPort, src, p, nil, ms)
		other.Wait()
		if v.Cause != Pass || s.pins.Load().remotes[B].pin[0] != src {
			t.Fatalf("%v, latched to %v", v.Cause, s.Stats()[B].Latched)
		}
		if got := s.Receive(B, RTPPort, src, p, nil, ms).To; got != addr("192.168.1.10:7000") {
			t.Fatalf("to %v", got)
		}
	}
}

// The same, one in the middle of the other.
func TestLearningWithinSetting(t *testing.T) {
	var s Session
	p, src := rtp(0, 1, 160, 1), addr("203.0.113.7:4000")
	s.Init(audio, [2]Local{}, newBorder(t).o.Realms)
	s.Set(A, officePBX, 0)
	s.Set(B, atHome, 0)
	learn := func(netip.AddrPort) (*Session, Side, bool) {
		s.Receive(B, RTPPort, src, p, nil, ms)
		return nil, A, false
	}
	s.SetChecked(A, callee, 0, learn)
	if got := s.Stats()[B].Latched; got != src {
		t.Errorf("after Set: latched to %v", got)
	}
	if got := s.Receive(B, RTPPort, src, p, nil, ms).To; got != callee.RTP {
		t.Errorf("after Set: sent to %v", got)
	}
	roamed := atHome
	roamed.Signaling = netip.MustParseAddr("198.51.100.7")
	s.Set(B, roamed, 0)
	src = addr("198.51.100.7:4000")
	if err := s.AddChecked(A, branch(1), 0, learn); err != nil {
		t.Fatal(err)
	}
	if got := s.Stats()[B].Latched; got != src || len(s.pins.Load().ends(A)) != 2 {
		t.Errorf("after Add: latched to %v", got)
	}

	s.Set(B, atHome, 0)
	old := s.pins.Load()
	s.Set(B, roamed, 0)
	now := s.pins.Load()
	if s.admit(old, B, &old.remotes[B], anRTP, addr("203.0.113.7:4000"), p, ms); s.pins.Load() != now {
		t.Error("what was learnt of the far end before has undone a Set")
	}
}

func TestLearntAddressesDoNotAllocate(t *testing.T) {
	l := newLine(t, atHome)
	l.from("the phone", "203.0.113.7:4000", Pass)
	p, src, wrong := rtp(0, 1, 160, 1), addr("203.0.113.7:4000"), addr("203.0.113.7:4001")
	l.m.Inject(l.b.RTP(), src, p)
	if n := testing.AllocsPerRun(100, func() {
		l.m.Inject(l.b.RTP(), src, p)
		l.m.Inject(l.b.RTP(), wrong, p)
		l.m.Inject(l.b.RTP(), other, p)
		l.m.Inject(l.b.RTCP(), wrong, nil)
		l.m.Inject(l.a.RTCP(), officePBX.RTCP, nil)
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func BenchmarkReceiveLearnt(b *testing.B)   { benchmarkLearnt(b, addr("203.0.113.7:4000"), Pass) }
func BenchmarkReceiveStranger(b *testing.B) { benchmarkLearnt(b, other, WrongSource) }

func benchmarkLearnt(b *testing.B, src netip.AddrPort, want Cause) {
	var s Session
	m := newBorder(b)
	s.Init(audio, [2]Local{}, m.o.Realms)
	s.Set(A, officePBX, 0)
	s.Set(B, atHome, 0)
	p := rtp(0, 1, 160, 1)
	s.Receive(B, RTPPort, addr("203.0.113.7:4000"), p, nil, ms)
	b.ReportAllocs()
	for b.Loop() {
		if s.Receive(B, RTPPort, src, p, nil, ms).Cause != want {
			b.Fatal("judged wrongly")
		}
		s.Sent(B, true)
	}
}
