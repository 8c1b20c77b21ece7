package mediarelay

import (
	"net/netip"
	"testing"
)

func pair(rtp, rtcp netip.AddrPort) Remote {
	return Remote{RTP: rtp, RTCP: rtcp, Sends: true, Receives: true}
}

func local(s Stream, side Side) Remote {
	l := s.Local(side)
	return pair(l.RTP(), l.RTCP())
}

// hops follows a packet through the model until it leaves for a far end that
// is not ours, and returns that and the number of streams it crossed.
func hops(t *testing.T, m *Model, to, src netip.AddrPort, b []byte) (netip.AddrPort, int) {
	t.Helper()
	for n := 1; n < 100; n++ {
		out, c := m.Inject(to, src, b)
		if c != Pass {
			return netip.AddrPort{}, n
		}
		if _, ours := m.ports[out.To]; !ours {
			return out.To, n
		}
		to, src = out.To, out.From
	}
	t.Fatal("a packet goes round for ever")
	return netip.AddrPort{}, 0
}

// A PBX that takes itself out of the media path: our address is the far end,
// row sdp_address of the bad input.
func TestSpiral(t *testing.T) {
	m := newModel(t, 4)
	first, second := openStream(t, m, audio), openStream(t, m, Open{Realm: [2]int{0, 1}})
	first.Set(B, callee)
	second.Set(B, pair(other, addr("203.0.113.66:4001")))
	first.Set(A, local(second, A))
	second.Set(A, local(first, A))
	p := rtp(0, 1, 160, 1)
	if to, n := hops(t, m, first.Local(B).RTP(), callee.RTP, p); to != other || n != 2 {
		t.Errorf("to %v over %d streams", to, n)
	}
	if to, n := hops(t, m, second.Local(B).RTP(), other, p); to != callee.RTP || n != 2 {
		t.Errorf("to %v over %d streams", to, n)
	}
	if to, n := hops(t, m, first.Local(B).RTCP(), callee.RTCP, unhex(t, hexRR)); to != addr("203.0.113.66:4001") || n != 2 {
		t.Errorf("RTCP to %v over %d streams", to, n)
	}
	for _, s := range []Stream{first, second} {
		if x := s.Stats(); x[A].Looped || x[B].Looped {
			t.Error("a spiral was taken for a ring")
		}
	}
}

func TestRingsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		streams int
		set     func(s []Stream) // the last Set closes the ring, by its side A
	}{
		{"both sides are themselves", 1, func(s []Stream) {
			s[0].Set(B, local(s[0], B))
			s[0].Set(A, local(s[0], A))
		}},
		{"the sides are each other", 1, func(s []Stream) {
			s[0].Set(B, local(s[0], A))
			s[0].Set(A, local(s[0], B))
		}},
		{"two streams", 2, func(s []Stream) {
			s[0].Set(B, local(s[1], A))
			s[1].Set(A, local(s[0], B))
			s[1].Set(B, local(s[0], A))
			s[0].Set(A, local(s[1], B))
		}},
		{"three streams", 3, func(s []Stream) {
			for i := range s {
				s[i].Set(B, local(s[(i+1)%3], A))
			}
			for _, i := range []int{2, 1, 0} {
				s[i].Set(A, local(s[(i+2)%3], B))
			}
		}},
		{"only RTCP", 1, func(s []Stream) {
			b := callee
			b.RTCP = s[0].Local(A).RTCP()
			s[0].Set(B, b)
			a := caller
			a.RTCP = s[0].Local(B).RTCP()
			s[0].Set(A, a)
		}},
		{"RTP by one port, back by the other's RTCP", 1, func(s []Stream) {
			b := local(s[0], B)
			b.RTP, b.RTCP = b.RTCP, b.RTP
			s[0].Set(B, b)
			a := local(s[0], A)
			a.RTP, a.RTCP = a.RTCP, a.RTP
			s[0].Set(A, a)
		}},
	} {
		m := newModel(t, 4)
		streams := make([]Stream, c.streams)
		for i := range streams {
			streams[i] = openStream(t, m, audio)
		}
		c.set(streams)
		if x := streams[0].Stats(); !x[A].Looped || x[B].Looped {
			t.Errorf("%s: refused A %v, B %v, want A", c.name, x[A].Looped, x[B].Looped)
		}
		// Whatever one puts in comes to an end.
		for to := range m.ports {
			for src := range m.ports {
				hops(t, m, to, src, rtp(0, 1, 160, 1))
				hops(t, m, to, src, unhex(t, hexRR))
			}
		}
		// And the side is open again for an honest far end.
		streams[0].Set(A, caller)
		if x := streams[0].Stats(); x[A].Looped {
			t.Errorf("%s: refused for ever", c.name)
		}
	}
}

func TestChainTooLongToSeeIsRefused(t *testing.T) {
	m := newModel(t, ringMax+2)
	var streams []Stream
	for range ringMax + 2 {
		streams = append(streams, openStream(t, m, audio))
	}
	for i := len(streams) - 2; i >= 0; i-- {
		streams[i+1].Set(A, local(streams[i], B))
		streams[i].Set(B, local(streams[i+1], A))
	}
	looped := 0
	for _, s := range streams {
		x := s.Stats()
		looped += index(x[A].Looped) + index(x[B].Looped)
	}
	if looped == 0 {
		t.Errorf("a chain of %d streams was followed to its end", len(streams))
	}
}
