package resolve_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sbc/signaling/resolve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func addrs(s ...string) (out []netip.Addr) {
	for _, a := range s {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

// start runs a resolver against s with short times and returns its changes.
func start(t *testing.T, s *dnsServer, o resolve.Options) (*resolve.Resolver, <-chan resolve.Change) {
	t.Helper()
	changes := make(chan resolve.Change, 100)
	o.Changed = func(c resolve.Change) { changes <- c }
	o.Dial = s.dial
	o.Every, o.Retry = 5*time.Millisecond, 5*time.Millisecond
	if o.Timeout == 0 {
		o.Timeout = 100 * time.Millisecond
	}
	r := resolve.Start(o)
	t.Cleanup(r.Close)
	return r, changes
}

func next(t *testing.T, changes <-chan resolve.Change) resolve.Change {
	t.Helper()
	select {
	case c := <-changes:
		return c
	case <-time.After(20 * time.Second):
		t.Fatal("no change")
		panic("unreachable")
	}
}

func TestAddressesFollowTheName(t *testing.T) {
	s := newDNS(t, map[string][]netip.Addr{"sip.itsp.example": addrs("192.0.2.2", "192.0.2.1")})
	r, changes := start(t, s, resolve.Options{Names: []resolve.Name{{Peer: "itsp", Host: "sip.itsp.example", Network: "ip4"}}})
	c := next(t, changes)
	if want := addrs("192.0.2.1", "192.0.2.2"); c.Name != 0 || c.Err != nil || !slices.Equal(c.Addrs, want) || !slices.Equal(r.Addrs(0), want) {
		t.Fatalf("got %+v and %v, want %v", c, r.Addrs(0), want)
	}
	// Another order is no change; look-ups go on meanwhile.
	s.set(answers, "sip.itsp.example", addrs("192.0.2.1", "192.0.2.2")...)
	s.awaitAsked(t, "sip.itsp.example", s.askedFor("sip.itsp.example")+5)
	s.set(answers, "sip.itsp.example", addrs("198.51.100.9")...)
	if c := next(t, changes); c.Err != nil || !slices.Equal(c.Addrs, addrs("198.51.100.9")) {
		t.Errorf("got %+v", c)
	}
}

func TestFamilyIsTheRealms(t *testing.T) {
	s := newDNS(t, map[string][]netip.Addr{"both.example": addrs("192.0.2.1", "2001:db8::1")})
	_, changes := start(t, s, resolve.Options{Names: []resolve.Name{
		{Peer: "four", Host: "both.example", Network: "ip4"},
		{Peer: "six", Host: "both.example", Network: "ip6"},
		{Peer: "any", Host: "both.example"},
	}})
	want := [][]netip.Addr{addrs("192.0.2.1"), addrs("2001:db8::1"), addrs("192.0.2.1", "2001:db8::1")}
	for range want {
		if c := next(t, changes); c.Err != nil || !slices.Equal(c.Addrs, want[c.Name]) {
			t.Errorf("got %+v, want %v", c, want[c.Name])
		}
	}
}

// A name server that does not know what AAAA is leaves A as it was, and what
// was known of AAAA.
func TestHalfAnAnswer(t *testing.T) {
	both := addrs("192.0.2.1", "2001:db8::1")
	s := newDNS(t, map[string][]netip.Addr{"both.example": both})
	s.set(halves, "")
	r, changes := start(t, s, resolve.Options{Names: []resolve.Name{{Peer: "p", Host: "both.example", Network: "ip"}}})
	if c := next(t, changes); c.Err == nil || !slices.Equal(c.Addrs, both[:1]) || !slices.Equal(r.Addrs(0), both[:1]) {
		t.Fatalf("half an answer: got %+v", c)
	}
	s.set(answers, "")
	if c := next(t, changes); c.Err != nil || !slices.Equal(c.Addrs, both) {
		t.Fatalf("whole: got %+v", c)
	}
	s.set(halves, "both.example", addrs("192.0.2.9")...)
	for want := addrs("192.0.2.9", "2001:db8::1"); ; {
		c := next(t, changes) // The first may be of a look-up that saw the old A.
		if c.Err == nil {
			t.Fatalf("half again: got %+v, want an error", c)
		}
		if slices.Equal(c.Addrs, want) {
			break
		}
	}
}

// Promise R17: a resolver that is lost or lies leaves the last good answer in
// place, and the change says which peer and which name.
func TestLastGoodAnswerIsKept(t *testing.T) {
	good := addrs("192.0.2.1")
	for name, broken := range map[string]func(*dnsServer){
		"hangs":   func(s *dnsServer) { s.set(hangs, "") },
		"fails":   func(s *dnsServer) { s.set(fails, "") },
		"forges":  func(s *dnsServer) { s.set(forges, "") },
		"babbles": func(s *dnsServer) { s.set(babbles, "") },
		"down":    func(s *dnsServer) { s.conn.Close() },
		"nothing": func(s *dnsServer) { s.set(answers, "pbx.example") },
		"loopback": func(s *dnsServer) {
			s.set(answers, "pbx.example", addrs("127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255")...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newDNS(t, map[string][]netip.Addr{"pbx.example": good})
			r, changes := start(t, s, resolve.Options{Names: []resolve.Name{{Peer: "pbx", Host: "pbx.example", Network: "ip4"}}, Timeout: 20 * time.Millisecond})
			next(t, changes)
			broken(s)
			c := next(t, changes)
			if c.Err == nil || !strings.HasPrefix(c.Err.Error(), `peer "pbx": look up pbx.example: `) || !slices.Equal(c.Addrs, good) || !slices.Equal(r.Addrs(0), good) {
				t.Fatalf("got %+v, want an error and the last good answer", c)
			}
			if name == "down" {
				return
			}
			s.set(answers, "pbx.example", good...)
			if c := next(t, changes); c.Err != nil || !slices.Equal(c.Addrs, good) {
				t.Errorf("back again: got %+v", c)
			}
		})
	}
}

func TestLastGoodAnswerGrowsOld(t *testing.T) {
	s := newDNS(t, map[string][]netip.Addr{"pbx.example": addrs("192.0.2.1")})
	r, changes := start(t, s, resolve.Options{Names: []resolve.Name{{Peer: "pbx", Host: "pbx.example"}}, Keep: 50 * time.Millisecond})
	next(t, changes)
	s.set(fails, "")
	for {
		c := next(t, changes)
		if c.Err == nil {
			t.Fatalf("got %+v, want an error", c)
		}
		if len(c.Addrs) == 0 {
			break
		}
	}
	if got := r.Addrs(0); len(got) != 0 {
		t.Errorf("still used: %v", got)
	}
}

// A name that never existed is reported once, and does not keep the others
// from being looked up.
func TestUnknownNameIsReportedOnce(t *testing.T) {
	s := newDNS(t, map[string][]netip.Addr{"b.example": addrs("192.0.2.1")})
	r, changes := start(t, s, resolve.Options{Names: []resolve.Name{{Peer: "a", Host: "a.example"}, {Peer: "b", Host: "b.example"}}})
	if c := next(t, changes); c.Name != 0 || c.Err == nil || len(c.Addrs) != 0 || !strings.Contains(c.Err.Error(), "no such host") {
		t.Errorf("got %+v", c)
	}
	if c := next(t, changes); c.Name != 1 || c.Err != nil {
		t.Errorf("got %+v", c)
	}
	s.awaitAsked(t, "a.example", s.askedFor("a.example")+6)
	if len(changes) != 0 {
		t.Errorf("reported again: %+v", <-changes)
	}
	if r.Addrs(0) != nil || len(r.Addrs(1)) != 1 {
		t.Errorf("got %v and %v", r.Addrs(0), r.Addrs(1))
	}
}

// A complete name is asked for as it is: what a search list makes of it would
// be somebody else's.
func TestNoSearchList(t *testing.T) {
	s := newDNS(t, map[string][]netip.Addr{})
	_, changes := start(t, s, resolve.Options{Names: []resolve.Name{{Peer: "a", Host: "a.example"}}})
	next(t, changes)
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.asked {
		if name != "a.example" {
			t.Errorf("asked for %q", name)
		}
	}
}

// Nobody waits for a resolver that hangs: neither readers nor Close.
func TestNobodyWaits(t *testing.T) {
	s := newDNS(t, map[string][]netip.Addr{})
	s.set(hangs, "")
	r := resolve.Start(resolve.Options{
		Names:   []resolve.Name{{Peer: "a", Host: "a.example"}},
		Timeout: time.Hour,
		Dial:    s.dial,
		Changed: func(c resolve.Change) { t.Errorf("got %+v", c) },
	})
	s.awaitAsked(t, "a.example", 1)
	if got := r.Addrs(0); got != nil {
		t.Errorf("got %v", got)
	}
	begin := time.Now()
	r.Close()
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("Close took %v", took)
	}
}

func TestNoNames(t *testing.T) {
	resolve.Start(resolve.Options{}).Close()
}
