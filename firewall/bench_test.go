package firewall

import (
	"net/netip"
	"testing"
	"time"

	"sbc/signaling/sip"
)

// What each packet costs is not paid to the collector of garbage.
func TestNothingIsAllocated(t *testing.T) {
	if racing {
		t.Skip("the race detector allocates")
	}
	g := newGuard(t, nil)
	banned := netip.MustParseAddrPort("192.0.2.4:5060")
	g.Ban(0, only(banned), time.Hour, "")
	friend := netip.MustParseAddrPort("192.0.2.3:5060")
	var now time.Duration
	n := 0
	user, agent := []byte("1000"), []byte("friendly-scanner")
	for name, f := range map[string]func(){
		"a peer":                 func() { g.ask(now, peer); g.New(now, 0); g.Existing(now, 0) },
		"a phone":                func() { g.ask(now, phone); g.NewBy(now, phone) },
		"who is proven":          func() { g.Proved(now, friend.Addr()); g.ask(now, friend) },
		"strangers":              func() { n++; g.ask(now, forge(n)) },
		"who is banned":          func() { g.ask(now, banned) },
		"scanners":               func() { n++; g.Verdict(now, 0, 0, forge(n), svmap) },
		"nonsense":               func() { g.ask(now, ours) },
		"a mapped address":       func() { g.ask(now, netip.AddrPortFrom(netip.AddrFrom16(scanner.Addr().As16()), 1)) },
		"a connection":           func() { g.Admit(now, 0, scanner6) },
		"offences":               func() { n++; g.Saw(now, forge(n).Addr(), StrangerInvite|Malformed, n%3 == 0) },
		"offences of one":        func() { g.Saw(now, scanner6.Addr(), Scanner|DictionaryUser, false) },
		"what a request is of":   func() { g.Judge(sip.INVITE, user, agent) },
		"what a stranger wanted": func() { n++; g.Asked(now, From{Src: forge(n)}, Request{sip.INVITE, user, nil, register}) },
	} {
		if n := testing.AllocsPerRun(1000, func() { now += time.Millisecond; f() }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func benchVerdict(b *testing.B, want Cause, first []byte, src func(i int) netip.AddrPort, given func(*Guard)) {
	g := newGuard(b, func(o *Options) {
		o.Intake[0], o.Intake[1], o.Source, o.ProvenSource, o.Flow = Rate{1e9, 1e9}, Rate{1e9, 1e9}, Rate{1e9, 1e9}, Rate{1e9, 1e9}, Rate{1e9, 1e9}
	})
	for i := range uint32(10_000) {
		g.Ban(0, netip.PrefixFrom(ip4(0x0a000000+i), 32), time.Hour, "")
	}
	if given != nil {
		given(g)
	}
	srcs := make([]netip.AddrPort, 1<<14)
	for i := range srcs {
		srcs[i] = src(i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if v := g.Verdict(time.Duration(i)*time.Microsecond, 0, 0, srcs[i%len(srcs)], first); v.Cause != want {
			b.Fatal(v.Cause)
		}
		i++
	}
}

func one(a netip.AddrPort) func(int) netip.AddrPort { return func(int) netip.AddrPort { return a } }

func BenchmarkVerdict(b *testing.B) {
	b.Run("peer", func(b *testing.B) { benchVerdict(b, NoCause, register, one(peer), nil) })
	b.Run("registered", func(b *testing.B) { benchVerdict(b, NoCause, register, one(phone), nil) })
	b.Run("proven", func(b *testing.B) {
		benchVerdict(b, NoCause, register, one(scanner), func(g *Guard) { g.Proved(0, scanner.Addr()) })
	})
	b.Run("unknown", func(b *testing.B) { benchVerdict(b, NoCause, register, one(scanner), nil) })
	b.Run("unknown, 16,384 of them", func(b *testing.B) { benchVerdict(b, NoCause, register, forge, nil) })
	b.Run("banned, 10,000 of them", func(b *testing.B) {
		benchVerdict(b, CauseBanned, register, func(i int) netip.AddrPort {
			return netip.AddrPortFrom(ip4(0x0a000000+uint32(i%10_000)), 5060)
		}, nil)
	})
	b.Run("scanner", func(b *testing.B) { benchVerdict(b, CauseScanner, svmap, one(scanner), nil) })
	b.Run("scanner, 16,384 of them", func(b *testing.B) { benchVerdict(b, CauseScanner, svmap, forge, nil) })
	b.Run("source", func(b *testing.B) { benchVerdict(b, CauseSource, register, one(ours), nil) })
}

func BenchmarkSaw(b *testing.B) {
	g := newGuard(b, nil)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		g.Saw(time.Duration(i)*time.Microsecond, forge(i).Addr(), StrangerInvite, false)
		i++
	}
}

func BenchmarkSignatures(b *testing.B) {
	g := newGuard(b, nil)
	for name, first := range map[string][]byte{"phone": register, "svmap": svmap} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(first)))
			for b.Loop() {
				g.signatures.find(first)
			}
		})
	}
}

// A ban copies a path of the table, so that readers need no lock.
func BenchmarkBan(b *testing.B) {
	g := newGuard(b, nil)
	b.ReportAllocs()
	i := uint32(0)
	for b.Loop() {
		g.Ban(time.Duration(i), netip.PrefixFrom(ip4(0x0a000000+i*2654435761%(1<<24)), 32), time.Hour, "")
		i++
	}
}
