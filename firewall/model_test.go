package firewall

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A model of the bans is what they are in the simplest words: lists that are
// looked through. It has few addresses, so that they meet each other.
type model struct {
	o      Options
	now    time.Duration
	bans   map[netip.Prefix]*modelBan
	former map[netip.Prefix]*modelBan
	homes  map[Spared]bool
	never  []netip.Prefix
	score  map[netip.Prefix]float64 // that is proven
	at     map[netip.Prefix]time.Duration
}

type modelBan struct {
	until time.Duration
	times int
}

func (m *model) overlaps(p netip.Prefix) bool {
	return slices.ContainsFunc(m.never, p.Overlaps)
}

func (m *model) refuses(p netip.Prefix) bool {
	home := false
	for f := range m.homes {
		home = home || p.Contains(f.Remote.Addr())
	}
	return m.overlaps(p) || home && p.Bits() < sourceBits(p.Addr())
}

func (m *model) sweep() {
	for p, b := range m.bans {
		if b.until <= m.now {
			m.end(p)
		}
	}
	for p, b := range m.former {
		if b.until+m.o.Memory <= m.now {
			delete(m.former, p)
		}
	}
}

func (m *model) end(p netip.Prefix) {
	b := m.bans[p]
	delete(m.bans, p)
	m.former[p] = &modelBan{min(b.until, m.now), b.times}
}

func (m *model) put(p netip.Prefix, b *modelBan) {
	delete(m.former, p)
	delete(m.bans, p)
	for q, w := range m.bans {
		if q.Bits() < p.Bits() && q.Overlaps(p) && w.until >= b.until {
			m.former[p] = &modelBan{m.now, b.times}
			return
		}
	}
	for q, in := range m.bans {
		if q.Bits() > p.Bits() && q.Overlaps(p) && in.until <= b.until {
			m.end(q)
		}
	}
	m.bans[p] = b
}

func (m *model) times(p netip.Prefix) int {
	if b := m.bans[p]; b != nil {
		return b.times
	}
	if b := m.former[p]; b != nil {
		return b.times + 1
	}
	return 1
}

func (m *model) earn(p netip.Prefix) {
	for q := range m.bans {
		if q.Bits() <= p.Bits() && q.Overlaps(p) {
			return
		}
	}
	if m.refuses(p) {
		return
	}
	n := m.times(p)
	m.put(p, &modelBan{m.now + min(m.o.BanFirst<<(n-1), m.o.BanMax), n})
	for bits := 56; p.Addr().Is6() && bits >= 48; bits -= 8 {
		wide, parts, until := netip.PrefixFrom(p.Addr(), bits).Masked(), 0, time.Duration(0)
		for q, b := range m.bans {
			if wide.Overlaps(q) && q.Bits() <= bits {
				return
			}
			if wide.Overlaps(q) {
				until = max(until, b.until)
				if q.Bits() == bits+8 {
					parts++
				}
			}
		}
		if parts < m.o.Merge || m.refuses(wide) {
			return
		}
		n := m.times(wide)
		m.put(wide, &modelBan{max(until, m.now+min(m.o.BanFirst<<(n-1), m.o.BanMax)), n})
	}
}

func (m *model) saw(a netip.Addr, weight float64, proven bool) {
	p := sourceOf(a).prefix()
	if m.overlaps(netip.PrefixFrom(a, a.BitLen())) || !proven {
		return
	}
	for d := m.now - m.at[p]; d >= m.o.HalfLife; d -= m.o.HalfLife { // times are multiples of it
		m.score[p] /= 2
		m.at[p] += m.o.HalfLife
	}
	m.at[p] = m.now
	if m.score[p] += weight; m.score[p] >= m.o.Ban {
		m.score[p] = 0
		m.earn(p)
	}
}

var someSource = rapid.Custom(func(t *rapid.T) netip.Addr {
	if rapid.Bool().Draw(t, "six") {
		// Six /64 of each of six /56 of two /48.
		six := rapid.IntRange(0, 5)
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:%d:%x%02x::1", rapid.IntRange(1, 2).Draw(t, "48"), six.Draw(t, "56"), six.Draw(t, "64")))
	}
	return netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(0, 5).Draw(t, "d"))})
})

var someNetwork = rapid.Custom(func(t *rapid.T) netip.Prefix {
	a := someSource.Draw(t, "addr")
	bits := []int{48, 56, 56, 64, 64, 64, 128}
	if a.Is4() {
		bits = []int{24, 30, 31, 32, 32, 32}
	}
	return netip.PrefixFrom(a, rapid.SampledFrom(bits).Draw(t, "bits")).Masked()
})

func TestBansModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kept := shelf{}
		o := options()
		o.Keep, o.Never, o.Sources, o.Proofs = kept.keep, nil, 1<<12, proofWays
		o.BanMax, o.Memory, o.Merge = 2*time.Hour, 3*time.Hour, rapid.IntRange(2, 4).Draw(t, "merge")
		g, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		m := &model{o: o, bans: map[netip.Prefix]*modelBan{}, former: map[netip.Prefix]*modelBan{}, homes: map[Spared]bool{},
			score: map[netip.Prefix]float64{}, at: map[netip.Prefix]time.Duration{}}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { m.sweep(); m.compare(t, g, kept) },
			"wait": func(t *rapid.T) {
				m.now += o.HalfLife * time.Duration(rapid.IntRange(1, 12).Draw(t, "half-lives"))
			},
			"offend": func(t *rapid.T) {
				a, proven := someSource.Draw(t, "source"), rapid.IntRange(0, 3).Draw(t, "proven") > 0
				for range rapid.IntRange(1, 3).Draw(t, "times") {
					g.Saw(m.now, a, Scanner, proven)
					m.saw(a, o.Weights[Scanner], proven)
				}
			},
			"scan": func(t *rapid.T) { // by all of a /56
				a := someSource.Draw(t, "source")
				for i := range 6 {
					b := a.As16()
					if b[7] = byte(i); a.Is6() {
						a = netip.AddrFrom16(b)
					}
					for range 2 {
						g.Saw(m.now, a, Scanner, true)
						m.saw(a, o.Weights[Scanner], true)
					}
				}
			},
			"ban": func(t *rapid.T) {
				p, d := someNetwork.Draw(t, "network"), time.Duration(rapid.IntRange(1, 200).Draw(t, "minutes"))*time.Minute
				err := g.Ban(m.now, p, d, "test")
				if m.sweep(); (err != nil) != m.refuses(p) {
					t.Fatalf("%v", err)
				} else if err == nil {
					m.put(p, &modelBan{m.now + d, m.times(p)})
				}
			},
			"unban": func(t *rapid.T) {
				p := someNetwork.Draw(t, "network")
				m.sweep()
				if err := g.Unban(m.now, p); err != nil && m.bans[p] != nil {
					t.Fatalf("%v", err)
				} else if err == nil { // or there were scores alone
					delete(m.bans, p)
					maps.DeleteFunc(m.score, func(q netip.Prefix, _ float64) bool { return p.Overlaps(q) })
				}
			},
			"register": func(t *rapid.T) {
				f := Spared{Remote: netip.AddrPortFrom(someSource.Draw(t, "source"), uint16(rapid.IntRange(1, 2).Draw(t, "port"))), Local: ours}
				on := rapid.Bool().Draw(t, "on")
				if g.Registered(f, on); on {
					m.homes[f] = true
				} else {
					delete(m.homes, f)
				}
			},
			"never": func(t *rapid.T) {
				m.never = rapid.SliceOfN(someNetwork, 0, 2).Draw(t, "networks")
				g.SetNever(m.now, m.never)
				maps.DeleteFunc(m.bans, func(p netip.Prefix, _ *modelBan) bool { return m.overlaps(p) })
				maps.DeleteFunc(m.score, func(p netip.Prefix, _ float64) bool { return m.overlaps(p) })
			},
			"restart": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "now") > 0 {
					return
				}
				if g, err = New(o); err != nil {
					t.Fatal(err)
				}
				g.SetNever(m.now, m.never)
				for id, r := range maps.Clone(kept) {
					if err := g.Restore(m.now, id, r); err != nil {
						t.Fatal(err)
					}
				}
				for f := range m.homes {
					g.Registered(f, true)
				}
				clear(m.score)
			},
		})
	})
}

// compare holds the Guard against the model, and against what must hold.
func (m *model) compare(t *rapid.T, g *Guard, kept shelf) {
	bans := g.Bans(m.now)
	if len(bans) != len(m.bans) || g.Stats().Former != len(m.former) || len(kept) != len(m.bans)+len(m.former) {
		t.Fatalf("%d bans, %d former, %d records; want %d, %d:\n%+v\n%+v", len(bans), g.Stats().Former, len(kept), len(m.bans), len(m.former), bans, m.bans)
	}
	for _, b := range bans {
		want := m.bans[b.Prefix]
		if want == nil || b.Until != epoch.Add(want.until) || b.Times != want.times {
			t.Fatalf("%+v, want %+v", b, want)
		}
		if m.overlaps(b.Prefix) {
			t.Fatalf("%v is never banned", b.Prefix)
		}
		for _, c := range bans {
			if c.Prefix != b.Prefix && c.Prefix.Bits() <= b.Prefix.Bits() && c.Prefix.Overlaps(b.Prefix) && !b.Until.After(c.Until) {
				t.Fatalf("%v until %v adds nothing to %v until %v", b.Prefix, b.Until, c.Prefix, c.Until)
			}
		}
		if !g.banned(m.now, b.Prefix.Addr()) {
			t.Fatalf("%v is listed and may send", b.Prefix)
		}
	}
	for i := range byte(6) {
		a, in := netip.AddrFrom4([4]byte{10, 0, 0, i}), false
		for p := range m.bans {
			in = in || p.Contains(a)
		}
		if g.banned(m.now, a) != in {
			t.Fatalf("%v: banned %v, want %v", a, !in, in)
		}
	}
}
