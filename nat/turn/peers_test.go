package turn

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v2"

	"sbc/nat"
)

// Whom nobody may reach, written in every way that leads there (RFC 8656
// section 21).
func TestPeersRefused(t *testing.T) {
	o := options(41200)
	o.Allow = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	o.Deny = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("10.1.9.0/24")}
	o.Own = []netip.Addr{netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("2001:db8::5")}
	o.Media = []Ports{{netip.MustParseAddr("203.0.113.5"), 20000, 20999}}
	o.Relays[0].Advertise = netip.MustParseAddr("203.0.113.6")
	p := newPeers(o)
	for _, c := range []struct {
		peer    string
		refused bool
	}{
		{"192.0.2.1:5060", false}, {"8.8.8.8:53", false}, {"[2001:db8::1]:1", false}, {"[2606:4700::1]:1", false},

		{"0.0.0.1:1", true}, {"10.0.0.1:1", true}, {"100.64.0.1:1", true}, {"127.0.0.1:1", true}, {"127.1.2.3:1", true},
		{"169.254.169.254:80", true}, {"172.16.0.1:1", true}, {"172.31.255.255:1", true}, {"192.168.1.1:1", true},
		{"224.0.0.1:1", true}, {"239.255.255.255:1", true}, {"240.0.0.1:1", true}, {"255.255.255.255:1", true},
		{"[::]:1", true}, {"[::1]:1", true}, {"[fc00::1]:1", true}, {"[fd12::1]:1", true}, {"[fe80::1]:1", true},
		{"[fe80::1%lo]:1", true}, {"[ff02::1]:1", true},

		{"[::ffff:10.0.0.1]:1", true}, {"[::ffff:127.0.0.1]:1", true}, {"[::ffff:8.8.8.8]:1", true},
		{"[64:ff9b::10.0.0.1]:1", true}, {"[64:ff9b::7f00:1]:1", true}, {"[64:ff9b::8.8.8.8]:1", false},
		{"[2002:a00:1::1]:1", true}, {"[2002:7f00:1::]:1", true}, {"[2002:808:808::1]:1", false},
		{"[2001:0:a00:1::1]:1", true},                       // the Teredo server 10.0.0.1
		{"[2001:0:808:808:0:0:f5ff:fffe]:1", true},          // the Teredo client 10.0.0.1
		{"[2001:0:808:808:0:0:f7f7:f7f7]:1", false},         // 8.8.8.8
		{"[64:ff9b::cb00:7105]:20000", true},                // an address of ours, by NAT64
		{"[2002:c633:6401::1]:1", true},                     // of Deny, by 6to4
		{"[2001:0:808:808:0:0:39cc:9bfe]:1", true},          // 198.51.100.1 of Deny, the Teredo client
		{"198.51.100.7:1", true}, {"198.51.101.7:1", false}, // Deny
		{"10.1.2.3:1", false}, {"10.1.9.3:1", true}, // Allow, and Deny before it
		{"203.0.113.5:5060", true}, {"203.0.113.5:0", false}, // ours; at some port
		{"203.0.113.5:19999", true}, {"203.0.113.5:20000", false}, {"203.0.113.5:20999", false}, {"203.0.113.5:21000", true},
		{"203.0.113.6:41200", false}, {"203.0.113.6:3478", true}, // where relays are advertised
		{"[2001:db8::5]:5060", true}, {"[2001:db8::5]:0", true},
	} {
		a := netip.MustParseAddrPort(c.peer)
		if got := p.refused(a.Addr(), a.Port()); got != c.refused {
			t.Errorf("refused(%s) = %v, want %v", c.peer, got, c.refused)
		}
	}
}

// A denied peer is answered 403, by permission and by channel, and all peers
// of a request are refused for one.
func TestDenied(t *testing.T) {
	s := open(t, options(41200))
	c := dial(t, "udp", s.at("udp"), "alice", "password")
	c.allocate()
	for _, p := range []string{
		"10.0.0.1:5060", "192.168.0.1:80", "169.254.169.254:80", "224.0.0.1:5060", "255.255.255.255:9",
		"[::ffff:127.0.0.2]:9", "[64:ff9b::a00:1]:9", "[2002:a00:1::]:9", "[fe80::1]:9",
	} {
		c.want(403, c.do(stun.MethodCreatePermission, at(p)))
		c.want(403, c.do(stun.MethodCreatePermission, at("127.0.0.2:9"), at(p)))
		c.want(403, c.do(stun.MethodChannelBind, number(0x4001), at(p)))
	}
	if n := s.refused(Denied); n != 27 {
		t.Errorf("counted %d, want 27", n)
	}
	f := newFriend(t, "127.0.0.2:0")
	before := s.refused(Stranger)
	c.write(build(t, stun.NewType(stun.MethodSend, stun.ClassIndication), peer(f.at()), raw(stun.AttrData, 'x')).Raw)
	eventually(t, "data without a permission is counted", func() bool { return s.refused(Stranger) == before+1 })
}

// A permission for an address of ours, which is there for media, does not open
// our other ports: neither by a channel nor by an indication.
func TestOwnPorts(t *testing.T) {
	s := open(t, options(41200))
	mine := newFriend(t, "127.0.0.1:0") // like the console
	c := dial(t, "udp", s.at("udp"), "alice", "password")
	c.allocate()
	c.want(403, c.do(stun.MethodChannelBind, number(0x4001), peer(mine.at())))
	c.want(200, c.do(stun.MethodCreatePermission, peer(mine.at()))) // for the relay ports of others
	before := s.refused(Denied)
	c.write(build(t, stun.NewType(stun.MethodSend, stun.ClassIndication), peer(mine.at()), raw(stun.AttrData, 'x')).Raw)
	eventually(t, "data to a port of ours is counted", func() bool { return s.refused(Denied) == before+1 })
	if n := s.Counts().OctetsToPeers; n != 0 {
		t.Errorf("%d octets went out, want 0", n)
	}
}

// What comes to a relayed transport address without a permission, or does not
// fit, does not reach the client.
func TestPeerWithoutPermission(t *testing.T) {
	s := open(t, options(41200))
	c := dial(t, "udp", s.at("udp"), "alice", "password")
	relay := c.allocate()
	known, unknown := newFriend(t, "127.0.0.2:0"), newFriend(t, "127.0.0.3:0")
	c.want(200, c.do(stun.MethodChannelBind, number(0x4001), peer(known.at())))
	unknown.WriteToUDPAddrPort([]byte("junk"), relay)
	known.WriteToUDPAddrPort(octets(peerMax+1), relay)
	known.WriteToUDPAddrPort([]byte("good"), relay)
	if got := c.read(soon); string(got) != string(channelData(0x4001, "good")) {
		t.Errorf("got %q, want what the known peer sent last", got)
	}
	if n := s.Counts(); n.Refused["turn_stranger"] != 1 || n.Refused["turn_oversize"] != 1 || n.OctetsToClients != 4 {
		t.Errorf("counted %+v, want one stranger, one oversize, 4 octets", n)
	}
}

// A relay socket that the library does not take is closed, and its place free.
func TestAbandonedRelay(t *testing.T) {
	z := newFuzzed(t)
	q := &request{m: nat.STUN(build(t, requestType(stun.MethodAllocate)).Raw), who: identity{name: "bob"}}
	f := newFront(z.f.service, newMemory())
	if _, ok := f.open(netip.MustParseAddrPort("192.0.2.2:1"), q, false, false); !ok || f.counts.allocations.Load() != 2 {
		t.Fatal("the allocation was not begun")
	}
	f.abandon()
	if _, _, err := f.take(); err == nil || f.counts.allocations.Load() != 1 || len(f.table) != 0 {
		t.Errorf("taken: %v; %d allocations, want the one of before", err, f.counts.allocations.Load())
	}
}

// Two clients of the service reach each other by their relayed transport
// addresses.
func TestRelayToRelay(t *testing.T) {
	s := open(t, options(41200))
	a, b := dial(t, "udp", s.at("udp"), "alice", "password"), dial(t, "tcp", s.at("tcp"), "bob", "pass:word")
	atA, atB := a.allocate(), b.allocate()
	a.want(200, a.do(stun.MethodChannelBind, number(0x4001), peer(atB)))
	b.want(200, b.do(stun.MethodChannelBind, number(0x4002), peer(atA)))
	a.write(channelData(0x4001, "ping"))
	if got := b.read(soon); string(got) != string(channelData(0x4002, "ping")) {
		t.Errorf("got %q, want ChannelData with ping", got)
	}
}

// Data of those who may send it costs no allocation before the library.
func TestJudgeAllocates(t *testing.T) {
	z := newFuzzed(t)
	send := build(t, stun.NewType(stun.MethodSend, stun.ClassIndication), at("127.0.0.9:9"), raw(stun.AttrData, octets(172)...)).Raw
	now := time.Now()
	for what, b := range map[string][]byte{"Send": send, "ChannelData": channelData(0x4001, string(octets(172))), "malformed": emptyPeer()} {
		if v := z.f.judge(now, b, z.known); (v.pass.octets == nil) != (what == "malformed") {
			t.Fatalf("%s: passed %x", what, v.pass.octets)
		}
		if n := testing.AllocsPerRun(100, func() { z.f.judge(now, b, z.known) }); n != 0 {
			t.Errorf("%s: %v allocations, want 0", what, n)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	z := newFuzzed(b)
	data, now := channelData(0x4001, string(octets(172))), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		z.f.judge(now, data, z.known)
	}
}
