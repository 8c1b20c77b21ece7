package socket

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"sbc/mediarelay"
)

var (
	loopback6 = netip.IPv6Loopback()
	allPairs  = [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}}
)

// dual are two realms with an address of each family.
func dual(pairs uint16) Options {
	o := options(pairs)
	for i := range o.Realms {
		o.Realms[i].Addr6 = loopback6
	}
	return o
}

// A person is a far end with RTCP beside its RTP, and at an address of its own.
type person struct{ rtp, beside, apart *end }

// people are the far ends of both sides, by side and family.
func people(t *testing.T) (list [2][2]person) {
	elsewhere := netip.MustParseAddr("127.0.0.22")
	for side, a := range [2]netip.Addr{phone, carrier} {
		list[side][0] = person{newEnd(t, a), newEnd(t, a), newEnd(t, elsewhere)}
		list[side][1] = person{newEnd(t, loopback6), newEnd(t, loopback6), newEnd(t, loopback6)}
	}
	return list
}

// RFC 5761 and RFC 3605, IPv4 and IPv6: whatever one side has, the other may
// have anything else.
func TestEveryCrossing(t *testing.T) {
	o := dual(4)
	o.Rest = 1 // nanosecond
	e := newEngine(t, o, linux)
	all := people(t)
	for _, ip6 := range allPairs {
		for _, local := range allPairs {
			for _, mux := range allPairs {
				for _, apart := range allPairs {
					s := openStream(t, e, mediarelay.Open{Realm: [2]int{0, 1}, IP6: ip6, Mux: local})
					var rtp, rtcp [2]*end
					for side := range 2 {
						p := all[side][index(ip6[side])]
						rtp[side], rtcp[side] = p.rtp, p.beside
						if apart[side] {
							rtcp[side] = p.apart
						}
						s.Set(mediarelay.Side(side), mediarelay.Remote{
							RTP: rtp[side].addr, RTCP: rtcp[side].addr, Mux: mux[side], Sends: true, Receives: true,
						})
						if mux[side] {
							rtcp[side] = rtp[side]
						}
					}
					for side := range mediarelay.Side(2) {
						cross(t, s, side, mux, rtp, rtcp)
					}
					s.Close()
					if t.Failed() {
						t.Fatalf("IPv6 %v, opened with mux %v, mux %v, RTCP apart %v", ip6, local, mux, apart)
					}
				}
			}
		}
	}
}

// cross sends RTP and RTCP from one side to the other.
func cross(t *testing.T, s mediarelay.Stream, side mediarelay.Side, mux [2]bool, rtpEnds, rtcpEnds [2]*end) {
	t.Helper()
	from, to := s.Local(side), s.Local(side.Other())
	in, out := from.RTCP(), to.RTCP()
	if mux[side] {
		in = from.RTP()
	}
	if mux[side.Other()] {
		out = to.RTP()
	}
	p, rr := rtp(1, uint64(side)), []byte{0x80, 201, 0, 1, 0, 0, 0, 1}
	for _, c := range []struct {
		from, to *end
		in, out  netip.AddrPort
		b        []byte
	}{
		{rtpEnds[side], rtpEnds[side.Other()], from.RTP(), to.RTP(), p},
		{rtcpEnds[side], rtcpEnds[side.Other()], in, out, rr},
	} {
		c.from.send(t, c.in, c.b)
		if got, src := c.to.recv(t); !bytes.Equal(got, c.b) || src != c.out {
			t.Errorf("side %v: %d octets from %v, want %d from %v", side, len(got), src, len(c.b), c.out)
		}
	}
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestFamilyThatTheRealmHasNot(t *testing.T) {
	e := newEngine(t, options(1), linux)
	_, err := e.Open(mediarelay.Open{Realm: [2]int{0, 1}, IP6: [2]bool{false, true}})
	var none *mediarelay.NoFamily
	if !errors.As(err, &none) || none.Realm != "outside" || !none.IP6 {
		t.Errorf("%v", err)
	}
}

func TestIPv6AddressThatIsNotOurs(t *testing.T) {
	o := dual(4)
	o.Realms[1].Addr6 = netip.MustParseAddr("2001:db8::77")
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), `realm "outside": 2001:db8::77 is no address of this host`) {
		t.Errorf("%v", err)
	}
}

// The ports of both families are told apart: what lives at one address does
// not at the other.
func TestLiveByFamily(t *testing.T) {
	e := newEngine(t, dual(4), linux)
	for _, ip6 := range allPairs {
		s := openStream(t, e, mediarelay.Open{Realm: [2]int{0, 1}, IP6: ip6})
		for side := range mediarelay.Side(2) {
			l := s.Local(side)
			elsewhere := netip.AddrPortFrom(e.o.Realms[side].Of(!ip6[side]), l.Port)
			if !e.Live(l.RTP()) || !e.Live(l.RTCP()) || e.Live(elsewhere) {
				t.Errorf("IPv6 %v, side %v: %v is not live, or %v is", ip6, side, l.RTP(), elsewhere)
			}
		}
		s.Close()
	}
	if n := bound(e); n != 0 {
		t.Errorf("%d ports are left", n)
	}
}

// A far end that moves to the other family is nobody.
func TestFarEndOfAnotherFamily(t *testing.T) {
	e := newEngine(t, dual(4), linux)
	c := newCall(t, e, audio, [2]netip.Addr{phone, carrier})
	moved := newEnd(t, loopback6)
	c.s.Set(sideB, mediarelay.Remote{RTP: moved.addr, Sends: true, Receives: true})
	c.rtp[0].send(t, c.local(0).RTP(), rtp(1, 1))
	until(t, "family", func() bool { return c.s.Stats()[0].Drops[mediarelay.Family] == 1 })
	if n := moved.waiting(t) + c.rtp[1].waiting(t); n != 0 {
		t.Errorf("%d datagrams were sent to nobody", n)
	}
}
