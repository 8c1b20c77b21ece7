package firewall

import (
	"net/netip"
	"testing"
	"time"
)

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
