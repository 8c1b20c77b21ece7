//go:build !race

package firewall

import (
	"net/netip"
	"testing"
	"time"

	"sbc/signaling/sip"
)

// The race detector allocates: this runs without it.

// What each packet costs is not paid to the collector of garbage.
func TestNothingIsAllocated(t *testing.T) {
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
