package fastpath

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

func TestBansAreReadBack(t *testing.T) {
	p := load(t)
	want := prefixes("10.0.0.1/32", "2001:db8::/48", "2001:db8:0:ff00::/56", "2001:db8:0:ff77::/64")
	for _, b := range want {
		must(t, p.Ban(b, time.Hour))
	}
	must(t, p.Ban(netip.MustParsePrefix("::ffff:10.0.0.1/128"), 2*time.Hour)) // the first, again
	must(t, p.Ban(netip.MustParsePrefix("10.0.0.2/32"), 0))                   // over
	must(t, p.Ban(netip.MustParsePrefix("10.0.0.3/32"), time.Hour))
	must(t, p.Unban(netip.MustParsePrefix("10.0.0.3/32")))
	must(t, p.Unban(netip.MustParsePrefix("10.0.0.4/32"))) // never was
	list, err := p.Bans()
	must(t, err)
	var got []netip.Prefix
	for _, b := range list {
		got = append(got, b.Prefix)
		if first := b.Prefix == want[0]; (b.Left > time.Hour) != first || b.Left > 2*time.Hour {
			t.Errorf("%v has %v left", b.Prefix, b.Left)
		}
	}
	less := func(a, b netip.Prefix) int { return strings.Compare(a.String(), b.String()) }
	slices.SortFunc(got, less)
	slices.SortFunc(want, less)
	if !slices.Equal(got, want) {
		t.Errorf("banned %v, want %v", got, want)
	}
}

func TestBanOfAnotherLength(t *testing.T) {
	p := load(t)
	for _, b := range []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("2001:db8::1/128"), netip.MustParsePrefix("::ffff:10.0.0.0/120"),
		netip.MustParsePrefix("::/48").Masked(), {},
	} {
		err := p.Ban(b, time.Hour)
		if b == netip.MustParsePrefix("::/48") {
			must(t, err)
		} else if err == nil || p.Unban(b) == nil {
			t.Errorf("Ban(%v) succeeded", b)
		}
	}
}

// A table that is full says so, and keeps what it has; bans that are over make
// room.
func TestBansAreBounded(t *testing.T) {
	p := load(t)
	n := int(p.objects.Banned.MaxEntries())
	fill := func(ends uint64) {
		keys, values := make([]fastpathBan, n), make([]uint64, n)
		for i := range keys {
			var a [4]byte
			binary.BigEndian.PutUint32(a[:], 10<<24+uint32(i))
			keys[i], _ = banKey(netip.PrefixFrom(netip.AddrFrom4(a), 32))
			values[i] = ends
		}
		_, err := p.objects.Banned.BatchUpdate(keys, values, &ebpf.BatchOptions{})
		must(t, err)
	}
	fill(1)
	one := netip.MustParsePrefix("192.0.2.1/32")
	must(t, p.Ban(one, time.Hour))
	must(t, p.Unban(one))
	fill(1 << 62)
	if err := p.Ban(one, time.Hour); !errors.Is(err, ErrFull) {
		t.Errorf("ban %d: %v", n+1, err)
	}
	must(t, p.Ban(netip.MustParsePrefix("10.0.0.0/32"), time.Minute)) // one that is there
	list, err := p.Bans()
	must(t, err)
	if len(list) != n {
		t.Errorf("%d bans, want %d", len(list), n)
	}
}

// The list is replaced as a whole, or not at all.
func TestTrustIsReplaced(t *testing.T) {
	p := load(t)
	s := sections[0]
	banned := []string{"10.0.0.1", "10.1.0.1", "10.2.0.1"}
	for _, b := range banned {
		must(t, p.Ban(netip.PrefixFrom(netip.MustParseAddr(b), 32), time.Hour))
	}
	passing := func() (list []string) {
		for _, b := range banned {
			if s.passes(t, p, ether(ip4(b, us4, udp(1, 2)))) {
				list = append(list, b)
			}
		}
		return list
	}
	check := func(want ...string) {
		t.Helper()
		if got := passing(); !slices.Equal(got, want) {
			t.Errorf("%v pass, want %v", got, want)
		}
	}
	check()
	must(t, p.Trust(prefixes("10.0.0.0/16", "10.0.0.1/32", "10.1.0.0/24")))
	check("10.0.0.1", "10.1.0.1")
	must(t, p.Trust(prefixes("::ffff:10.2.0.0/112")))
	check("10.2.0.1")
	var many []netip.Prefix
	for i := range 16385 {
		many = append(many, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24))
	}
	if err := p.Trust(many); !errors.Is(err, ErrFull) {
		t.Errorf("16,385 prefixes: %v", err)
	}
	check("10.2.0.1")
	must(t, p.Trust(many[:16384]))
	check(banned...)
	must(t, p.Trust(prefixes("0.0.0.0/0")))
	check(banned...)
	must(t, p.Trust(nil))
	check()
}

func TestSpareAndBack(t *testing.T) {
	p := load(t)
	s := sections[0]
	must(t, p.Ban(netip.MustParsePrefix("10.0.0.1/32"), time.Hour))
	f := Flow{netip.MustParseAddrPort("10.0.0.1:7000"), netip.MustParseAddrPort(us4 + ":5060"), protoUDP}
	for range 2 {
		must(t, p.Spare(f))
		if !s.passes(t, p, ether(ip4("10.0.0.1", us4, udp(7000, 5060)))) {
			t.Error("a spared flow is dropped")
		}
		must(t, p.Unspare(f))
		must(t, p.Unspare(f))
		if s.passes(t, p, ether(ip4("10.0.0.1", us4, udp(7000, 5060)))) {
			t.Error("a flow that is spared no more passes")
		}
	}
}
