package policy

import (
	"net/netip"
	"testing"

	"sbc/signaling/sip"
)

// Strangers and peers are told apart before anything else is done, so that
// costs no allocation; neither does a route that rewrites nothing, nor a
// refusal.
func TestAllocations(t *testing.T) {
	r := compiled(t, border())
	c := NewCalls(r)
	m := invite(t, "X-Account: silver")
	known, strange := netip.MustParseAddrPort("198.51.100.10:5060"), netip.MustParseAddrPort("[::ffff:9.9.9.9]:1")
	shared := netip.MustParseAddrPort("192.168.1.10:5070")
	query := func(user string) Query {
		return Query{From: pbx, Msg: m, User: []byte(user), Host: []byte("10.0.0.1"), Method: sip.INVITE}
	}
	routed, unrouted, national := query("112"), query("77"), query("030")
	tests := []struct {
		name string
		most float64
		run  func()
	}{
		{"peer", 0, func() { r.Peer(0, known) }},
		{"peer of a shared address", 0, func() { r.Peer(1, shared) }},
		{"stranger", 0, func() { r.Peer(0, strange); r.Stranger(0) }},
		{"route", 0, func() { r.Route(routed) }},
		{"no route", 0, func() { r.Route(unrouted) }},
		{"rewrite", 2, func() { r.Route(national) }}, // The groups' places and the new user part.
		{"calls", 0, func() { take(c, pbx); take(c, pbx); c.Give(Place{pbx, 0}) }},
	}
	for _, test := range tests {
		if n := testing.AllocsPerRun(100, test.run); n > test.most && !(racing && test.most > 0) {
			t.Errorf("%s: %v allocations, at most %v", test.name, n, test.most)
		}
	}
}

func BenchmarkPeer(b *testing.B) {
	r := compiled(b, border())
	src := netip.MustParseAddrPort("198.51.100.10:5060")
	b.ReportAllocs()
	for b.Loop() {
		r.Peer(0, src)
	}
}

func BenchmarkRoute(b *testing.B) {
	r := compiled(b, border())
	q := Query{From: pbx, Msg: invite(b), User: []byte("030123456"), Host: []byte("10.0.0.1"), Method: sip.INVITE}
	b.ReportAllocs()
	for b.Loop() {
		r.Route(q)
	}
}
