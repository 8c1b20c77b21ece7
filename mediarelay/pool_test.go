package mediarelay

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func fixed() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestPairs(t *testing.T) {
	for _, c := range []struct {
		first, last uint16
		want        int
	}{
		{20000, 29999, 5000}, {20001, 29999, 4999}, {20000, 29998, 4999}, {20001, 20002, 0}, {20000, 20001, 1},
		{20001, 20001, 0}, {20000, 20000, 0}, {65534, 65535, 1}, {65535, 65535, 0}, {2, 1, 0}, {1, 65535, 32767},
	} {
		if got := pairs(c.first, c.last); got != c.want {
			t.Errorf("%d-%d: %d pairs, want %d", c.first, c.last, got, c.want)
		}
	}
}

// A pool of N pairs gives exactly N, all even and in the range; then no more
// until one has rested.
func TestPoolExhaustion(t *testing.T) {
	p := NewPool(20001, 20208, 5*time.Second, fixed())
	var got []uint16
	for {
		port, ok := p.Take(0, 0)
		if !ok {
			break
		}
		got = append(got, port)
	}
	if len(got) != 103 {
		t.Fatalf("%d pairs, want 103", len(got))
	}
	slices.Sort(got)
	for i, port := range got {
		if port != 20002+2*uint16(i) {
			t.Fatalf("port %d at place %d", port, i)
		}
	}
	p.Give(20100, time.Second)
	if _, ok := p.Take(6*time.Second-1, 0); ok {
		t.Error("a pair was used again before it had rested")
	}
	if port, ok := p.Take(6*time.Second, 0); !ok || port != 20100 {
		t.Errorf("after its rest: %d, %v", port, ok)
	}
}

// A random history: nothing is handed out twice, nothing before it rested,
// nothing gets lost.
func TestPoolProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const rest = 5 * time.Second
		first := rapid.Uint16Range(1, 60000).Draw(t, "first")
		n := rapid.IntRange(1, 12).Draw(t, "pairs")
		first += first & 1
		p := NewPool(first, first+2*uint16(n)-1, rest, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
		var now time.Duration
		var out []uint16
		free := map[uint16]time.Duration{} // when each may be used again
		var skipped uint64
		leave := func(rest time.Duration) uint16 {
			i := rapid.IntRange(0, len(out)-1).Draw(t, "which")
			port := out[i]
			out = slices.Delete(out, i, i+1)
			free[port] = now + rest
			return port
		}
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				port, ok := p.Take(now, 0)
				resting := 0
				for _, at := range free {
					resting += index(at > now)
				}
				if want := len(out)+resting < n; ok != want {
					t.Fatalf("%d out, %d resting of %d: took %v", len(out), resting, n, ok)
				}
				if !ok {
					return
				}
				if port&1 != 0 || port < first || int(port-first)/2 >= n || slices.Contains(out, port) || free[port] > now {
					t.Fatalf("at %v got %d; out %v, resting %v", now, port, out, free)
				}
				delete(free, port)
				out = append(out, port)
			},
			"give": func(t *rapid.T) {
				if len(out) == 0 {
					t.Skip()
				}
				if port := leave(rest); !p.Give(port, now) || p.Give(port, now) {
					t.Fatal("given back never or twice")
				}
			},
			"return": func(t *rapid.T) {
				if len(out) == 0 {
					t.Skip()
				}
				if port := leave(0); !p.Return(port) || p.Return(port) {
					t.Fatal("returned never or twice")
				}
			},
			"skip": func(t *rapid.T) {
				if len(out) == 0 {
					t.Skip()
				}
				if port := leave(rest); !p.Skip(port, now) || p.Skip(port, now) {
					t.Fatal("skipped never or twice")
				}
				skipped++
			},
			"wait": func(t *rapid.T) {
				now += time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * ms
			},
			"": func(t *rapid.T) {
				u := p.Use(now)
				if u.Total != n || u.InUse != len(out) || u.InUse+u.Resting+len(p.free) != n || u.Skipped != skipped {
					t.Fatalf("%+v, free %d; want %d out of %d", u, len(p.free), len(out), n)
				}
			},
		})
	})
}

func TestPoolRefusesStrangePorts(t *testing.T) {
	p := NewPool(20000, 20009, 0, fixed())
	for _, port := range []uint16{0, 19998, 20001, 20000, 20010, 65535} {
		if p.Give(port, 0) || p.Return(port) {
			t.Errorf("port %d was not out, but taken back", port)
		}
	}
}

// Every pair comes first about as often as any other.
func TestPoolIsFair(t *testing.T) {
	const n, rounds = 10, 20000
	var first [n]int
	r := fixed()
	p := NewPool(20000, 20000+2*n-1, 0, r)
	for range rounds {
		port, _ := p.Take(0, 0)
		first[(port-20000)/2]++
		p.Return(port)
	}
	for i, got := range first {
		if got < rounds/n*8/10 || got > rounds/n*12/10 {
			t.Errorf("pair %d: %d times of %d", i, got, rounds)
		}
	}
}

func TestPoolDoesNotAllocate(t *testing.T) {
	p := NewPool(20000, 29999, 3, fixed())
	var now time.Duration
	if n := testing.AllocsPerRun(1000, func() {
		port, _ := p.Take(now, 0)
		p.Give(port, now)
		now++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func pool(name string, a, a6 netip.Addr, first, last uint16) RealmPool {
	return RealmPool{Name: name, Addr: a, Addr6: a6, First: first, Last: last}
}

func TestOptionsCheck(t *testing.T) {
	lan, out := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")
	lan6, out6, none := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:f::1"), netip.Addr{}
	for _, c := range []struct {
		name   string
		realms []RealmPool
		rest   time.Duration
		want   string // part of the error
	}{
		{"two realms", []RealmPool{pool("in", lan, none, 20000, 20001), pool("out", out, none, 20000, 20001)}, 0, ""},
		{"both families", []RealmPool{pool("in", lan, lan6, 20000, 20001), pool("out", out, out6, 20000, 20001)}, 0, ""},
		{"one of each", []RealmPool{pool("in", lan, none, 20000, 20001), pool("out", none, out6, 20000, 20001)}, 0, ""},
		{"ranges side by side", []RealmPool{pool("in", lan, lan6, 20000, 20009), pool("out", lan, lan6, 20010, 20019)}, 0, ""},
		{"ranges that overlap", []RealmPool{pool("in", lan, none, 20000, 20010), pool("out", lan, none, 20010, 20019)}, 0, "overlap at 192.0.2.1"},
		{"ranges that overlap in IPv6", []RealmPool{pool("in", lan, lan6, 20000, 20010), pool("out", out, lan6, 20010, 20019)}, 0, "overlap at 2001:db8::1"},
		{"no pair", []RealmPool{pool("in", lan, none, 20001, 20002)}, 0, "no pair"},
		{"upside down", []RealmPool{pool("in", lan, none, 20009, 20000)}, 0, "no pair"},
		{"port 0", []RealmPool{pool("in", lan, none, 0, 100)}, 0, "no pair"},
		{"no address", []RealmPool{pool("in", none, none, 20000, 20009)}, 0, "one address"},
		{"any address", []RealmPool{pool("in", netip.IPv4Unspecified(), none, 20000, 20009)}, 0, "one IPv4 address"},
		{"any IPv6 address", []RealmPool{pool("in", lan, netip.IPv6Unspecified(), 20000, 20009)}, 0, "one IPv6 address"},
		{"multicast", []RealmPool{pool("in", netip.MustParseAddr("224.0.0.1"), none, 20000, 20009)}, 0, "one IPv4 address"},
		{"IPv6 multicast", []RealmPool{pool("in", none, netip.MustParseAddr("ff02::1"), 20000, 20009)}, 0, "one IPv6 address"},
		{"mapped", []RealmPool{pool("in", none, netip.MustParseAddr("::ffff:192.0.2.1"), 20000, 20009)}, 0, "one IPv6 address"},
		{"a prefix that is none", []RealmPool{{Name: "in", Addr: lan, First: 20000, Last: 20009, Routed: []netip.Prefix{{}}}}, 0, "no prefix"},
		{"IPv6 where IPv4 belongs", []RealmPool{pool("in", lan6, none, 20000, 20009)}, 0, "one IPv4 address"},
		{"IPv4 where IPv6 belongs", []RealmPool{pool("in", none, lan, 20000, 20009)}, 0, "one IPv6 address"},
		{"negative rest", []RealmPool{pool("in", lan, none, 20000, 20009)}, -1, "rest"},
	} {
		o := Options{Realms: c.realms, Rest: c.rest}
		switch err := o.Check(); {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q in it", c.name, err, c.want)
		}
	}
}
