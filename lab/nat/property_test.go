package nat

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func drawKind(t *rapid.T) Kind {
	k := Kind{
		Mapping:   Dependence(rapid.IntRange(0, 2).Draw(t, "mapping")),
		Filtering: Dependence(rapid.IntRange(0, 2).Draw(t, "filtering")),
		Ports:     Ports(rapid.IntRange(0, int(Sequential)).Draw(t, "ports")),
		Refresh:   Refresh(rapid.IntRange(0, 1).Draw(t, "refresh")),
		Hairpin:   rapid.Bool().Draw(t, "hairpin"),
		Arbitrary: rapid.Bool().Draw(t, "arbitrary"),
		Lifetime:  time.Duration(rapid.IntRange(1, 60).Draw(t, "lifetime")) * time.Second,
		First:     3000, Last: 3040,
		Max: 24,
	}
	return k
}

// A model of what RFC 4787 demands of UDP, in the words of the RFC: who sent
// to whom, and when last.
type model struct {
	kind Kind
	sent map[[2]netip.AddrPort]time.Duration // public endpoint and far end
	of   map[netip.AddrPort]netip.AddrPort   // public endpoint to its inside
	last map[netip.AddrPort]time.Duration    // public endpoint: the last packet out
}

// permitted is RFC 4787 section 5 for outbound refresh.
func (m *model) permitted(now time.Duration, from, at netip.AddrPort) bool {
	for pair, when := range m.sent {
		if pair[0] == at && now-when < m.kind.Lifetime && mask(m.kind.Filtering, pair[1]) == mask(m.kind.Filtering, from) {
			return true
		}
	}
	return false
}

// Whatever is sent: what comes in was asked for by an inside host within the
// lifetime, and by that one; what may come in does; a mapping stays where it
// is; the table is bounded; nothing but outbound packets refreshes.
func TestInboundIsWhatOutboundAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawKind(t)
		k.Refresh, k.Hairpin = OutboundOnly, false
		if k.Ports == Overload {
			k.Ports = Preserve // overloading gives one endpoint to two hosts
		}
		n := New(k, []netip.Addr{public, public.Next()}, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
		m := &model{kind: k, sent: map[[2]netip.AddrPort]time.Duration{}, of: map[netip.AddrPort]netip.AddrPort{}, last: map[netip.AddrPort]time.Duration{}}
		now := time.Duration(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 20_000).Draw(t, "pause")) * time.Millisecond
			if rapid.Bool().Draw(t, "outbound") {
				m.sends(t, n, now)
			} else {
				m.answers(t, n, now)
			}
			if got := n.Len(now); got > k.Max {
				t.Fatalf("%d mappings", got)
			}
		}
	})
}

func drawFar(t *rapid.T) netip.AddrPort {
	addr := [2]netip.Addr{server.Addr(), serverAddr.Addr()}[rapid.IntRange(0, 1).Draw(t, "far")]
	return netip.AddrPortFrom(addr, uint16(rapid.IntRange(1, 3).Draw(t, "far port")))
}

// sends lets an inside host send.
func (m *model) sends(t *rapid.T, n *NAT, now time.Duration) {
	host := [2]netip.Addr{phone.Addr(), other.Addr()}[rapid.IntRange(0, 1).Draw(t, "host")]
	src, dst := netip.AddrPortFrom(host, uint16(rapid.IntRange(3000, 3003).Draw(t, "port"))), drawFar(t)
	p, v := n.Out(now, Packet{Protocol: UDP, Src: src, Dst: dst})
	if v != Pass {
		if n.Len(now) < 3 {
			t.Fatalf("%v with room for more", v)
		}
		return
	}
	if port := p.Src.Port(); port < m.kind.First || port > m.kind.Last || !n.Owns(p.Src.Addr()) {
		t.Fatalf("public endpoint %s", p.Src)
	}
	if owner, ok := m.of[p.Src]; ok && owner != src && now-m.last[p.Src] < m.kind.Lifetime {
		t.Fatalf("%s is that of %s and of %s", p.Src, owner, src)
	} else if owner != src {
		for pair := range m.sent {
			if pair[0] == p.Src {
				delete(m.sent, pair)
			}
		}
	}
	m.of[p.Src], m.last[p.Src], m.sent[[2]netip.AddrPort{p.Src, dst}] = src, now, now
}

// answers lets a far end send to some public endpoint.
func (m *model) answers(t *rapid.T, n *NAT, now time.Duration) {
	at := netip.AddrPortFrom(public, uint16(rapid.IntRange(3000, 3040).Draw(t, "to")))
	from := drawFar(t)
	p, v := n.In(now, Packet{Protocol: UDP, Src: from, Dst: at})
	want := m.permitted(now, from, at)
	// An endpoint-independent filter is open as long as the mapping lives.
	if m.kind.Filtering == EndpointIndependent {
		last, ok := m.last[at]
		want = ok && now-last < m.kind.Lifetime
	}
	if (v == Pass) != want {
		t.Fatalf("at %v from %s to %s: %v, permitted %v", now, from, at, v, want)
	}
	if v == Pass && p.Dst != m.of[at] {
		t.Fatalf("%s goes to %s, want %s", at, p.Dst, m.of[at])
	}
}

// Inbound packets before the end of the lifetime make no difference, unless
// both directions refresh, and then they do.
func TestOnlyOutboundPacketsRefresh(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawKind(t)
		n := newNAT(k)
		p, v := n.Out(0, Packet{Protocol: UDP, Src: phone, Dst: server})
		if v != Pass {
			t.Fatal(v)
		}
		at := p.Src
		now := time.Duration(0)
		for range rapid.IntRange(1, 20).Draw(t, "inbound") {
			step := time.Duration(rapid.Int64Range(1, int64(k.Lifetime)-1).Draw(t, "pause"))
			now += step
			_, v := n.In(now, Packet{Protocol: UDP, Src: server, Dst: at})
			if want := k.Refresh == Both || now < k.Lifetime; (v == Pass) != want {
				t.Fatalf("%v after the last packet from inside, lifetime %v: %v", now, k.Lifetime, v)
			}
		}
	})
}

// Any packets at all: no panic, a bounded table, and the books agree.
func TestTheBooksAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawKind(t)
		n := New(k, []netip.Addr{public, public.Next()}, rand.New(rand.NewPCG(1, 1)))
		hosts := []netip.Addr{phone.Addr(), other.Addr(), server.Addr(), public, public.Next()}
		host := rapid.SampledFrom(hosts)
		now := time.Duration(0)
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 20_000).Draw(t, "pause")) * time.Millisecond
			p := Packet{
				Protocol: rapid.SampledFrom([]Protocol{TCP, UDP}).Draw(t, "protocol"),
				Src:      netip.AddrPortFrom(host.Draw(t, "src"), uint16(rapid.IntRange(3000, 3004).Draw(t, "src port"))),
				Dst:      netip.AddrPortFrom(host.Draw(t, "dst"), uint16(rapid.IntRange(3000, 3004).Draw(t, "dst port"))),
				Flags:    Flags(rapid.IntRange(0, 7).Draw(t, "flags")),
			}
			if rapid.Bool().Draw(t, "outbound") {
				n.Out(now, p)
			} else {
				n.In(now, p)
			}
			n.checkBooks(t)
		}
	})
}

func (n *NAT) checkBooks(t *rapid.T) {
	in := 0
	for at, list := range n.in {
		in += len(list)
		for _, m := range list {
			if n.out[m.key] != m || m.public != at.public || m.key.protocol != at.protocol {
				t.Fatalf("%v is found from outside only", m)
			}
		}
		if len(list) == 0 || len(list) > 1 && n.kind.Ports != Overload {
			t.Fatalf("%d mappings of %v", len(list), at)
		}
	}
	if in != len(n.out) || in != n.mappings || in > n.kind.Max {
		t.Fatalf("%d mappings from outside, %d from inside, %d counted", in, len(n.out), n.mappings)
	}
}
