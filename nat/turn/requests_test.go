package turn

import (
	"testing"

	"github.com/pion/stun/v2"
)

// What is wrong with a request gets its own status, signed, and opens nothing.
func TestRefusedRequests(t *testing.T) {
	family := func(n byte) stun.Setter { return raw(stun.AttrRequestedAddressFamily, n, 0, 0, 0) }
	for _, c := range []struct {
		name   string
		want   int
		method stun.Method
		set    []stun.Setter
	}{
		{"no transport", 400, stun.MethodAllocate, nil},
		{"TCP to peers", 442, stun.MethodAllocate, []stun.Setter{raw(stun.AttrRequestedTransport, 6, 0, 0, 0)}},
		{"unknown family", 440, stun.MethodAllocate, []stun.Setter{overUDP, family(3)}},
		{"a family that is not relayed to", 440, stun.MethodAllocate, []stun.Setter{overUDP, family(2)}},
		{"family and token", 400, stun.MethodAllocate, []stun.Setter{overUDP, family(1), raw(stun.AttrReservationToken, make([]byte, 8)...)}},
		{"token", 508, stun.MethodAllocate, []stun.Setter{overUDP, raw(stun.AttrReservationToken, make([]byte, 8)...)}},
		{"the next port too", 508, stun.MethodAllocate, []stun.Setter{overUDP, raw(stun.AttrEvenPort, 0x80)}},
		{"no fragments", 420, stun.MethodAllocate, []stun.Setter{overUDP, raw(stun.AttrDontFragment)}},
		{"unknown attribute", 420, stun.MethodAllocate, []stun.Setter{overUDP, raw(0x7F00, 1)}},
		{"no allocation to refresh", 437, stun.MethodRefresh, nil},
		{"no allocation for a permission", 437, stun.MethodCreatePermission, []stun.Setter{at("127.0.0.2:9")}},
		{"no allocation for a channel", 437, stun.MethodChannelBind, []stun.Setter{number(0x4000), at("127.0.0.2:9")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(41500)
			o.Relays = o.Relays[:1]
			s := open(t, o)
			cl := dial(t, "udp", s.at("udp"), "alice", "password")
			m := cl.want(c.want, cl.do(c.method, c.set...))
			if _, err := m.Get(stun.AttrUnknownAttributes); (err == nil) != (c.want == 420) {
				t.Errorf("UNKNOWN-ATTRIBUTES: %v", err)
			}
			if n := s.Counts().Allocated; n != 0 {
				t.Errorf("%d allocations were opened, want 0", n)
			}
		})
	}
}

// The same with an allocation.
func TestRefusedOnAllocation(t *testing.T) {
	s := open(t, options(41500))
	c := dial(t, "udp", s.at("udp"), "alice", "password")
	c.allocate(raw(stun.AttrEvenPort, 0))
	p := at("127.0.0.2:9")
	for _, r := range []struct {
		want   int
		method stun.Method
		set    []stun.Setter
	}{
		{400, stun.MethodCreatePermission, nil},
		{400, stun.MethodChannelBind, []stun.Setter{p}},
		{400, stun.MethodChannelBind, []stun.Setter{number(0x4000)}},
		{400, stun.MethodChannelBind, []stun.Setter{number(0x4000), p, p}},
		{400, stun.MethodChannelBind, []stun.Setter{number(0x4000), at("127.0.0.2:0")}},
		{400, stun.MethodChannelBind, []stun.Setter{number(0x7FFF), p}},
		{443, stun.MethodCreatePermission, []stun.Setter{at("[2001:db8::1]:9")}},
		{443, stun.MethodRefresh, []stun.Setter{raw(stun.AttrRequestedAddressFamily, 2, 0, 0, 0)}},
		{420, stun.MethodRefresh, []stun.Setter{raw(0x0002, 0, 1, 0, 9, 127, 0, 0, 1)}},
	} {
		c.want(r.want, c.do(r.method, r.set...))
	}
	if n := s.refused(Refused); n != 9 {
		t.Errorf("counted %d, want 9", n)
	}
}

// EVEN-PORT without a reservation gets an even port.
func TestEvenPort(t *testing.T) {
	s := open(t, options(41500))
	for range 5 {
		c := dial(t, "udp", s.at("udp"), "alice", "password")
		if relay := c.allocate(raw(stun.AttrEvenPort, 0)); relay.Port()%2 != 0 {
			t.Errorf("port %d, want an even one", relay.Port())
		}
	}
}

// What is granted is between ten minutes and half an hour.
func TestLifetime(t *testing.T) {
	s := open(t, options(41500))
	c := dial(t, "udp", s.at("udp"), "alice", "password")
	for asked, want := range map[uint32]uint32{1: 600, 599: 600, 1200: 1200, 1801: 1800, 7200: 1800, 1<<32 - 1: 1800} {
		for _, method := range []stun.Method{stun.MethodAllocate, stun.MethodRefresh} {
			m := c.want(200, c.do(method, overUDP, seconds(asked)))
			v, _ := m.Get(stun.AttrLifetime)
			if got := uint32(v[0])<<24 | uint32(v[1])<<16 | uint32(v[2])<<8 | uint32(v[3]); got != want {
				t.Errorf("%v for %d s: granted %d, want %d", method, asked, got, want)
			}
		}
		c.want(200, c.do(stun.MethodRefresh, seconds(0)))
		eventually(t, "the allocation is gone", func() bool { return s.Counts().Allocations == 0 })
	}
}

// Credentials that are not whole get 400, without a nonce.
func TestHalfCredentials(t *testing.T) {
	s := open(t, options(41500))
	c := dial(t, "udp", s.at("udp"), "alice", "password")
	integrity := stun.NewLongTermIntegrity("alice", "test.example", "password")
	for _, set := range [][]stun.Setter{
		{integrity},
		{stun.NewUsername("alice"), integrity},
		{stun.NewUsername("alice"), stun.NewRealm("test.example"), integrity},
		{stun.NewRealm("test.example"), stun.NewNonce("x"), integrity},
	} {
		all := append([]stun.Setter{requestType(stun.MethodAllocate), overUDP}, set...)
		c.want(400, c.ask(build(t, all...)))
	}
	all := []stun.Setter{requestType(stun.MethodAllocate), overUDP, stun.NewUsername("alice"), stun.NewRealm("test.example"), stun.NewNonce("x"), integrity}
	c.want(438, c.ask(build(t, all...)))
}

// A stream that has lost its place is closed; others go on.
func TestBrokenStream(t *testing.T) {
	s := open(t, options(41500))
	other := dial(t, "tcp", s.at("tcp"), "alice", "password")
	other.allocate()
	for _, b := range [][]byte{
		[]byte("OPTIONS sip:x SIP/2.0\r\n\r\n"), {0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC}, {0, 1, 0, 3, 0x21, 0x12, 0xA4, 0x42},
		{0x40, 0, 0xFF, 0xFF, 1}, {0, 1, 0xFF, 0xFC, 0x21, 0x12, 0xA4, 0x42},
	} {
		before := s.refused(Malformed)
		c := dial(t, "tcp", s.at("tcp"), "", "")
		c.write(b)
		if got := c.read(soon); got != nil {
			t.Errorf("%x: got %x, want the end", b, got)
		}
		if n := s.refused(Malformed); n != before+1 {
			t.Errorf("%x: counted %d, want 1", b, n-before)
		}
	}
	other.want(200, other.do(stun.MethodRefresh))
}
