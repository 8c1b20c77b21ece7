package mediarelay

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestForksLearnEachOnItsOwn(t *testing.T) {
	m := newBorder(t)
	s := openStream(t, m, audio)
	l := &line{t, m, s, s.Local(A), s.Local(B)}
	// Two phones of one make in two homes: the same description.
	other := atHome
	other.Signaling = netip.MustParseAddr("198.51.100.7")
	s.Set(A, officePBX)
	for _, r := range []Remote{atHome, other} {
		if err := s.Add(B, r); err != nil {
			t.Fatal(err)
		}
	}
	l.to("nobody sent", "", Unlatched)
	l.from("the first", "203.0.113.7:4000", Pass)
	l.to("to the first", "203.0.113.7:4000", Pass)
	l.from("the second, another port", "198.51.100.7:9000", LatchEarly)
	l.from("the second", "198.51.100.7:4000", Pass)
	l.to("to the second", "198.51.100.7:4000", Pass)
	l.from("the first", "203.0.113.7:4000", Fork)
	l.from("a stranger", "192.0.2.66:4000", WrongSource)
	if err := s.Add(B, atHome); err != nil {
		t.Fatal(err)
	}
	l.from("once more the same", "203.0.113.7:4000", Fork)
	s.Set(B, atHome)
	l.to("the first answers", "203.0.113.7:4000", Pass)
	l.from("the second lost", "198.51.100.7:4000", WrongSource)
	l.latched("")
	l.from("the first", "203.0.113.7:4000", Pass)
	l.latched("203.0.113.7:4000")
}

// Two phones behind one NAT ring: by the port they can be told apart, if the
// NAT keeps it and they differ. Else nobody is pinned before one answers.
func TestForksBehindOneNAT(t *testing.T) {
	m := newBorder(t)
	s := openStream(t, m, audio)
	l := &line{t, m, s, s.Local(A), s.Local(B)}
	second, third := atHome, atHome
	second.RTP, third.RTP = addr("10.0.0.6:4002"), addr("10.0.0.7:4002")
	s.Set(A, officePBX)
	for _, r := range []Remote{atHome, second, third} {
		if err := s.Add(B, r); err != nil {
			t.Fatal(err)
		}
	}
	l.from("the first", "203.0.113.7:4000", Pass)
	l.from("the second or the third", "203.0.113.7:4002", Fork)
	m.SetNow(earlyTime)
	l.from("one of them", "203.0.113.7:7777", Fork)
	l.from("a stranger", "192.0.2.66:4002", WrongSource)
	l.from("the first", "203.0.113.7:4000", Pass)
	s.Set(B, third)
	l.from("who lost may not take its place at once", "203.0.113.7:4000", LatchEarly)
	l.from("the third", "203.0.113.7:4002", Pass)
	l.to("to the third", "203.0.113.7:4002", Pass)
}

// Forks behind NATs, in any order of packets, branches and answers: what is
// sent goes only where a branch that is there may be, and a stranger is never
// heard.
func TestForksBehindNATsAtRandom(t *testing.T) {
	homes := []netip.Addr{homeNAT, secondNAT}
	phone := func(n int) Remote {
		r := atHome
		r.Signaling = homes[n%2]
		r.RTP, r.RTCP = netip.AddrPortFrom(r.RTP.Addr(), uint16(4000+n/2*2)), netip.AddrPortFrom(r.RTP.Addr(), uint16(4001+n/2*2))
		return r
	}
	rapid.Check(t, func(t *rapid.T) {
		var s Session
		s.Init(audio, [2]Local{}, newBorderRealms())
		s.Set(A, officePBX, 0)
		now, there := time.Duration(0), map[netip.Addr]bool{}
		branch := rapid.IntRange(0, 3)
		src := rapid.Custom(func(t *rapid.T) netip.AddrPort {
			a := append(homes, netip.MustParseAddr("192.0.2.66"), atHome.RTP.Addr())
			return netip.AddrPortFrom(rapid.SampledFrom(a).Draw(t, "address"), uint16(rapid.IntRange(4000, 4004).Draw(t, "port")))
		})
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				r := phone(branch.Draw(t, "branch"))
				if err := s.Add(B, r, now); err != nil {
					t.Fatal(err)
				}
				there[r.Signaling] = true
			},
			"answer": func(t *rapid.T) {
				r := phone(branch.Draw(t, "branch"))
				s.Set(B, r, now)
				there = map[netip.Addr]bool{r.Signaling: true}
			},
			"packet": func(t *rapid.T) {
				from := src.Draw(t, "source")
				if v := s.Receive(B, RTPPort, from, rtp(0, 1, 160, 1), nil, now); v.Cause == Pass && !there[from.Addr()] {
					t.Fatalf("%v is heard", from)
				}
			},
			"half a second": func(*rapid.T) { now += earlyTime },
			"": func(t *rapid.T) {
				to := s.Receive(A, RTPPort, officePBX.RTP, rtp(0, 1, 160, 1), nil, now).To
				if to.IsValid() && !there[to.Addr()] {
					t.Fatalf("sent to %v", to)
				}
				pins := map[netip.AddrPort]bool{}
				for _, f := range s.pins.Load().ends(B) {
					if p := f.pin[RTPPort]; p.IsValid() && pins[p] {
						t.Fatalf("two branches are pinned to %v", p)
					} else if p.IsValid() && p.Addr() != f.Signaling {
						t.Fatalf("a branch behind %v is pinned to %v", f.Signaling, p)
					}
					pins[f.pin[RTPPort]] = true
				}
			},
		})
	})
}
