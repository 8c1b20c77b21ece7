package mediarelay

import (
	"errors"
	"net/netip"
	"testing"
)

var (
	caller6 = pair(addr("[2001:db8:1::10]:4000"), addr("[2001:db8:1::10]:4001"))
	callee6 = pair(addr("[2001:db8:2::9]:7000"), addr("[2001:db8:2::9]:7001"))
)

// newDual returns a Model whose realms have an address of each family.
func newDual(t *testing.T, pairs uint16) *Model {
	t.Helper()
	m, err := NewModel(Options{Realms: []RealmPool{
		{Name: "inside", Addr: netip.MustParseAddr("192.168.1.1"), Addr6: netip.MustParseAddr("2001:db8:1::1"), First: 20000, Last: 20000 + 2*pairs - 1},
		{Name: "outside", Addr: netip.MustParseAddr("203.0.113.1"), Addr6: netip.MustParseAddr("2001:db8:2::1"), First: 30000, Last: 30000 + 2*pairs - 1},
	}}, fixed())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// farEnds returns the far ends of both sides in these families.
func farEnds(ip6 [2]bool) [2]Remote {
	return [2]Remote{[]Remote{caller, caller6}[index(ip6[A])], []Remote{callee, callee6}[index(ip6[B])]}
}

func TestFamilies(t *testing.T) {
	p, rr := rtp(0, 1, 160, 1), unhex(t, hexRR)
	for _, ip6 := range allPairs {
		m := newDual(t, 2)
		o := audio
		o.IP6 = ip6
		s := openStream(t, m, o)
		ends := farEnds(ip6)
		for side, r := range ends {
			s.Set(Side(side), r)
		}
		for side := range ends {
			from, to := s.Local(Side(side)), s.Local(Side(side).Other())
			if from.Addr.Is6() != ip6[side] {
				t.Errorf("IPv6 %v: side %d is at %v", ip6, side, from.Addr)
			}
			want(t, "RTP", m, from.RTP(), ends[side].RTP, p, Pass, to.RTP(), ends[1-side].RTP)
			want(t, "RTCP", m, from.RTCP(), ends[side].RTCP, rr, Pass, to.RTCP(), ends[1-side].RTCP)
			elsewhere := netip.AddrPortFrom(m.o.Realms[side].Of(!ip6[side]), from.Port)
			if !m.Live(from.RTP()) || !m.Live(from.RTCP()) || m.Live(elsewhere) {
				t.Errorf("IPv6 %v, side %d: %v is not live, or %v is", ip6, side, from.RTP(), elsewhere)
			}
		}
	}
}

// A pair belongs to one stream, whichever its family.
func TestFamiliesShareThePorts(t *testing.T) {
	m := newDual(t, 4)
	seen := map[uint16]bool{}
	for i := range 4 {
		o := audio
		o.IP6 = [2]bool{i%2 == 0, i < 2}
		s := openStream(t, m, o)
		if p := s.Local(A).Port; seen[p] {
			t.Errorf("port %d is out twice", p)
		} else {
			seen[p] = true
		}
	}
	var full *Exhausted
	if _, err := m.Open(Open{Realm: [2]int{0, 1}, IP6: [2]bool{true, true}}); !errors.As(err, &full) {
		t.Errorf("%v", err)
	}
}

func TestFamilyThatTheRealmHasNot(t *testing.T) {
	m := newModel(t, 1)
	_, err := m.Open(Open{Realm: [2]int{0, 1}, IP6: [2]bool{false, true}})
	var none *NoFamily
	if !errors.As(err, &none) || err.Error() != `realm "outside" has no IPv6 address for media` {
		t.Errorf("%v", err)
	}
	m.o.Realms[0].Addr, m.o.Realms[0].Addr6 = netip.Addr{}, netip.IPv6Loopback()
	if _, err = m.Open(audio); err == nil || err.Error() != `realm "inside" has no IPv4 address for media` {
		t.Errorf("%v", err)
	}
	if u := m.Ports(); u[0].InUse != 0 || u[1].InUse != 0 {
		t.Errorf("%+v", u)
	}
}

// A far end that moves to the other family cannot be reached from the side's
// address: it is nobody, and that has a cause of its own.
func TestFarEndOfAnotherFamily(t *testing.T) {
	m := newDual(t, 1)
	s := openStream(t, m, audio)
	a, b := s.Local(A), s.Local(B)
	var none netip.AddrPort
	p, rr := rtp(0, 1, 160, 1), unhex(t, hexRR)
	s.Set(A, caller)
	s.Set(B, callee6)
	want(t, "to it", m, a.RTP(), caller.RTP, p, Family, none, none)
	want(t, "RTCP to it", m, a.RTCP(), caller.RTCP, rr, Family, none, none)
	want(t, "at its port", m, b.RTP(), callee.RTP, p, Family, none, none)
	if x := s.Stats(); x[A].Drops[Family] != 2 || x[A].Packets != 1 || x[B].Drops[Family] != 1 || x[A].Forwarded != 0 {
		t.Errorf("%+v", x)
	}
	// RTCP alone of the other family: no reports, but media.
	r := callee
	r.RTCP = callee6.RTCP
	s.Set(B, r)
	want(t, "media", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), callee.RTP)
	want(t, "its reports", m, a.RTCP(), caller.RTCP, rr, Family, none, none)
	r.Mux = true
	s.Set(B, r)
	want(t, "reports with mux", m, a.RTCP(), caller.RTCP, rr, Pass, b.RTP(), callee.RTP)
	s.Set(B, callee)
	want(t, "back in the family", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), callee.RTP)
	// Who is off or on hold has no family.
	for _, off := range []string{"[2001:db8::1]:0", "[::]:4000"} {
		s.Set(B, pair(addr(off), none))
		want(t, off, m, a.RTP(), caller.RTP, p, NoRemote, none, none)
	}
	// As a branch of a fork.
	s.Set(B, callee)
	if err := s.Add(B, callee6); err != nil {
		t.Error(err)
	}
	want(t, "a branch of the other family", m, a.RTP(), caller.RTP, p, Pass, b.RTP(), callee.RTP)
	s.Set(B, Remote{})
	if err := s.Add(B, callee6); err != nil {
		t.Error(err)
	}
	want(t, "the only branch", m, a.RTP(), caller.RTP, p, Family, none, none)
}

func TestSpiralAcrossFamilies(t *testing.T) {
	m := newDual(t, 4)
	o := audio
	o.IP6 = [2]bool{true, false}
	first, second := openStream(t, m, o), openStream(t, m, o)
	first.Set(B, callee)
	second.Set(B, pair(other, addr("203.0.113.66:4001")))
	first.Set(A, local(second, A))
	second.Set(A, local(first, A))
	if to, n := hops(t, m, first.Local(B).RTP(), callee.RTP, rtp(0, 1, 160, 1)); to != other || n != 2 {
		t.Errorf("to %v over %d streams", to, n)
	}
	first.Set(B, local(second, B))
	second.Set(B, local(first, B))
	if x := second.Stats(); !x[B].Looped {
		t.Errorf("a ring was let be: %+v", x)
	}
}
