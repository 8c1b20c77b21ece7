package mediarelay

import (
	"net/netip"
	"testing"
)

// The table in words: what each of them may do.
func TestLatchHasAnAnswerForEverything(t *testing.T) {
	for w := range who(whos) {
		for p := range phase(phases) {
			c := latches[w][p]
			mayPin := w == former || w == described || w == nearPort || p == late && (w == nearAddr || w == configured)
			if w == pinned && p != closed {
				continue
			}
			want := p == closed && w == pinned || (p == early || p == late) && mayPin
			if (c == Pass) != want {
				t.Errorf("source %d in phase %d: %v, want to pass: %v", w, p, c, want)
			}
			if w == stranger && c != WrongSource || w == unknown && c != NoRemote {
				t.Errorf("source %d in phase %d counts as %v", w, p, c)
			}
		}
	}
	for sends := range crossings {
		for to, c := range crossings[sends] {
			if (c == Pass) != (sends == 1 && target(to) == open) {
				t.Errorf("sends %d, target %d: %v", sends, to, c)
			}
		}
	}
}

func TestTellSource(t *testing.T) {
	said, near := addr("192.0.2.1:4000"), netip.MustParseAddr("203.0.113.7")
	ours := netip.MustParseAddr("198.51.100.1")
	at := &latch{reachable: true, near: near, former: addr("203.0.113.7:9"),
		sources: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}
	hidden := &latch{near: near}
	for _, c := range []struct {
		l         *latch
		src, said netip.AddrPort
		want      who
	}{
		{nil, addr("192.0.2.1:4002"), said, stranger},
		{nil, said, netip.AddrPort{}, unknown},
		{nil, addr("192.0.2.1:0"), addr("192.0.2.1:0"), unknown},
		{nil, addr("0.0.0.0:4000"), addr("0.0.0.0:4000"), unknown},
		{nil, netip.AddrPort{}, netip.AddrPort{}, unknown},
		{at, said, said, described},
		{hidden, said, said, stranger},
		{at, addr("192.0.2.1:4002"), said, stranger},
		{at, addr("192.0.2.2:4000"), said, stranger},
		{at, addr("203.0.113.7:9"), said, former},
		{hidden, addr("203.0.113.7:9"), said, nearAddr},
		{at, addr("203.0.113.7:4000"), said, nearPort},
		{at, addr("203.0.113.7:4001"), said, nearAddr},
		{at, addr("198.51.100.9:4000"), said, configured},
		{at, addr("198.51.100.1:4000"), said, stranger}, // our own address
		{hidden, addr("198.51.100.9:4000"), said, stranger},
		{at, addr("[2001:db8::1]:4000"), said, stranger},
		{at, netip.AddrPort{}, said, stranger},
		{&latch{}, netip.AddrPort{}, said, stranger},
	} {
		got := c.l.tell(c.src, c.said, func(a netip.Addr) bool { return a == ours })
		if got != c.want {
			t.Errorf("from %v, described %v: %d, want %d", c.src, c.said, got, c.want)
		}
	}
}

func TestReaches(t *testing.T) {
	p := RealmPool{Addr: netip.MustParseAddr("192.168.1.1"), Addr6: netip.MustParseAddr("fd00::1"), NAT: true,
		Routed: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}}
	for a, want := range map[string]bool{
		"203.0.113.7": true, "2001:db8::7": true, "8.8.8.8": true,
		"10.1.2.3": true, "10.2.2.3": false, "fd00:1::2": true, "fd00:2::2": false,
		"192.168.1.1": true, "192.168.1.2": false, "fd00::1": true, "fd00::2": false,
		"172.16.0.1": false, "172.32.0.1": true, "100.64.0.1": false, "100.128.0.1": true,
		"127.0.0.1": false, "::1": false, "169.254.0.1": false, "fe80::1": false,
		"192.0.0.1": false, "198.18.0.1": false, "0.1.2.3": false, "224.0.0.1": false, "ff02::1": false, "240.0.0.1": false, "255.255.255.255": false,
	} {
		if got := p.reaches(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %v, want %v", a, got, want)
		}
	}
	if p.NAT = false; !p.reaches(netip.MustParseAddr("10.2.2.3")) {
		t.Error("without NAT an address is not where it says")
	}
}

func TestTarget(t *testing.T) {
	on := Remote{RTP: addr("192.0.2.1:4000"), RTCP: addr("192.0.2.1:4001"), Receives: true}
	mux, held, off, zero, noRTCP := on, on, on, on, on
	mux.Mux, mux.RTCP = true, netip.AddrPort{}
	held.Receives = false
	off.RTP = addr("192.0.2.1:0")
	zero.RTP = addr("0.0.0.0:4000")
	noRTCP.RTCP = netip.AddrPort{}
	for _, c := range []struct {
		name      string
		r         Remote
		rtp, rtcp target
	}{
		{"open", on, open, open},
		{"mux", mux, open, open},
		{"held", held, deaf, open},
		{"port 0", off, absent, open},
		{"unspecified address", zero, absent, open},
		{"without RTCP", noRTCP, open, absent},
		{"nobody", Remote{Receives: true}, absent, absent},
	} {
		f := new(Session).far(A, c.r, 0)
		if got := f.target(false); got != c.rtp {
			t.Errorf("%s: RTP %d, want %d", c.name, got, c.rtp)
		}
		if got := f.target(true); got != c.rtcp {
			t.Errorf("%s: RTCP %d, want %d", c.name, got, c.rtcp)
		}
	}
}

func TestCausesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for c := range Cause(Causes) {
		name := c.String()
		if name == "" || name == "unknown" || seen[name] {
			t.Errorf("cause %d is called %q", c, name)
		}
		seen[name] = true
	}
	if Cause(Causes).String() != "unknown" {
		t.Error("a cause that does not exist has a name")
	}
}
