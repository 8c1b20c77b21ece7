package turn

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v2"
)

// Allocations over a quota: 486 where a user or an address has enough, 508
// where there are enough in all or no port is left.
func TestAllocationQuota(t *testing.T) {
	for _, c := range []struct {
		name   string
		quota  Quota
		second string
		want   int
		ports  uint16
	}{
		{"user", Quota{PerUser: 1}, "alice", 486, 10},
		{"address", Quota{PerAddress: 1}, "bob", 486, 10},
		{"all", Quota{Allocations: 1}, "bob", 508, 10},
		{"ports", Quota{}, "bob", 508, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(41300)
			o.Relays, o.Quota, o.LastPort = o.Relays[:1], c.quota, o.FirstPort+c.ports-1
			s := open(t, o)
			first := dial(t, "udp", s.at("udp"), "alice", o.Users["alice"])
			first.allocate()
			second := dial(t, "tcp", s.at("tcp"), c.second, o.Users[c.second])
			second.want(c.want, second.do(stun.MethodAllocate, overUDP))
			if n := s.refused(OverQuota); n != 1 {
				t.Errorf("counted %d, want 1", n)
			}
			first.want(200, first.do(stun.MethodRefresh, seconds(0)))
			eventually(t, "there is room again", func() bool {
				return code(second.do(stun.MethodAllocate, overUDP)) == 200
			})
		})
	}
}

// The two clocks of a time-limited user name do not make two users.
func TestQuotaOfTimedUser(t *testing.T) {
	o := options(41300)
	o.Quota.PerUser = 1
	s := open(t, o)
	for i, want := range []int{200, 486} {
		user, password := timed(secret, "carol", time.Now().Add(time.Hour+time.Duration(i)*time.Minute))
		c := dial(t, "udp", s.at("udp"), user, password)
		c.want(want, c.do(stun.MethodAllocate, overUDP))
	}
}

// Permissions and channels over the quota of an allocation: 508. What is there
// already can be refreshed.
func TestPermissionQuota(t *testing.T) {
	o := options(41300)
	o.Quota = Quota{Permissions: 3, Channels: 2}
	s := open(t, o)
	c := dial(t, "udp", s.at("udp"), "alice", "password")
	c.allocate()
	host := func(n int) peer { return at(fmt.Sprintf("127.0.1.%d:9", n)) }

	c.want(200, c.do(stun.MethodChannelBind, number(0x4001), host(1)))
	c.want(200, c.do(stun.MethodChannelBind, number(0x4002), host(2)))
	c.want(508, c.do(stun.MethodChannelBind, number(0x4003), host(2+1)))
	c.want(200, c.do(stun.MethodChannelBind, number(0x4001), host(1)))
	c.want(400, c.do(stun.MethodChannelBind, number(0x4001), host(2)))
	c.want(400, c.do(stun.MethodChannelBind, number(0x4005), host(2)))
	c.want(400, c.do(stun.MethodChannelBind, number(0x3FFF), host(2)))
	c.want(508, c.do(stun.MethodCreatePermission, host(3), host(4)))
	c.want(200, c.do(stun.MethodCreatePermission, host(3), host(2)))
	c.want(508, c.do(stun.MethodCreatePermission, host(4)))
	if n := s.refused(OverQuota); n != 3 {
		t.Errorf("counted %d, want 3", n)
	}
}

// Permissions and channels end by themselves, and make room.
func TestPermissionsEnd(t *testing.T) {
	a := &allocation{permissions: map[netip.Addr]time.Time{}, channels: map[uint16]channel{}}
	now := time.Unix(1e9, 0)
	q := Quota{Permissions: 1, Channels: 1}
	p1, p2 := netip.MustParseAddrPort("192.0.2.1:9"), netip.MustParseAddrPort("192.0.2.2:9")
	if _, ok := a.bind(now, 0x4000, p1, q); !ok {
		t.Fatal("the first channel was refused")
	}
	if s, ok := a.bind(now.Add(permissionLife), 0x4001, p2, q); ok || s != insufficient {
		t.Errorf("a second channel: %v, %v, want 508", s, ok)
	}
	if a.mayReach(now.Add(permissionLife), p1.Addr()) || !a.onChannel(now.Add(permissionLife), 0x4000) {
		t.Error("after five minutes: want the channel, and no permission")
	}
	if _, ok := a.bind(now.Add(channelLife), 0x4001, p2, q); !ok {
		t.Error("after ten minutes the channel's place was not free")
	}
}

// Connections over the quota are closed, and their places come back.
func TestConnectionQuota(t *testing.T) {
	o := options(41300)
	o.Quota.ConnectionsPerAddress = 2
	s := open(t, o)
	first, second := dial(t, "tcp", s.at("tcp"), "", ""), dial(t, "tcp", s.at("tcp"), "", "")
	for _, c := range []*client{first, second} {
		c.want(200, c.ask(build(t, stun.BindingRequest)))
	}
	third := dial(t, "tcp", s.at("tcp"), "", "")
	if b := third.read(soon); b != nil {
		t.Errorf("got %x, want the end", b)
	}
	first.conn.Close()
	eventually(t, "a place is free", func() bool { return s.Counts().Connections == 1 })
	fourth := dial(t, "tcp", s.at("tcp"), "", "")
	fourth.want(200, fourth.ask(build(t, stun.BindingRequest)))
}

// Requests without credentials are answered at a rate; who has credentials is
// served all the same.
func TestRate(t *testing.T) {
	o := options(41300)
	o.Rate = Rate{PerSource: 1, All: 1000}
	s := open(t, o)
	known := dial(t, "udp", s.at("udp"), "alice", "password")
	known.allocate()
	c := dial(t, "udp", s.at("udp"), "", "")
	for range 20 {
		c.write(build(t, requestType(stun.MethodAllocate), overUDP).Raw)
	}
	eventually(t, "what is too much is counted", func() bool { return s.refused(Limited) >= 18 })
	known.want(200, known.do(stun.MethodRefresh))
}

func TestLimiter(t *testing.T) {
	l := newLimiter(Rate{PerSource: 10, All: 15})
	now := time.Unix(1e9, 0)
	count := func(addr string) (n int) {
		for l.allow(now, netip.MustParseAddr(addr)) {
			n++
		}
		return n
	}
	if n := count("2001:db8::1"); n != 20 {
		t.Errorf("one source had %d at once, want 20", n)
	}
	if n := count("2001:db8::2"); n != 0 {
		t.Errorf("another address of its /64 had %d, want 0", n)
	}
	if n := count("192.0.2.1"); n != 10 {
		t.Errorf("all had %d more, want 10", n)
	}
	now = now.Add(time.Second)
	if n := count("192.0.2.1"); n != 15 {
		t.Errorf("a second later one source had %d, want 15: what all may have", n)
	}
}

// No request without credentials draws more than five octets for each of its
// own, whatever it is and however long the realm.
func TestAmplification(t *testing.T) {
	for _, realm := range []string{"a", "test.example", string(make([]byte, realmMax))} {
		o := options(41300)
		o.Realm, o.Rate = realm, Rate{PerSource: 1e6, All: 1e6}
		f := newFront(newService(o), nil)
		from := netip.MustParseAddrPort("192.0.2.1:1000")
		for typ := range uint16(0x4000) {
			for _, tail := range [][]byte{nil, {0, 0x19, 0, 4, 17, 0, 0, 0}, {0, 6, 0, 0}, {0x7F, 0xFF, 0, 0}, append([]byte{0, 8, 0, 20}, make([]byte, 20)...)} {
				b := append(binary.BigEndian.AppendUint16(nil, typ), 0, byte(len(tail)), 0x21, 0x12, 0xA4, 0x42)
				b = append(append(b, make([]byte, 12)...), tail...)
				v := f.judge(time.Now(), b, from)
				if len(v.answer) > 5*len(b) || v.pass.octets != nil {
					t.Errorf("realm of %d octets: %x: %d octets answered, passed %x", len(realm), b, len(v.answer), v.pass.octets)
				}
				if typ == 3 && len(tail) == 8 && v.answer == nil {
					t.Errorf("realm of %d octets: an Allocate request without more had no answer", len(realm))
				}
			}
		}
	}
}
