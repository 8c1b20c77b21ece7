package policy

import (
	"net/netip"
	"testing"
)

func from(s string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(s), 5060) }

// Who was a peer is known for what it began, and as nobody else.
func TestFormer(t *testing.T) {
	a := compiled(t, border())
	a.SetResolved(named, []netip.Addr{netip.MustParseAddr("192.0.2.1")})
	o := border()
	o.Peers[itsp].Sources = prefixes("203.0.113.0/28")
	o.Peers[mute].Gone = true
	o.Peers = append(o.Peers, Peer{Name: "new", Realm: 0, Target: target("192.0.2.50:5060")})
	b := compiled(t, o)
	b.Inherit(a)
	b.SetResolved(named, []netip.Addr{netip.MustParseAddr("192.0.2.2")})
	for _, c := range []struct {
		src         string
		peer, known int // -1: nobody
	}{
		{"203.0.113.1", itsp, itsp},
		{"198.51.100.1", -1, itsp},  // no source of it any more
		{"198.51.100.99", -1, mute}, // gone
		{"192.0.2.1", -1, named},    // no address of its name any more
		{"192.0.2.2", named, named}, // the new one
		{"192.0.2.50", mute + 1, mute + 1},
		{"192.0.2.51", -1, -1},
	} {
		for _, who := range []struct {
			what string
			ask  func(int, netip.AddrPort) (int, bool)
			want int
		}{{"Peer", b.Peer, c.peer}, {"Known", b.Known, c.known}} {
			got, ok := who.ask(0, from(c.src))
			if ok != (who.want >= 0) || ok && got != who.want {
				t.Errorf("%s %s: %d %t, want %d", who.what, c.src, got, ok, who.want)
			}
		}
	}
	// It comes back, and is a peer as ever; what was former before still is.
	c := compiled(t, func() Options { o := border(); o.Peers = append(o.Peers, Peer{Name: "new", Gone: true}); return o }())
	c.Inherit(b)
	if got, ok := c.Peer(0, from("198.51.100.99")); !ok || got != mute {
		t.Errorf("back again: %d %t", got, ok)
	}
	if got, ok := c.Known(0, from("192.0.2.50")); !ok || got != mute+1 {
		t.Errorf("gone in its turn: %d %t", got, ok)
	}
	if got, ok := c.Known(0, from("192.0.2.1")); !ok || got != named {
		t.Errorf("two reloads ago: %d %t", got, ok)
	}
	if got := c.Resolved(named); len(got) != 1 || got[0] != netip.MustParseAddr("192.0.2.2") {
		t.Errorf("resolved: %v", got)
	}
}

// However often a name moves, what is remembered has a bound.
func TestFormerBound(t *testing.T) {
	r := compiled(t, border())
	for i := range 3 * formersMax {
		r.SetResolved(named, []netip.Addr{netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})})
	}
	if n := len(r.sources.Load().former.list); n != formersMax {
		t.Errorf("%d are remembered, want %d", n, formersMax)
	}
	if _, ok := r.Known(0, from("10.1.0.1")); ok {
		t.Error("the oldest is known still")
	}
	if got, ok := r.Known(0, from("10.1.11.254")); !ok || got != named {
		t.Error("the newest is not known")
	}
}

// What is gone begins no route and is no target of one.
func TestGone(t *testing.T) {
	o := border()
	o.Peers[named].Gone = true
	if _, err := Compile(o); err == nil {
		t.Error("a route to a peer that is gone")
	}
	o.Routes = o.Routes[3:]
	r := compiled(t, o)
	if _, no := r.Route(Query{From: named, Msg: invite(t), User: []byte("1"), Host: []byte("192.0.2.1"), Method: 0}); no == nil || no.Cause != CauseNotAllowed {
		t.Errorf("%+v", no)
	}
}

// Calls count on under new limits, and a call over a new one goes on.
func TestCallsWith(t *testing.T) {
	a := compiled(t, border())
	c := NewCalls(a)
	for range 2 {
		if _, no := c.Take(0, itsp, false); no != nil {
			t.Fatal(no)
		}
	}
	o := border()
	o.Peers[itsp].Limits.Calls = 1
	o.Peers = append(o.Peers, Peer{Name: "new", Realm: 0, Target: target("192.0.2.50:5060"), Limits: Limits{Calls: 1}})
	d := c.With(compiled(t, o))
	if n := d.InUse(itsp); n != 2 {
		t.Errorf("%d calls in use, want 2", n)
	}
	if _, no := d.Take(0, itsp, false); no == nil || no.Cause != CauseCallsLimit {
		t.Errorf("over the new limit: %+v", no)
	}
	c.Give(Place{itsp, 0}) // by who still has the old ones
	d.Give(Place{itsp, 0})
	if _, no := d.Take(0, itsp, false); no != nil {
		t.Errorf("under the new limit: %+v", no)
	}
	if _, no := d.Take(0, mute+1, false); no != nil {
		t.Errorf("the new peer: %+v", no)
	}
	if c.InUse(itsp) != 1 {
		t.Errorf("the old ones count %d", c.InUse(itsp))
	}
}
