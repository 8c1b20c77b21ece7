package resolve

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestUsable(t *testing.T) {
	var many []netip.Addr
	for i := range 40 {
		many = append(many, netip.AddrFrom4([4]byte{192, 0, 2, byte(40 - i)}))
	}
	ip := netip.MustParseAddr
	for _, c := range []struct {
		name string
		of   Name
		in   []netip.Addr
		want []netip.Addr
	}{
		{"ordered, once, unmapped", Name{}, []netip.Addr{ip("192.0.2.9"), ip("::ffff:192.0.2.1"), ip("192.0.2.9")}, []netip.Addr{ip("192.0.2.1"), ip("192.0.2.9")}},
		{"no peer's", Name{}, []netip.Addr{ip("0.0.0.0"), ip("::"), ip("224.0.1.75"), ip("ff02::1"), ip("255.255.255.255"), ip("127.0.0.1"), ip("::1"), ip("fe80::1%eth0")}, nil},
		{"loopback realm", Name{Loopback: true}, []netip.Addr{ip("127.0.0.2"), ip("0.0.0.0")}, []netip.Addr{ip("127.0.0.2")}},
		{"private", Name{}, []netip.Addr{ip("10.0.0.5")}, []netip.Addr{ip("10.0.0.5")}},
		{"none", Name{}, nil, nil},
	} {
		if got := c.of.usable(c.in); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	if got := (Name{}).usable(many); len(got) != addrsMax {
		t.Errorf("%d addresses kept, want %d", len(got), addrsMax)
	}
}

func TestQuestion(t *testing.T) {
	for host, want := range map[string]string{"sip.example": "sip.example.", "sip.example.": "sip.example.", "pbx": "pbx"} {
		if got := (Name{Host: host}).question(); got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
}

// The whole life of an entry, with virtual time.
func TestEntryOverTime(t *testing.T) {
	o := Options{Every: time.Minute, Keep: 10 * time.Minute, Retry: 2 * time.Second}
	one, two := []netip.Addr{netip.MustParseAddr("192.0.2.1")}, []netip.Addr{netip.MustParseAddr("192.0.2.2")}
	down := errors.New("down")
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var e entry
	for _, step := range []struct {
		at   time.Duration
		in   []netip.Addr
		err  error
		want string // addresses, "!" failed, "*" reported, until the next look-up
	}{
		{0, nil, down, "[] ! * 2s"},
		{2 * time.Second, nil, down, "[] !  4s"},
		{6 * time.Second, one, nil, "[192.0.2.1]  * 1m0s"},
		{1 * time.Minute, one, nil, "[192.0.2.1]   1m0s"},
		{2 * time.Minute, two, nil, "[192.0.2.2]  * 1m0s"},
		{3 * time.Minute, nil, down, "[192.0.2.2] ! * 2s"},
		{4 * time.Minute, nil, down, "[192.0.2.2] !  4s"},
		{5 * time.Minute, nil, nil, "[192.0.2.2] !  8s"},
		{6 * time.Minute, nil, down, "[192.0.2.2] !  16s"},
		{7 * time.Minute, nil, down, "[192.0.2.2] !  32s"},
		{8 * time.Minute, nil, down, "[192.0.2.2] !  1m0s"},
		{11*time.Minute + 40*time.Second, nil, down, "[192.0.2.2] !  20s"},
		{12 * time.Minute, nil, down, "[] ! * 1m0s"},
		{13 * time.Minute, nil, down, "[] !  1m0s"},
		{14 * time.Minute, two, nil, "[192.0.2.2]  * 1m0s"},
	} {
		now := start.Add(step.at)
		c, reported := e.answered(Name{Peer: "p", Host: "h.example"}, now, &o, step.in, step.err)
		failed, star := "", ""
		if c.Err != nil {
			failed = "!"
		}
		if reported {
			star = "*"
		}
		if got := fmt.Sprintf("%v %s %s %v", c.Addrs, failed, star, e.next.Sub(now)); got != step.want {
			t.Errorf("%v: got %q, want %q", step.at, got, step.want)
		}
	}
}
