package firewall

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// offend makes a source cross the bound of a ban.
func (g *Guard) offend(now time.Duration, a netip.Addr) {
	g.Saw(now, a, Scanner, true)
	g.Saw(now, a, Scanner, true)
}

func (g *Guard) prefixes(now time.Duration) (list []string) {
	for _, b := range g.Bans(now) {
		list = append(list, b.Prefix.String())
	}
	return list
}

// Each ban is twice as long as the one before it, up to a bound, until that is
// forgotten.
func TestBansDouble(t *testing.T) {
	g := newGuard(t, func(o *Options) { o.BanMax, o.Memory = time.Hour, 24*time.Hour })
	now := time.Duration(0)
	for i, d := range []time.Duration{10, 20, 40, 60, 60} {
		d *= time.Minute
		g.offend(now, scanner.Addr())
		b := g.Bans(now)
		if len(b) != 1 || b[0].Times != i+1 || b[0].Until.Sub(b[0].Since) != d || b[0].By != ByScore || b[0].Offences.String() != "2 scanner" {
			t.Fatalf("ban %d: %+v, want %v", i+1, b, d)
		}
		want(t, "to the end", g.ask(now+d-1, scanner), CauseBanned)
		now += d
		if v := g.ask(now, scanner); v.Cause == CauseBanned {
			t.Errorf("ban %d does not end", i+1)
		}
	}
	now += 24*time.Hour + time.Minute
	g.offend(now, scanner.Addr())
	if b := g.Bans(now); b[0].Times != 1 {
		t.Errorf("after a day without: %+v", b)
	}
}

// What is scored while somebody is banned does not make the ban longer.
func TestBannedTwice(t *testing.T) {
	g := newGuard(t, nil)
	for range 100 {
		g.Saw(0, scanner.Addr(), Scanner, true)
	}
	if b := g.Bans(0); len(b) != 1 || b[0].Times != 1 || g.Stats().Banned != 1 {
		t.Errorf("%+v", b)
	}
}

func TestBansOfIPv6(t *testing.T) {
	in := func(n56, n64 int) netip.Addr {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:66:%x%02x::1", n56, n64))
	}
	g := newGuard(t, nil)
	for i := range 3 {
		g.offend(0, in(0, i))
	}
	if got := g.prefixes(0); len(got) != 3 {
		t.Fatalf("%v", got)
	}
	g.offend(time.Minute, in(0, 3))
	if got := g.prefixes(time.Minute); len(got) != 1 || got[0] != "2001:db8:66::/56" {
		t.Fatalf("after the fourth /64: %v", got)
	}
	b := g.Bans(time.Minute)[0]
	if b.By != ByMerge || b.Reason != "4 networks of it were banned" || b.Offences.String() != "8 scanner" {
		t.Errorf("%+v", b)
	}
	want(t, "another /64 of it", g.ask(time.Minute, netip.AddrPortFrom(in(0, 99), 1)), CauseBanned)
	want(t, "the next /56", g.ask(time.Minute, netip.AddrPortFrom(in(1, 0), 1)), NoCause)
	for n56 := 1; n56 < 4; n56++ {
		for i := range 4 {
			g.offend(time.Minute, in(n56, i))
		}
	}
	if got := g.prefixes(time.Minute); len(got) != 1 || got[0] != "2001:db8:66::/48" {
		t.Fatalf("after the fourth /56: %v", got)
	}
	if s := g.Stats(); s.Merged != 5 || s.Banned != 16+5 || s.Bans != 1 {
		t.Errorf("%+v", s)
	}
	// The parts are remembered.
	g.Unban(2*time.Minute, netip.MustParsePrefix("2001:db8:66::/48"))
	g.offend(2*time.Minute, in(0, 0))
	if b := g.Bans(2 * time.Minute)[0]; b.Times != 2 {
		t.Errorf("%+v", b)
	}
}

// Networks are not put together over somebody who registered, or who is never
// banned.
func TestNoMergeOver(t *testing.T) {
	home := Spared{Remote: netip.MustParseAddrPort("[2001:db8:66:77::1]:5060"), Local: ours}
	for name, given := range map[string]func(*Guard){
		"registered": func(g *Guard) { g.Registered(home, true); g.Registered(home, true) },
		"never": func(g *Guard) {
			g.SetNever(0, []netip.Prefix{netip.MustParsePrefix("2001:db8:66:77::1/128")})
		},
	} {
		g := newGuard(t, nil)
		given(g)
		for i := range 10 {
			g.offend(0, netip.MustParseAddr(fmt.Sprintf("2001:db8:66:%x::1", i)))
		}
		if n := len(g.Bans(0)); n != 10 {
			t.Errorf("%s: %d bans, want one for each /64", name, n)
		}
		g.Registered(home, false)
		g.SetNever(0, nil)
		g.offend(0, netip.MustParseAddr("2001:db8:66:11::1"))
		if got := g.prefixes(0); len(got) != 1 || got[0] != "2001:db8:66::/56" {
			t.Errorf("%s, and nobody any more: %v", name, got)
		}
	}
}

// When nobody knows any more who has registered, no network is banned for what
// its parts did.
func TestNoMergeInTheDark(t *testing.T) {
	g := newGuard(t, func(o *Options) { o.Flows = 1 })
	g.Registered(Spared{Remote: phone, Local: ours}, true)
	g.Registered(Spared{Remote: scanner, Local: ours}, true)
	for i := range 10 {
		g.offend(0, netip.MustParseAddr(fmt.Sprintf("2001:db8:66:%x::1", i)))
	}
	if s := g.Stats(); s.Merged != 0 || s.Bans != 10 || s.Unspared != 1 {
		t.Errorf("%+v", s)
	}
}

// A source is somebody's home until the last flow from there is gone.
func TestTwoFlowsOfOneSource(t *testing.T) {
	g := newGuard(t, nil)
	wide := netip.MustParsePrefix("192.0.2.0/24")
	flows := []Spared{{Remote: phone, Local: ours}, {Remote: netip.AddrPortFrom(phone.Addr(), 999), Local: ours, TCP: true}}
	for _, f := range flows {
		g.Registered(f, true)
	}
	for i, f := range flows {
		if g.Ban(0, wide, time.Hour, "") == nil {
			t.Errorf("with %d flows it is banned", 2-i)
		}
		g.Registered(f, false)
		g.Registered(f, false)
	}
	if err := g.Ban(0, wide, time.Hour, ""); err != nil || g.Stats().Flows != 0 {
		t.Error(err)
	}
}

func TestByHand(t *testing.T) {
	g := newGuard(t, nil)
	g.Registered(Spared{Remote: phone, Local: ours}, true)
	for _, c := range []struct {
		prefix string
		d      time.Duration
		want   string // "": it is done
	}{
		{"203.0.113.64/26", time.Hour, ""},
		{"192.0.2.66/32", time.Hour, ""},
		{"::ffff:192.0.2.67/128", time.Hour, ""},
		{"192.0.2.77/32", time.Hour, ""}, // whose registered flow is spared
		{"192.0.2.0/24", time.Hour, "somebody has registered from there"},
		{"198.51.100.9/32", time.Hour, "never banned"},
		{"198.51.100.0/24", time.Hour, "never banned"},
		{"0.0.0.0/0", time.Hour, "never banned"},
		{"2001:db8:ffff:1::/64", time.Hour, "never banned"},
		{"fe80::/64", time.Hour, "never banned"},
		{"192.0.2.68/32", 0, "more than 0"},
	} {
		err := g.Ban(0, netip.MustParsePrefix(c.prefix), c.d, "by me\x07")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.prefix, err)
		}
	}
	if err := g.Ban(0, netip.Prefix{}, time.Hour, ""); err == nil {
		t.Error("no network is banned")
	}
	if got := g.prefixes(0); strings.Join(got, " ") != "192.0.2.66/32 192.0.2.67/32 192.0.2.77/32 203.0.113.64/26" {
		t.Errorf("%v", got)
	}
	if b := g.Bans(0)[0]; b.By != ByHand || b.Reason != `by me\a` && b.Reason != `by me\x07` {
		t.Errorf("%+v", b)
	}
}

func TestUnban(t *testing.T) {
	g := newGuard(t, nil)
	g.offend(0, scanner.Addr())
	g.Ban(0, netip.MustParsePrefix("203.0.113.64/26"), time.Hour, "")
	for _, c := range []struct{ prefix, want string }{
		{"192.0.2.66/32", ""},
		{"192.0.2.66/32", "not banned"},
		{"203.0.113.65/32", "as a part of 203.0.113.64/26"},
	} {
		err := g.Unban(0, netip.MustParsePrefix(c.prefix))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.prefix, err)
		}
	}
	// Who is policed is as well.
	policed := netip.MustParseAddrPort("192.0.2.77:5060")
	for range 6 {
		g.Saw(0, policed.Addr(), StrangerInvite, false)
	}
	for range defaultSourceBurst {
		g.ask(0, policed)
	}
	want(t, "who is policed", g.ask(0, policed), CauseRate)
	if err := g.Unban(0, only(policed)); err != nil {
		t.Error(err)
	}
	want(t, "who was policed", g.ask(time.Second, policed), NoCause)
	want(t, "its second packet", g.ask(time.Second, policed), NoCause)
	// It begins anew: neither the score nor the ban is remembered.
	want(t, "whose ban was lifted", g.ask(0, scanner), NoCause)
	want(t, "the second packet", g.ask(0, scanner), NoCause)
	g.offend(0, scanner.Addr())
	if b := g.Bans(0); b[0].Times != 1 {
		t.Errorf("%+v", b)
	}
}

// A ban within another is kept only while it ends later.
func TestBansWithin(t *testing.T) {
	g := newGuard(t, nil)
	wide, long, short := netip.MustParsePrefix("203.0.113.64/26"), netip.MustParsePrefix("203.0.113.65/32"), netip.MustParsePrefix("203.0.113.66/32")
	g.Ban(0, long, 3*time.Hour, "")
	g.Ban(0, short, time.Hour, "")
	g.Ban(0, wide, 2*time.Hour, "")
	if got := g.prefixes(0); strings.Join(got, " ") != "203.0.113.64/26 203.0.113.65/32" {
		t.Errorf("%v", got)
	}
	g.Ban(0, long, time.Hour, "")
	g.Ban(0, short, time.Hour, "")
	if got := g.prefixes(0); strings.Join(got, " ") != "203.0.113.64/26" {
		t.Errorf("%v", got)
	}
	src := netip.AddrPortFrom(long.Addr(), 5060)
	want(t, "in the wide one", g.ask(2*time.Hour-1, src), CauseBanned)
	want(t, "after it", g.ask(2*time.Hour, src), NoCause)
}

// The bans that end first go when there are too many.
func TestBansAreBounded(t *testing.T) {
	g := newGuard(t, func(o *Options) { o.Bans = 10 })
	g.Ban(0, only(scanner), 24*time.Hour, "by hand")
	for i := range uint32(100) {
		g.offend(time.Duration(i)*time.Second, ip4(0x0a000000+i))
	}
	now := 100 * time.Second
	got := g.prefixes(now)
	if s := g.Stats(); len(got) != 10 || s.Bans != 10 || s.Former != 10 || s.Evicted != 91 {
		t.Errorf("%v, %+v", got, s)
	}
	if got[0] != "10.0.0.99/32" || got[9] != only(scanner).String() {
		t.Errorf("%v", got)
	}
}

func TestSetNever(t *testing.T) {
	g := newGuard(t, nil)
	g.offend(0, scanner.Addr())
	g.Saw(0, scanner6.Addr(), Scanner, false)
	g.ask(0, scanner6)
	want(t, "who is policed", g.ask(0, scanner6), CauseRate)
	g.SetNever(0, []netip.Prefix{netip.MustParsePrefix("192.0.0.0/16"), only(scanner6), {}})
	want(t, "who was banned", g.ask(0, scanner), NoCause)
	want(t, "who was policed", g.ask(0, scanner6), NoCause)
	if len(g.Bans(0)) != 0 {
		t.Errorf("%+v", g.Bans(0))
	}
	// Who is not in the list any more is as anybody.
	g.offend(0, peer.Addr())
	if len(g.Bans(0)) != 1 {
		t.Error("who was a peer once is never banned")
	}
}
