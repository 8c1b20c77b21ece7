package nat

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

var (
	public = netip.MustParseAddr("203.0.113.1")
	phone  = netip.MustParseAddrPort("192.168.1.10:5060")
	other  = netip.MustParseAddrPort("192.168.1.11:5060")

	// A server with two addresses and two ports, as RFC 5780 has it.
	server     = netip.MustParseAddrPort("198.51.100.10:3478")
	serverPort = netip.MustParseAddrPort("198.51.100.10:3479")
	serverAddr = netip.MustParseAddrPort("198.51.100.11:3478")
)

func newNAT(k Kind) *NAT { return New(k, []netip.Addr{public}, rand.New(rand.NewPCG(1, 2))) }

// out sends a datagram from inside and returns what the far end sees.
func out(t *testing.T, n *NAT, now time.Duration, src, dst netip.AddrPort) netip.AddrPort {
	t.Helper()
	p, v := n.Out(now, Packet{Protocol: UDP, Src: src, Dst: dst})
	if v != Pass || p.Dst != dst {
		t.Fatalf("at %v: from %s to %s: %v, to %s", now, src, dst, v, p.Dst)
	}
	return p.Src
}

// arrives reports whether a datagram from outside gets in, and where.
func arrives(n *NAT, now time.Duration, src, dst netip.AddrPort) (netip.AddrPort, bool) {
	p, v := n.In(now, Packet{Protocol: UDP, Src: src, Dst: dst})
	return p.Dst, v == Pass
}

// findMapping is RFC 5780 section 4.3.
func findMapping(t *testing.T, n *NAT, src netip.AddrPort) Dependence {
	t.Helper()
	first, port, addr := out(t, n, 0, src, server), out(t, n, 0, src, serverPort), out(t, n, 0, src, serverAddr)
	switch {
	case first == port && first == addr:
		return EndpointIndependent
	case first == port:
		return AddressDependent
	}
	return AddressAndPortDependent
}

// findFiltering is RFC 5780 section 4.4.
func findFiltering(t *testing.T, n *NAT, src netip.AddrPort) Dependence {
	t.Helper()
	at := out(t, n, 0, src, server)
	if _, ok := arrives(n, 0, serverAddr, at); ok {
		return EndpointIndependent
	}
	if _, ok := arrives(n, 0, serverPort, at); ok {
		return AddressDependent
	}
	if inside, ok := arrives(n, 0, server, at); !ok || inside != src {
		t.Errorf("an answer came in: %v, at %s", ok, inside)
	}
	return AddressAndPortDependent
}

func TestEachKindIsFoundByAProbe(t *testing.T) {
	for mapping := range AddressAndPortDependent + 1 {
		for filtering := range AddressAndPortDependent + 1 {
			for _, ports := range []Ports{Preserve, Random, Parity, Sequential} {
				k := Kind{Mapping: mapping, Filtering: filtering, Ports: ports}
				t.Run(fmt.Sprintf("%s, %s, %s", mapping, filtering, ports), func(t *testing.T) {
					if got := findFiltering(t, newNAT(k), phone); got != filtering {
						t.Errorf("filtering %s", got)
					}
					if got := findMapping(t, newNAT(k), phone); got != mapping {
						t.Errorf("mapping %s", got)
					}
				})
			}
		}
	}
}

func TestNamedKinds(t *testing.T) {
	rows := map[string]struct {
		mapping, filtering Dependence
		preserves, hairpin bool
		lifetime           time.Duration
	}{
		"full cone":                    {EndpointIndependent, EndpointIndependent, true, true, 5 * time.Minute},
		"address-restricted":           {EndpointIndependent, AddressDependent, true, false, 5 * time.Minute},
		"port-restricted":              {EndpointIndependent, AddressAndPortDependent, true, false, 5 * time.Minute},
		"symmetric":                    {AddressAndPortDependent, AddressAndPortDependent, false, false, 5 * time.Minute},
		"carrier-grade":                {EndpointIndependent, AddressDependent, false, true, 2 * time.Minute},
		"impatient":                    {EndpointIndependent, AddressAndPortDependent, true, false, 20 * time.Second},
		"masquerade":                   {EndpointIndependent, AddressAndPortDependent, true, false, 2 * time.Minute},
		"masquerade with random ports": {AddressAndPortDependent, AddressAndPortDependent, false, false, 2 * time.Minute},
	}
	for _, k := range Named() {
		t.Run(k.Name, func(t *testing.T) {
			want, ok := rows[k.Name]
			if !ok {
				t.Fatal("no row for it")
			}
			if got := findMapping(t, newNAT(k.Kind), phone); got != want.mapping {
				t.Errorf("mapping %s, want %s", got, want.mapping)
			}
			if got := findFiltering(t, newNAT(k.Kind), phone); got != want.filtering {
				t.Errorf("filtering %s, want %s", got, want.filtering)
			}
			n := newNAT(k.Kind)
			at := out(t, n, 0, phone, server)
			if got := at.Port() == phone.Port(); got != want.preserves {
				t.Errorf("port %d became %d", phone.Port(), at.Port())
			}
			if _, ok := arrives(n, want.lifetime-1, server, at); !ok {
				t.Error("the mapping ended early")
			}
			n = newNAT(k.Kind)
			at = out(t, n, 0, phone, server)
			if _, ok := arrives(n, want.lifetime, server, at); ok {
				t.Error("the mapping outlived its lifetime")
			}
			if got := hairpins(t, newNAT(k.Kind)); got != want.hairpin {
				t.Errorf("hairpin %v", got)
			}
		})
	}
}

// hairpins is RFC 5780 section 4.5 with a second host.
func hairpins(t *testing.T, n *NAT) bool {
	t.Helper()
	a, b := out(t, n, 0, phone, server), out(t, n, 0, other, server)
	n.Out(0, Packet{Protocol: UDP, Src: phone, Dst: b}) // so that filtering has no part in it
	p, v := n.Out(0, Packet{Protocol: UDP, Src: other, Dst: a})
	if v == Hairpin && (p.Src != b || p.Dst != phone) {
		t.Errorf("hairpinned from %s to %s, want from %s (RFC 4787 REQ-9)", p.Src, p.Dst, b)
	}
	return v == Hairpin
}

func TestTwoHostsWithTheSamePort(t *testing.T) {
	n := newNAT(PortRestricted)
	a, b := out(t, n, 0, phone, server), out(t, n, 0, other, serverAddr)
	if a == b {
		t.Fatalf("both are %s", a)
	}
	n = newNAT(Masquerade)
	a, b = out(t, n, 0, phone, server), out(t, n, 0, other, serverAddr)
	if a != b {
		t.Errorf("an overloaded port was not: %s, %s", a, b)
	}
	c := out(t, n, 0, other, server)
	for _, row := range []struct{ from, to, want netip.AddrPort }{
		{server, a, phone}, {serverAddr, b, other}, {server, c, other},
	} {
		if got, ok := arrives(n, 0, row.from, row.to); !ok || got != row.want {
			t.Errorf("from %s to %s: %s, %v, want %s", row.from, row.to, got, ok, row.want)
		}
	}
}

// A NAT behind a NAT is one function after the other.
func TestNATBehindNAT(t *testing.T) {
	outer, inner := newNAT(CarrierGrade), New(Impatient, []netip.Addr{netip.MustParseAddr("100.64.0.7")}, rand.New(rand.NewPCG(3, 4)))
	middle := out(t, inner, 0, phone, server)
	at := out(t, outer, 0, middle, server)
	if at.Addr() != public {
		t.Errorf("seen as %s", at)
	}
	back, ok := arrives(outer, 19*time.Second, server, at)
	if !ok || back != middle {
		t.Fatalf("outer: %s, %v", back, ok)
	}
	if back, ok = arrives(inner, 19*time.Second, server, back); !ok || back != phone {
		t.Fatalf("inner: %s, %v", back, ok)
	}
	// The filter of the stricter one counts, and the lifetime of the shorter.
	if back, ok = arrives(outer, 19*time.Second, serverPort, at); !ok {
		t.Error("the carrier's NAT filters ports")
	}
	if _, ok = arrives(inner, 19*time.Second, serverPort, back); ok {
		t.Error("the home's NAT does not filter ports")
	}
	if _, ok = arrives(inner, 20*time.Second, server, middle); ok {
		t.Error("the home's mapping outlived 20 s")
	}
}

func TestPool(t *testing.T) {
	var pool []netip.Addr
	for i := range byte(8) {
		pool = append(pool, netip.AddrFrom4([4]byte{203, 0, 113, i}))
	}
	for _, arbitrary := range []bool{false, true} {
		n := New(Kind{Ports: Random, Arbitrary: arbitrary}, pool, rand.New(rand.NewPCG(1, 2)))
		seen := map[netip.Addr]bool{}
		for port := range uint16(20) {
			seen[out(t, n, 0, netip.AddrPortFrom(phone.Addr(), 5060+port), server).Addr()] = true
		}
		if (len(seen) == 1) == arbitrary {
			t.Errorf("arbitrary %v: one host has %d addresses (RFC 4787 REQ-2)", arbitrary, len(seen))
		}
	}
}

func TestRebootAndAnotherAddress(t *testing.T) {
	n := newNAT(FullCone)
	at := out(t, n, 0, phone, server)
	n.Reboot()
	if _, ok := arrives(n, 0, server, at); ok || n.Len(0) != 0 {
		t.Error("a mapping survived a reboot")
	}
	out(t, n, 0, phone, server)
	next := netip.MustParseAddr("203.0.113.99")
	n.SetPublic([]netip.Addr{next})
	if _, ok := arrives(n, 0, server, at); ok {
		t.Error("a mapping survived another address")
	}
	if got := out(t, n, 0, phone, server); got.Addr() != next {
		t.Errorf("seen as %s", got)
	}
}

func TestTheTableIsBounded(t *testing.T) {
	n := newNAT(Kind{Ports: Random, Max: 10, Lifetime: time.Minute})
	for port := range uint16(10) {
		out(t, n, 0, netip.AddrPortFrom(phone.Addr(), 1+port), server)
	}
	p := Packet{Protocol: UDP, Src: other, Dst: server}
	if _, v := n.Out(0, p); v != Drop {
		t.Errorf("the eleventh mapping: %v", v)
	}
	if _, v := n.Out(time.Minute, p); v != Pass {
		t.Errorf("after the others have ended: %v", v)
	}
	// Ports end as well.
	n = newNAT(Kind{Ports: Parity, First: 2000, Last: 2004})
	for port := range uint16(3) {
		out(t, n, 0, netip.AddrPortFrom(phone.Addr(), 10+2*port), server)
	}
	if _, v := n.Out(0, p); v != Drop {
		t.Errorf("no even port is left: %v", v)
	}
	// And far ends of one mapping.
	n = newNAT(PortRestricted)
	refused := 0
	for port := range uint16(2 * remotesMax) {
		if _, v := n.Out(0, Packet{Protocol: UDP, Src: phone, Dst: netip.AddrPortFrom(server.Addr(), 1+port)}); v == Drop {
			refused++
		}
	}
	if refused != remotesMax {
		t.Errorf("%d far ends were refused", refused)
	}
	out(t, n, 6*time.Minute, phone, server)
}

func TestNothingIsAllocatedForAMappingThatLives(t *testing.T) {
	for _, k := range Named() {
		n := newNAT(k.Kind)
		at := out(t, n, 0, phone, server)
		got := testing.AllocsPerRun(100, func() {
			n.Out(0, Packet{Protocol: UDP, Src: phone, Dst: server})
			n.In(0, Packet{Protocol: UDP, Src: server, Dst: at})
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", k.Name, got)
		}
	}
}
