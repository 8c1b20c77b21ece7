package turn

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/pion/stun/v2"
	"go.uber.org/goleak"
)

const secret = "a-long-secret"

// options serve on loopback, where peers are at 127.0.0.2 and above.
func options(first uint16) Options {
	loop := netip.MustParseAddrPort("127.0.0.1:0")
	return Options{
		UDP: []netip.AddrPort{loop}, TCP: []netip.AddrPort{loop}, Realm: "test.example",
		Users: map[string]string{"alice": "password", "bob": "pass:word"}, Secrets: []string{secret},
		Relays:    []Relay{{Listen: netip.MustParseAddr("127.0.0.1")}, {Listen: netip.MustParseAddr("::1")}},
		FirstPort: first, LastPort: first + 99,
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
}

func open(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		eventually(t, "all allocations are gone", func() bool { return s.Counts().Allocations == 0 })
	})
	return s
}

func (s *Server) at(network string) netip.AddrPort {
	udp, tcp := s.Addrs()
	if network == "udp" {
		return udp[0]
	}
	return tcp[0]
}

func (s *Server) refused(c Cause) uint64 { return s.Counts().Refused[c.String()] }

// Data goes both ways, by indications and by a channel.
func TestRelay(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			s := open(t, options(41000))
			c := dial(t, network, s.at(network), "alice", "password")
			relay := c.allocate()
			if relay.Port() < 41000 || relay.Port() > 41099 {
				t.Errorf("relayed transport address %v, want a port from 41000 to 41099", relay)
			}
			f := newFriend(t, "127.0.0.2:0")
			exchangeByIndication(t, c, f, relay)
			exchangeByChannel(t, c, f, relay)

			c.want(200, c.do(stun.MethodRefresh, seconds(0)))
			eventually(t, "the allocation is gone", func() bool { return s.Counts().Allocations == 0 })
			n := s.Counts()
			if n.OctetsToPeers != 8 || n.OctetsToClients != 8 || n.Allocated != 1 {
				t.Errorf("counted %+v, want 8 octets each way and 1 allocation", n)
			}
		})
	}
}

func exchangeByIndication(t *testing.T, c *client, f friend, relay netip.AddrPort) {
	t.Helper()
	c.want(200, c.do(stun.MethodCreatePermission, peer(f.at())))
	c.write(build(t, stun.NewType(stun.MethodSend, stun.ClassIndication), peer(f.at()), raw(stun.AttrData, []byte("ping")...)).Raw)
	if from := f.hears(t, "ping"); from != relay {
		t.Errorf("the peer heard from %v, want %v", from, relay)
	}
	f.WriteToUDPAddrPort([]byte("pong"), relay)
	m := &stun.Message{Raw: c.read(soon)}
	if err := m.Decode(); err != nil || m.Type != stun.NewType(stun.MethodData, stun.ClassIndication) {
		t.Fatalf("got %v, %v, want a Data indication", m, err)
	}
	if v, _ := m.Get(stun.AttrData); string(v) != "pong" {
		t.Errorf("got %q, want pong", v)
	}
}

func exchangeByChannel(t *testing.T, c *client, f friend, relay netip.AddrPort) {
	t.Helper()
	c.want(200, c.do(stun.MethodChannelBind, number(0x4001), peer(f.at())))
	c.write(channelData(0x4001, "ping"))
	f.hears(t, "ping")
	f.WriteToUDPAddrPort([]byte("pong"), relay)
	if got := c.read(soon); !bytes.Equal(got, channelData(0x4001, "pong")) {
		t.Errorf("got %q, want ChannelData with pong", got)
	}
}

// A relayed transport address of IPv6 is one for peers of IPv6.
func TestRelayIPv6(t *testing.T) {
	if l, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback}); err != nil {
		t.Skip("no IPv6")
	} else {
		l.Close()
	}
	o := options(41000)
	peers := newFriend(t, "[::1]:0")
	o.Media = []Ports{{netip.MustParseAddr("::1"), peers.at().Port(), peers.at().Port()}}
	s := open(t, o)
	c := dial(t, "udp", s.at("udp"), "alice", "password")
	relay := c.allocate(raw(stun.AttrRequestedAddressFamily, 2, 0, 0, 0))
	exchangeByChannel(t, c, peers, relay)
	c.want(443, c.do(stun.MethodCreatePermission, at("127.0.0.2:9")))
}

// STUN on the same port tells clients where they are.
func TestBinding(t *testing.T) {
	s := open(t, options(41000))
	for _, network := range []string{"udp", "tcp"} {
		c := dial(t, network, s.at(network), "", "")
		m := c.want(200, c.ask(build(t, stun.BindingRequest, stun.Fingerprint)))
		var a stun.XORMappedAddress
		if err := a.GetFrom(m); err != nil || a.String() != c.conn.LocalAddr().String() {
			t.Errorf("%s: told %v, %v, want %v", network, a, err, c.conn.LocalAddr())
		}
	}
	if n := s.Counts().Bindings; n != 2 {
		t.Errorf("counted %d Binding requests, want 2", n)
	}
}

// What a client is told to be at may differ from where the relay listens.
func TestAdvertise(t *testing.T) {
	o := options(41000)
	o.Relays[0].Advertise = netip.MustParseAddr("203.0.113.7")
	s := open(t, o)
	c := dial(t, "udp", s.at("udp"), "alice", "password")
	if relay := c.allocate(); relay.Addr() != o.Relays[0].Advertise {
		t.Errorf("relayed transport address %v, want one at 203.0.113.7", relay)
	}
	c.want(200, c.do(stun.MethodCreatePermission, at("203.0.113.7:41001")))
	c.want(403, c.do(stun.MethodChannelBind, number(0x4000), at("203.0.113.7:3478")))
}

// An allocation ends with its connection.
func TestConnectionEnds(t *testing.T) {
	s := open(t, options(41000))
	c := dial(t, "tcp", s.at("tcp"), "alice", "password")
	c.allocate()
	if n := s.Counts(); n.Allocations != 1 || n.Connections != 1 {
		t.Fatalf("counted %+v, want an allocation and a connection", n)
	}
	c.conn.Close()
	eventually(t, "allocation and connection are gone", func() bool {
		n := s.Counts()
		return n.Allocations == 0 && n.Connections == 0
	})
}

// A request that was sent again gets the same answer; another one 437.
func TestAllocateAgain(t *testing.T) {
	s := open(t, options(41000))
	c := dial(t, "udp", s.at("udp"), "alice", "password")
	c.learn(c.ask(build(t, requestType(stun.MethodAllocate), overUDP)))
	m := c.signed(stun.MethodAllocate, overUDP)
	first := relayed(t, c.want(200, c.ask(m)))
	if again := relayed(t, c.want(200, c.ask(m))); again != first {
		t.Errorf("the second answer has %v, the first %v", again, first)
	}
	c.want(437, c.do(stun.MethodAllocate, overUDP))
	if n := s.Counts().Allocations; n != 1 {
		t.Errorf("%d allocations, want 1", n)
	}
}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(roles[role]())
	}
	goleak.VerifyTestMain(m)
}

// roleEnv makes the test binary a process of another kind.
const roleEnv = "SBC_TURN_TEST_ROLE"

// An allocation that has ended takes nothing with it when the same client has
// another one at once: the library ends allocations by their 5-tuple, and late.
func TestAllocateAfterEnd(t *testing.T) {
	z := newFuzzed(t)
	for range 3000 {
		z.feed(z.sign(build(t, requestType(stun.MethodRefresh), seconds(0)).Raw), z.known)
		if z.f.find(z.known) != nil {
			t.Fatal("the allocation did not end")
		}
		z.prepare(t)
	}
}
