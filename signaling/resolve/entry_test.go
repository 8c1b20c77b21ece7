package resolve

import (
	"errors"
	"fmt"
	"net"
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
		f    family
		in   []netip.Addr
		want []netip.Addr
	}{
		{"ordered, once, unmapped", Name{}, ip4, []netip.Addr{ip("192.0.2.9"), ip("::ffff:192.0.2.1"), ip("192.0.2.9")}, []netip.Addr{ip("192.0.2.1"), ip("192.0.2.9")}},
		{"no peer's", Name{}, ip4, []netip.Addr{ip("0.0.0.0"), ip("::"), ip("224.0.1.75"), ip("ff02::1"), ip("255.255.255.255"), ip("127.0.0.1"), ip("::1"), ip("fe80::1%eth0")}, nil},
		{"loopback realm", Name{Loopback: true}, ip4, []netip.Addr{ip("127.0.0.2"), ip("0.0.0.0")}, []netip.Addr{ip("127.0.0.2")}},
		{"private", Name{}, ip4, []netip.Addr{ip("10.0.0.5")}, []netip.Addr{ip("10.0.0.5")}},
		{"six", Name{}, ip6, []netip.Addr{ip("2001:db8::2"), ip("192.0.2.1"), ip("2001:db8::1"), ip("::ffff:192.0.2.1")}, []netip.Addr{ip("2001:db8::1"), ip("2001:db8::2")}},
		{"no peer's, six", Name{}, ip6, []netip.Addr{ip("::"), ip("ff02::1"), ip("::1"), ip("fe80::1%eth0"), ip("fe80::1"), ip("2001:db8::1%eth0")}, nil},
		{"none", Name{}, ip4, nil, nil},
	} {
		if got := c.of.usable(c.f, c.in); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	if got := (Name{}).usable(ip4, many); len(got) != addrsMax {
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
		c, reported := e.answered(Name{Peer: "p", Host: "h.example"}, now, &o, [families]answer{ip4: {step.in, step.err}})
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

// What befalls one family does not befall the other, each in its own time.
func TestFamiliesApart(t *testing.T) {
	o := Options{Every: time.Minute, Keep: 10 * time.Minute, Retry: 2 * time.Second}
	four, six := []netip.Addr{netip.MustParseAddr("192.0.2.1")}, []netip.Addr{netip.MustParseAddr("2001:db8::1")}
	other := []netip.Addr{netip.MustParseAddr("192.0.2.2")}
	lie := []netip.Addr{netip.MustParseAddr("ff02::1")}
	down, gone := errors.New("down"), &net.DNSError{Err: "no such host", IsNotFound: true}
	unsuited := &net.AddrError{Err: "no suitable address"}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var e entry
	for _, step := range []struct {
		at       time.Duration
		in4, in6 answer
		want     string // addresses, "!" failed, "*" reported, until the next look-up
	}{
		{0, answer{four, nil}, answer{nil, down}, "[192.0.2.1] ! * 2s"},
		{2 * time.Second, answer{other, nil}, answer{nil, down}, "[192.0.2.2] ! * 4s"},
		{1 * time.Minute, answer{four, nil}, answer{six, nil}, "[192.0.2.1 2001:db8::1]  * 1m0s"},
		{2 * time.Minute, answer{four, nil}, answer{six, nil}, "[192.0.2.1 2001:db8::1]   1m0s"},
		{3 * time.Minute, answer{nil, down}, answer{six, nil}, "[192.0.2.1 2001:db8::1] ! * 2s"},
		{4 * time.Minute, answer{nil, gone}, answer{nil, gone}, "[192.0.2.1 2001:db8::1] !  4s"},
		{5 * time.Minute, answer{nil, gone}, answer{six, nil}, "[2001:db8::1]  * 1m0s"},
		{6 * time.Minute, answer{four, nil}, answer{nil, unsuited}, "[192.0.2.1]  * 1m0s"},
		{7 * time.Minute, answer{four, nil}, answer{lie, nil}, "[192.0.2.1] ! * 2s"},
		{8 * time.Minute, answer{four, nil}, answer{six, nil}, "[192.0.2.1 2001:db8::1]  * 1m0s"},
		{9 * time.Minute, answer{four, nil}, answer{nil, down}, "[192.0.2.1 2001:db8::1] ! * 2s"},
		{17*time.Minute + 30*time.Second, answer{four, nil}, answer{nil, down}, "[192.0.2.1 2001:db8::1] !  4s"},
		{17*time.Minute + 58*time.Second, answer{four, nil}, answer{nil, down}, "[192.0.2.1 2001:db8::1] !  2s"},
		{18 * time.Minute, answer{four, nil}, answer{nil, down}, "[192.0.2.1] ! * 16s"},
		{19 * time.Minute, answer{nil, gone}, answer{nil, down}, "[192.0.2.1] !  32s"},
	} {
		now := start.Add(step.at)
		c, reported := e.answered(Name{Peer: "p", Host: "h.example"}, now, &o, [families]answer{step.in4, step.in6})
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
