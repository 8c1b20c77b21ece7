package mediarelay

import (
	"net/netip"
	"testing"
)

func TestLatchHasAnAnswerForEverything(t *testing.T) {
	for rule := range latches {
		for w, c := range latches[rule] {
			if (c == Pass) != (who(w) == expected) {
				t.Errorf("rule %d, source %d: %v, but only who is pinned may pass", rule, w, c)
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
	pinned := addr("192.0.2.1:4000")
	for _, c := range []struct {
		src, pinned netip.AddrPort
		want        who
	}{
		{pinned, pinned, expected},
		{addr("192.0.2.1:4002"), pinned, stranger},
		{addr("192.0.2.2:4000"), pinned, stranger},
		{addr("[2001:db8::1]:4000"), pinned, stranger},
		{pinned, netip.AddrPort{}, unknown},
		{addr("192.0.2.1:0"), addr("192.0.2.1:0"), unknown},
		{addr("0.0.0.0:4000"), addr("0.0.0.0:4000"), unknown},
		{netip.AddrPort{}, netip.AddrPort{}, unknown},
	} {
		if got := tell(c.src, c.pinned); got != c.want {
			t.Errorf("from %v, pinned %v: %d, want %d", c.src, c.pinned, got, c.want)
		}
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
		if got := c.r.target(false); got != c.rtp {
			t.Errorf("%s: RTP %d, want %d", c.name, got, c.rtp)
		}
		if got := c.r.target(true); got != c.rtcp {
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
