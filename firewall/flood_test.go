package firewall

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"sbc/signaling/sip"
)

// forge returns the n-th of a flood of sources, by turns of IPv4 and IPv6.
func forge(n int) netip.AddrPort {
	if n%2 == 0 {
		return netip.AddrPortFrom(ip4(uint32(0x0b000000+n)), 5060)
	}
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint32(b[4:], uint32(n))
	return netip.AddrPortFrom(netip.AddrFrom16(b), 5060)
}

// allocated is how large the heap is now, garbage left out.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A million forged sources: nothing grows, peers and registered phones pass, and
// of those who are proven the share.
func TestFlood(t *testing.T) {
	g := newGuard(t, nil)
	friend := netip.MustParseAddrPort("192.0.2.3:5060")
	g.Proved(0, friend.Addr())
	before := allocated()
	var now time.Duration
	var passed int
	for i := range forged {
		now = time.Duration(i) * time.Microsecond // a million a second
		src := forge(i)
		first := register
		if i%10 == 1 {
			first = svmap
		}
		if !g.Verdict(now, 0, 0, src, first).Drop {
			passed++
			g.Saw(now, src.Addr(), StrangerRegister|Malformed, false)
			g.Asked(now, From{Src: src}, Request{Method: sip.REGISTER, User: first[:i%64], Agent: first[:i%100]})
		}
		if i%1000 == 0 {
			want(t, "a peer", g.ask(now, peer), NoCause)
			if !g.New(now, 0) || !g.Existing(now, 0) {
				t.Error("a peer's request is refused")
			}
		}
		if i%20_000 == 0 {
			want(t, "a phone", g.ask(now, phone), NoCause)
			want(t, "who is proven", g.ask(now, friend), NoCause)
		}
	}
	if most := 2*defaultUnknown + int(now.Seconds()*defaultUnknown) + 1; passed > most {
		t.Errorf("%d packets of nobody passed, want %d at most", passed, most)
	}
	after := allocated()
	t.Logf("%d forged sources: %d passed, heap %d KiB before, %d KiB after", forged, passed, before>>10, after>>10)
	if after > before+256<<10 {
		t.Errorf("the heap grew from %d to %d octets", before, after)
	}
	if s := g.Stats(); s.Bans+s.Former != 0 {
		t.Errorf("%+v", s)
	}
	if n := len(g.Sources(now)); n > g.o.Sources {
		t.Errorf("%d sources are listed", n)
	}
	runtime.KeepAlive(g)
}

// Sources that are proven, each of which is banned: the tables stay as large as
// they are.
func TestFloodOfBans(t *testing.T) {
	g := newGuard(t, func(o *Options) { o.Bans = 1000 })
	kept := 0
	g.o.Keep = func(_ uint64, r []byte) {
		if kept++; r == nil {
			kept -= 2
		}
	}
	fill := func(from, to int) {
		for i := from; i < to; i++ {
			now := time.Duration(i) * time.Millisecond
			g.Admit(now, 0, forge(i))
			g.offend(now, forge(i).Addr())
		}
	}
	fill(0, 5000)
	before := allocated()
	fill(5000, 20_000)
	after := allocated()
	if s := g.Stats(); s.Bans != 1000 || s.Former != 1000 || after > before+256<<10 {
		t.Errorf("%+v, heap %d and %d", s, before, after)
	}
	runtime.KeepAlive(g)
}

// All at once, for the race detector: what is said is never half of one thing
// and half of another.
func TestConcurrency(t *testing.T) {
	m := newMemory()
	g := withKernel(t, m, func(o *Options) { o.Sources, o.Proofs, o.Bans = 64, 64, 50 })
	g.Start()
	var all sync.WaitGroup
	run := func(f func(i int, now time.Duration, src netip.AddrPort)) {
		all.Go(func() {
			for i := range 3000 {
				f(i, time.Duration(i)*time.Millisecond, forge(i%200))
			}
		})
	}
	for range 2 {
		run(func(i int, now time.Duration, src netip.AddrPort) {
			want(t, "a peer", g.Verdict(now, 0, 0, peer, svmap), NoCause)
			g.Verdict(now, 0, 0, src, svmap)
			g.ask(now, src)
			g.New(now, i%2)
			g.Existing(now, i%2)
		})
	}
	for range 2 {
		run(func(i int, now time.Duration, src netip.AddrPort) {
			g.Admit(now, 0, src)
			g.Saw(now, src.Addr(), Scanner, i%2 == 0)
			g.Asked(now, From{Src: src}, Request{Method: sip.INVITE, User: register[:i%80], Head: register})
			g.Judge(sip.INVITE, register[:i%80], register[:i%80])
		})
	}
	run(func(i int, now time.Duration, src netip.AddrPort) {
		g.Registered(Spared{Remote: src, Local: ours}, i%3 > 0)
		g.Advance(now)
	})
	run(func(i int, now time.Duration, src netip.AddrPort) {
		switch i % 50 {
		case 0:
			g.SetNever(now, []netip.Prefix{only(peer), only(src)})
		case 1:
			g.Sources(now)
		case 2:
			g.Stats()
		case 3:
			g.Bans(now)
		case 4:
			g.Ban(now, only(src), time.Minute, "test")
		case 5:
			g.Unban(now, only(src))
		case 6:
			g.Records(func(uint64, []byte) {})
		case 7:
			g.Police(Policing{Source: Rate{i + 1, 1}})
		}
	})
	all.Wait()
	now := 3 * time.Second
	if s := g.Stats(); s.Bans > 50 || s.Former > 50 {
		t.Errorf("%+v", s)
	}
	m.equal(t, g, now)
}
