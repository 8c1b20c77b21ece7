package mediarelay

import (
	"net/netip"
	"testing"
)

var allPairs = [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}}

// A crossing is one way to lay out RTP and RTCP on both sides.
type crossing struct {
	ip6   [2]bool
	local [2]bool // opened with mux
	mux   [2]bool // the far end multiplexes
	apart [2]bool // its RTCP is at another address (RFC 3605)
}

func everyCrossing() (list []crossing) {
	for _, ip6 := range allPairs {
		for _, local := range allPairs {
			for _, mux := range allPairs {
				for _, apart := range allPairs {
					list = append(list, crossing{ip6, local, mux, apart})
				}
			}
		}
	}
	return list
}

func (c crossing) ends() [2]Remote {
	ends := farEnds(c.ip6)
	for side := range ends {
		ends[side].Mux = c.mux[side]
		if c.apart[side] {
			a := [2]string{"192.0.2.55", "2001:db8:3::55"}[index(c.ip6[side])]
			ends[side].RTCP = netip.AddrPortFrom(netip.MustParseAddr(a), 9000)
		}
	}
	return ends
}

// RFC 5761 and RFC 3605: one port or two, and RTCP at an address of its own,
// on each side by itself, chosen by us at the opening or by the far end.
func TestEveryCrossing(t *testing.T) {
	p, rr := rtp(0, 1, 160, 1), unhex(t, hexRR)
	for _, c := range everyCrossing() {
		m := newDual(t, 1)
		s := openStream(t, m, Open{Realm: [2]int{0, 1}, IP6: c.ip6, Mux: c.local})
		ends := c.ends()
		for side, r := range ends {
			s.Set(Side(side), r)
		}
		for side := range ends {
			from, to := s.Local(Side(side)), s.Local(Side(side).Other())
			if (from.RTCPPort == from.Port) != c.local[side] {
				t.Fatalf("%+v: %+v", c, from)
			}
			in, src := from.RTCP(), ends[side].RTCP
			if c.mux[side] {
				in, src = from.RTP(), ends[side].RTP
			}
			out, dest := to.RTCP(), ends[1-side].RTCP
			if c.mux[1-side] {
				out, dest = to.RTP(), ends[1-side].RTP
			}
			want(t, "RTP", m, from.RTP(), ends[side].RTP, p, Pass, to.RTP(), ends[1-side].RTP)
			want(t, "RTCP", m, in, src, rr, Pass, out, dest)
		}
		if x := s.Stats(); x[A].RTCP != 1 || x[B].RTCP != 1 || x[A].Packets != 1 || x[B].Packets != 1 || t.Failed() {
			t.Fatalf("%+v: %+v", c, x)
		}
	}
}

// RFC 5761 section 4: on a shared port the packet types 192 to 223 are RTCP,
// which are the payload types 64 to 95 with the marker. From two ports such
// RTP is RTP, but a far end that multiplexes would read it as RTCP, past the
// rules for that: it does not cross.
func TestRTPThatLooksLikeRTCP(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	s.Set(A, caller)
	var none netip.AddrPort
	for _, mux := range []bool{false, true} {
		to := callee
		to.Mux = mux
		s.Set(B, to)
		for pt := range 256 {
			cause, from, dest := Pass, s.Local(B).RTP(), callee.RTP
			if mux && pt >= 192 && pt <= 223 {
				cause, from, dest = RTPMalformed, none, none
			}
			want(t, "RTP", m, s.Local(A).RTP(), caller.RTP, rtp(uint8(pt), 1, 160, 1), cause, from, dest)
		}
	}
	// What a map makes never looks so.
	var pm PayloadMap
	for pt := range uint8(128) {
		pm.Map(96, pt)
		if got := pm.Of(96); got >= 64 && got <= 95 {
			t.Fatalf("96 became %d", got)
		}
	}
}

// One-way and inactive lines, and such as are off, with RTCP where there is
// somebody.
func TestDirections(t *testing.T) {
	p, rr := rtp(0, 1, 160, 1), unhex(t, hexRR)
	var none netip.AddrPort
	type direction struct{ sends, receives, off bool }
	directions := []direction{{true, true, false}, {true, false, false}, {false, true, false}, {false, false, false}, {true, true, true}}
	for _, a := range directions {
		for _, b := range directions {
			m := newModel(t, 1)
			s := openStream(t, m, audio)
			ends := [2]Remote{caller, callee}
			for side, d := range [2]direction{a, b} {
				r := ends[side]
				r.Sends, r.Receives = d.sends, d.receives
				if d.off {
					r.RTP = netip.AddrPortFrom(r.RTP.Addr(), 0)
					r.RTCP = none
				}
				s.Set(Side(side), r)
			}
			media, from, to := Pass, s.Local(B).RTP(), callee.RTP
			switch {
			case a.off || b.off:
				media, from, to = NoRemote, none, none
			case !a.sends || !b.receives:
				media, from, to = Held, none, none
			}
			want(t, "media", m, s.Local(A).RTP(), caller.RTP, p, media, from, to)
			reports, from, to := Pass, s.Local(B).RTCP(), callee.RTCP
			if a.off || b.off {
				reports, from, to = NoRemote, none, none
			}
			want(t, "reports", m, s.Local(A).RTCP(), caller.RTCP, rr, reports, from, to)
			if t.Failed() {
				t.Fatalf("caller %+v, callee %+v", a, b)
			}
		}
	}
}

// A fax call becomes a voice call: the port for RTCP was ours all the time,
// and opens.
func TestOpaqueBecomesRTP(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, Open{Realm: [2]int{0, 1}, Opaque: true})
	a, b := s.Local(A), s.Local(B)
	var none netip.AddrPort
	fax, far := caller, callee
	fax.Opaque, far.Opaque = true, true
	s.Set(A, fax)
	s.Set(B, far)
	rr := unhex(t, hexRR)
	want(t, "unread", m, a.RTP(), caller.RTP, rr, Pass, b.RTP(), callee.RTP)
	s.Set(A, caller)
	if !m.Live(a.RTCP()) || m.Live(b.RTCP()) {
		t.Error("the side that became RTP, and only that, has RTCP")
	}
	want(t, "reports to a fax", m, a.RTCP(), caller.RTCP, rr, NoRemote, none, none)
	s.Set(B, callee)
	want(t, "reports", m, a.RTCP(), caller.RTCP, rr, Pass, b.RTCP(), callee.RTCP)
	s.Set(A, fax)
	s.Set(B, far)
	want(t, "unread again", m, a.RTP(), caller.RTP, []byte{1}, Pass, b.RTP(), callee.RTP)
	want(t, "at the port for RTCP", m, a.RTCP(), caller.RTCP, rr, WrongSource, none, none)
	s.Close()
	if len(m.ports) != 0 {
		t.Errorf("%d ports are left", len(m.ports))
	}
}
