package mediarelay

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestAudible(t *testing.T) {
	for _, c := range []struct {
		heard uint32
		n     int
		want  int
	}{
		{0, 1, 0}, {0, 2, 1}, {0, 8, 7}, // nobody was heard: the newest
		{0b1, 1, 0}, {0b1, 8, 0}, {0b10, 2, 1}, {0b101, 4, 2}, {0b11111111, 8, 7},
	} {
		if got := audible(c.heard, c.n); got != c.want {
			t.Errorf("heard %b of %d: %d is audible, want %d", c.heard, c.n, got, c.want)
		}
	}
}

// branch returns the far end of a fork.
func branch(i int) Remote {
	a := netip.AddrFrom4([4]byte{198, 51, 100, byte(10 + i)})
	return Remote{RTP: netip.AddrPortFrom(a, 7000), RTCP: netip.AddrPortFrom(a, 7001), Sends: true, Receives: true}
}

// An INVITE forks: each branch rings with media of its own, and one answers.
func TestForks(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	a, b := s.Local(A), s.Local(B)
	var none netip.AddrPort
	p, rr := rtp(0, 1, 160, 1), unhex(t, hexRR)
	first, second, third := branch(1), branch(2), branch(3)
	add := func(r Remote) {
		t.Helper()
		if err := s.Add(B, r); err != nil {
			t.Error(err)
		}
	}

	s.Set(A, caller)
	add(first)
	want(t, "to the only branch", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), first.RTP)
	add(second)
	want(t, "to the newest branch", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), second.RTP)
	want(t, "RTCP to the newest branch", m, a.RTCP(), caller.RTCP, rr, Pass, b.RTCP(), second.RTCP)
	want(t, "RTCP of the older branch", m, b.RTCP(), first.RTCP, rr, Fork, none, none)
	want(t, "RTCP of the newest branch", m, b.RTCP(), second.RTCP, rr, Pass, a.RTCP(), caller.RTCP)
	want(t, "the older branch, alone so far", m, b.RTP(), first.RTP, p, Pass, a.RTP(), caller.RTP)
	want(t, "to the branch that is heard", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), first.RTP)
	want(t, "malformed media of the newer branch", m, b.RTP(), second.RTP, p[:11], RTPMalformed, none, none)
	want(t, "still the branch that is heard", m, b.RTP(), first.RTP, p, Pass, a.RTP(), caller.RTP)
	want(t, "a stranger", m, b.RTP(), other, p, WrongSource, none, none)
	want(t, "the newer branch", m, b.RTP(), second.RTP, p, Pass, a.RTP(), caller.RTP)
	want(t, "the older branch now", m, b.RTP(), first.RTP, p, Fork, none, none)
	want(t, "its RTCP", m, b.RTCP(), first.RTCP, rr, Fork, none, none)
	if x := s.Stats()[B]; x.Latched != second.RTP || x.Drops[Fork] != 3 || x.Packets != 3 {
		t.Errorf("%+v", x)
	}
	add(third)
	want(t, "a third branch is silent", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), second.RTP)
	s.Set(A, caller)
	want(t, "the caller's offer changes nothing", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), second.RTP)

	s.Set(B, first)
	want(t, "the first answers", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), first.RTP)
	want(t, "who lost is a stranger", m, b.RTP(), second.RTP, p, WrongSource, none, none)
	want(t, "the first", m, b.RTP(), first.RTP, p, Pass, a.RTP(), caller.RTP)
}

func TestForkThatMayNotSend(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	mute := branch(2)
	mute.Sends = false
	s.Set(A, caller)
	s.Set(B, branch(1))
	p := rtp(0, 1, 160, 1)
	want(t, "the first", m, s.Local(B).RTP(), branch(1).RTP, p, Pass, s.Local(A).RTP(), caller.RTP)
	if err := s.Add(B, mute); err != nil {
		t.Fatal(err)
	}
	want(t, "one that may not send", m, s.Local(B).RTP(), mute.RTP, p, Fork, netip.AddrPort{}, netip.AddrPort{})
	want(t, "the first", m, s.Local(B).RTP(), branch(1).RTP, p, Pass, s.Local(A).RTP(), caller.RTP)
}

func TestForkWithMux(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	mux := branch(2)
	mux.Mux = true
	s.Set(A, caller)
	for _, r := range []Remote{branch(1), mux} {
		if err := s.Add(B, r); err != nil {
			t.Fatal(err)
		}
	}
	a, b := s.Local(A), s.Local(B)
	rr := unhex(t, hexRR)
	want(t, "RTCP of the branch with mux", m, b.RTP(), mux.RTP, rr, Pass, a.RTCP(), caller.RTCP)
	want(t, "RTCP to it", m, a.RTCP(), caller.RTCP, rr, Pass, b.RTP(), mux.RTP)
	want(t, "RTCP on the RTP port of the other is RTP", m, b.RTP(), branch(1).RTP, rr, RTPMalformed, netip.AddrPort{}, netip.AddrPort{})
}

func TestForksAreBounded(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	s.Set(A, caller)
	for i := range forksMax {
		if err := s.Add(B, branch(i)); err != nil {
			t.Fatalf("far end %d: %v", i+1, err)
		}
	}
	if err := s.Add(B, branch(forksMax)); !errors.Is(err, ErrForks) {
		t.Errorf("far end %d: %v", forksMax+1, err)
	}
	if err := s.Add(B, branch(3)); err != nil {
		t.Errorf("one that is there already: %v", err)
	}
	if err := s.Add(B, Remote{}); err != nil {
		t.Errorf("one that is nobody: %v", err)
	}
	p := rtp(0, 1, 160, 1)
	want(t, "the newest", m, s.Local(A).RTP(), caller.RTP, p, Pass, s.Local(B).RTP(), branch(forksMax-1).RTP)
	s.Close()
	if err := s.Add(B, branch(1)); err != nil {
		t.Errorf("after the end: %v", err)
	}
}

// A fork that leads back through our own ports is refused, and those before
// stay.
func TestForkRing(t *testing.T) {
	m := newModel(t, 4)
	s := openStream(t, m, audio)
	s.Set(A, local(s, A))
	if err := s.Add(B, branch(1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(B, branch(2)); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(B, local(s, B)); !errors.Is(err, ErrRing) {
		t.Errorf("a ring: %v", err)
	}
	want(t, "those before", m, s.Local(A).RTP(), s.Local(A).RTP(), rtp(0, 1, 160, 1), Pass, s.Local(B).RTP(), branch(2).RTP)
	// A ring over a branch that is not audible is one as well.
	second := openStream(t, m, audio)
	second.Set(A, local(second, A))
	for _, r := range []Remote{branch(1), branch(2)} {
		if err := second.Add(B, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Add(B, local(second, B)); err != nil {
		t.Errorf("another stream: %v", err)
	}
	if err := second.Add(B, local(s, B)); !errors.Is(err, ErrRing) {
		t.Errorf("a ring of two: %v", err)
	}
}

// story is what the rule of the forks says in words: of all far ends in the
// order of their coming, the newest that sent media is audible, or else the
// newest.
type story struct {
	ends []int // branches
	sent map[int]bool
}

func (s *story) audible() int {
	for i := len(s.ends) - 1; i >= 0; i-- {
		if s.sent[s.ends[i]] {
			return s.ends[i]
		}
	}
	return s.ends[len(s.ends)-1]
}

func (s *story) has(n int) bool {
	for _, x := range s.ends {
		if x == n {
			return true
		}
	}
	return false
}

// What comes from any branch in any order is judged as the story says.
func TestForksFollowTheRule(t *testing.T) {
	rr := unhex(t, hexRR)
	rapid.Check(t, func(t *rapid.T) {
		s, scratch := new(Session), make([]byte, ScratchLen)
		s.Init(audio, [2]Local{{Port: 20000, RTCPPort: 20001}, {Port: 30000, RTCPPort: 30001}}, nil)
		s.Set(A, caller, 0)
		s.Set(B, branch(0), 0)
		st := story{ends: []int{0}, sent: map[int]bool{}}
		send := func(side Side, port Component, src netip.AddrPort, b []byte, cause Cause, to netip.AddrPort) {
			if v := s.Receive(side, port, src, b, scratch, ms); v.Cause != cause || v.To != to {
				t.Fatalf("%v at %d from %v: %v to %v, want %v to %v", side, port, src, v.Cause, v.To, cause, to)
			}
		}
		from := func(n int) (cause Cause, rtpTo, rtcpTo netip.AddrPort) {
			switch {
			case !st.has(n):
				return WrongSource, rtpTo, rtcpTo
			case n != st.audible():
				return Fork, rtpTo, rtcpTo
			}
			return Pass, caller.RTP, caller.RTCP
		}
		number := rapid.IntRange(0, 10)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				n := number.Draw(t, "branch")
				err := s.Add(B, branch(n), 0)
				if full := !st.has(n) && len(st.ends) == forksMax; full != errors.Is(err, ErrForks) {
					t.Fatalf("%v with %d", err, len(st.ends))
				} else if !full && !st.has(n) {
					st.ends = append(st.ends, n)
				}
			},
			"set": func(t *rapid.T) {
				n := number.Draw(t, "branch")
				kept := n == st.audible() && st.sent[n]
				s.Set(B, branch(n), 0)
				st = story{ends: []int{n}, sent: map[int]bool{n: kept}}
			},
			"media": func(t *rapid.T) {
				n := number.Draw(t, "branch")
				if st.has(n) {
					st.sent[n] = true
				}
				cause, to, _ := from(n)
				send(B, RTPPort, branch(n).RTP, rtp(0, 1, 160, 1), cause, to)
			},
			"RTCP": func(t *rapid.T) {
				n := number.Draw(t, "branch")
				cause, _, to := from(n)
				send(B, RTCPPort, branch(n).RTCP, rr, cause, to)
			},
			"the caller offers again": func(*rapid.T) { s.Set(A, caller, 0) },
			"": func(t *rapid.T) {
				to := branch(st.audible())
				send(A, RTPPort, caller.RTP, rtp(0, 1, 160, 1), Pass, to.RTP)
				send(A, RTCPPort, caller.RTCP, rr, Pass, to.RTCP)
				want := netip.AddrPort{}
				if st.sent[st.audible()] {
					want = to.RTP
				}
				if got := s.Stats()[B].Latched; len(st.ends) > 1 && got != want {
					t.Fatalf("latched to %v, want %v", got, want)
				}
			},
		})
	})
}

func TestForksDoNotAllocate(t *testing.T) {
	var s Session
	s.Init(audio, [2]Local{}, nil)
	s.Set(A, caller, 0)
	for i := range forksMax {
		if err := s.Add(B, branch(i), 0); err != nil {
			t.Fatal(err)
		}
	}
	p := rtp(0, 1, 160, 1)
	if n := testing.AllocsPerRun(100, func() {
		s.Receive(A, RTPPort, caller.RTP, p, nil, ms)
		for i := forksMax - 1; i >= 0; i-- {
			s.Receive(B, RTPPort, branch(i).RTP, p, nil, ms)
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
	if x := s.Stats()[B]; fmt.Sprint(x.Latched) != "198.51.100.17:7000" {
		t.Errorf("%+v", x)
	}
}
