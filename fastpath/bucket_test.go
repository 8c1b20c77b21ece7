package fastpath

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"sbc/lab/netns"
)

// policing is a world in which one listener is policed by these bounds.
func policing(t testing.TB, b fastpathBounds) *Program {
	p := load(t)
	must(t, p.Listen([]Listener{{netip.MustParseAddrPort(us4 + ":5060"), protoUDP}, {netip.MustParseAddrPort("[" + us6 + "]:5060"), protoUDP}}))
	bound(t, p, b, fastpathBounds{})
	return p
}

func from4(n int) []byte {
	return ether(ip4(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}).String(), us4, udp(9, 5060)))
}

// send runs a frame some times and returns how often it passed.
func (s section) send(t testing.TB, p *Program, frame []byte, times int) (passed int) {
	for range times {
		if s.passes(t, p, frame) {
			passed++
		}
	}
	return passed
}

func TestSourceGetsItsBurst(t *testing.T) {
	p := policing(t, fastpathBounds{Source: hourly(5)})
	for _, s := range sections {
		forget(t, p)
		if n := s.send(t, p, from4(1), 20); n != 5 {
			t.Errorf("%s: %d packets of one source pass, want 5", s.name, n)
		}
		if n := s.send(t, p, from4(2), 20); n != 5 {
			t.Errorf("%s: %d packets of another source pass, want 5", s.name, n)
		}
		if got := counted(t, p); got != (Counters{Source: 30}) {
			t.Errorf("%s: counted %+v", s.name, got)
		}
	}
}

// A source of IPv6 is a /64: its user chooses the rest.
func TestSourceIsA64(t *testing.T) {
	p := policing(t, fastpathBounds{Source: hourly(3)})
	s := sections[0]
	passed := 0
	for i := range 10 {
		if s.passes(t, p, ether(ip6(fmt.Sprintf("2001:db8:9:9::%x", i+1), us6, udp(9, 5060)))) {
			passed++
		}
	}
	if passed != 3 || !s.passes(t, p, ether(ip6("2001:db8:9:a::1", us6, udp(9, 5060)))) {
		t.Errorf("%d packets of a /64 pass, want 3, and one of the next", passed)
	}
}

func TestAllStrangersShareARate(t *testing.T) {
	p := policing(t, fastpathBounds{Source: hourly(2), All: hourly(7)})
	for _, s := range sections {
		forget(t, p)
		passed := 0
		for i := range 100 {
			passed += s.send(t, p, from4(i), 1)
		}
		if got := counted(t, p); passed != 7 || got != (Counters{All: 93}) {
			t.Errorf("%s: %d packets of 100 sources pass, want 7; counted %+v", s.name, passed, got)
		}
		// What was refused is not remembered: a flood of forged sources does
		// not drive out those that somebody has.
		if n := len(remembered(t, p)); n != 7 {
			t.Errorf("%s: %d sources are remembered, want 7", s.name, n)
		}
	}
}

// The bucket fills again.
func TestBucketRefills(t *testing.T) {
	p := policing(t, fastpathBounds{})
	rate := Rate{PerSecond: 100, Burst: 1}
	must(t, p.Limit(Bounds{Source: rate, All: rate}, Bounds{}))
	s := sections[0]
	for _, what := range []string{"the first packet", "one after it", "one after that"} {
		await(t, what, func() bool { return s.passes(t, p, from4(1)) })
	}
}

// Rates that change hold at once, whatever the buckets were filled by.
func TestRatesChange(t *testing.T) {
	p := policing(t, fastpathBounds{Source: hourly(50), All: hourly(50)})
	s := sections[1]
	if n := s.send(t, p, from4(1), 60); n != 50 {
		t.Fatalf("%d packets pass, want 50", n)
	}
	fast := Rate{PerSecond: 100, Burst: 1}
	must(t, p.Limit(Bounds{Source: fast, All: fast}, Bounds{}))
	await(t, "a packet at the new rate", func() bool { return s.passes(t, p, from4(1)) })
	must(t, p.Limit(Bounds{}, Bounds{}))
	if n := s.send(t, p, from4(1), 100); n != 100 {
		t.Errorf("without rates %d packets of 100 pass", n)
	}
}

func TestRateAsNumbers(t *testing.T) {
	for r, want := range map[Rate]fastpathRate{
		{}:                               {},
		{PerSecond: -1, Burst: 9}:        {},
		{PerSecond: 10, Burst: 1}:        {Interval: 1e8},
		{PerSecond: 10}:                  {Interval: 1e8},
		{PerSecond: 10, Burst: 5}:        {Interval: 1e8, Ahead: 4e8},
		{PerSecond: math.MaxInt}:         {Interval: 1},
		{PerSecond: 1, Burst: 1<<63 - 1}: {Interval: 1e9, Ahead: (1<<20 - 1) * 1e9},
	} {
		if got := r.value(); got != want {
			t.Errorf("%+v: %+v, want %+v", r, got, want)
		}
	}
}

// When the lease is over, everything passes.
func TestLease(t *testing.T) {
	p := policing(t, fastpathBounds{Source: hourly(1)})
	must(t, p.Ban(netip.MustParsePrefix("10.0.0.1/32"), time.Hour))
	for _, s := range sections {
		for _, c := range []struct {
			lease time.Duration
			pass  bool
		}{{time.Hour, false}, {time.Nanosecond, true}, {time.Hour, false}, {time.Nanosecond, true}, {0, false}} {
			must(t, p.Lease(c.lease))
			s.send(t, p, from4(2), 1)
			if got, of := s.passes(t, p, from4(1)), s.passes(t, p, from4(2)); got != c.pass || of != c.pass {
				t.Errorf("%s, lease of %v: a banned source passes: %v, one over its rate: %v", s.name, c.lease, got, of)
			}
		}
	}
}

func await(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// The time of a packet in the program, by what it meets.
func BenchmarkPacket(b *testing.B) {
	netns.Require(b, "root")
	for _, c := range []struct {
		name  string
		frame []byte
	}{
		{"media", ether(ip4(stranger4, us4, udp(9, 20000)))},
		{"media-v6", ether(ip6(stranger6, us6, udp(9, 20000)))},
		{"trusted", ether(ip4(trusted4, us4, udp(9, 5060)))},
		{"banned", ether(ip4(banned4, us4, udp(9, 5060)))},
		{"banned-v6", ether(ip6("2001:db8:77::1", us6, udp(9, 5060)))},
		{"over-its-rate", ether(ip4(stranger4, us4, udp(9, 5060)))},
		{"over-all-rates", ether(ip4("198.51.100.10", us4, udp(9, 5060)))},
	} {
		for _, s := range sections {
			b.Run(c.name+"/"+s.name, func(b *testing.B) {
				p := world(b)
				for i := range 10000 {
					must(b, p.Ban(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)}), 32), time.Hour))
				}
				exhausted := hourly(1)
				bound(b, p, fastpathBounds{Source: exhausted, All: exhausted}, fastpathBounds{})
				s.passes(b, p, ether(ip4(stranger4, us4, udp(9, 5060))))
				b.ResetTimer()
				_, err := s.of(p).Run(&ebpf.RunOptions{Data: c.frame, Repeat: uint32(b.N)})
				must(b, err)
			})
		}
	}
}
