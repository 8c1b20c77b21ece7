package netns

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"sbc/lab/nat"
)

// With inbound packets alone a mapping lives on behind conntrack, and ends
// after its lifetime where only outbound packets refresh (RFC 4787 REQ-6).
func TestWhatRefreshesAMapping(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		kind nat.Kind
	}{
		{"masquerade", nat.Masquerade},
		{"masquerade with random ports", nat.MasqueradeRandom},
		{"full cone", nat.FullCone},
		{"port-restricted", nat.PortRestricted},
		{"symmetric", nat.Symmetric},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			lifetime := 400 * time.Millisecond
			if row.kind.Refresh == nat.Both {
				lifetime = time.Second // conntrack counts seconds
			}
			row.kind.Lifetime = lifetime
			h := newHome(t, row.kind)
			phone, server := h.phone(t, 0, 5060), h.at[0][0]
			public := seenAs(t, phone, server)
			last := lastHeard(t, phone, server, public, 3*lifetime)
			if outbound := row.kind.Refresh == nat.OutboundOnly; outbound != (last < 2*lifetime) || last < lifetime/2 {
				t.Errorf("inbound packets came through for %v, refresh by outbound only: %v", last, outbound)
			}
			// In each case silence ends the mapping: a random port is another one.
			await(t, "the end of the mapping", func() bool {
				if err := phone.SetReadDeadline(time.Now().Add(lifetime + lifetime/2)); err != nil {
					return false
				}
				_, _, err := phone.ReadFromUDPAddrPort(make([]byte, 100))
				return errors.Is(err, os.ErrDeadlineExceeded)
			})
			send(t, server, public, "late")
			public = seenAs(t, phone, server)
			send(t, server, public, "end")
			if text, _ := hear(t, phone); text != "end" {
				t.Errorf("%q came in after the lifetime", text)
			}
		})
	}
}

// lastHeard sends from the server every 50 ms and returns when the last
// packet came through.
func lastHeard(t *testing.T, phone, server *net.UDPConn, public netip.AddrPort, during time.Duration) (last time.Duration) {
	t.Helper()
	start := time.Now()
	for at := time.Duration(0); at < during; at = time.Since(start) {
		send(t, server, public, "inbound")
		must(t, phone.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
		for {
			if _, _, err := phone.ReadFromUDPAddrPort(make([]byte, 100)); err != nil {
				break // the deadline
			}
			last = time.Since(start)
		}
	}
	return last
}

// The same port of two phones: the second gets another one, unless ports are
// overloaded, where both have the same as long as the far ends differ.
func TestTwoPhonesWithTheSamePort(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		kind     nat.Kind
		overload bool
	}{
		{"masquerade", nat.Masquerade, true},
		{"port-restricted", nat.PortRestricted, false},
		{"carrier-grade", nat.CarrierGrade, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, row.kind)
			a, b := h.phone(t, 0, 5060), h.phone(t, 1, 5060)
			publicA, publicB := seenAs(t, a, h.at[0][0]), seenAs(t, b, h.at[1][0])
			if (publicA == publicB) != row.overload {
				t.Errorf("towards different hosts the phones are %s and %s", publicA, publicB)
			}
			publicB = seenAs(t, b, h.at[0][0])
			if publicA == publicB {
				t.Fatalf("towards the same host both phones are %s", publicA)
			}
			send(t, h.at[0][0], publicA, "to a")
			send(t, h.at[0][0], publicB, "to b")
			for text, phone := range map[string]*net.UDPConn{"to a": a, "to b": b} {
				if got, _ := hear(t, phone); got != text {
					t.Errorf("heard %q, want %q", got, text)
				}
			}
		})
	}
}

// A NAT behind a NAT is as strict as the stricter of the two, and it is the
// outer one that is seen.
func TestNATBehindNAT(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name         string
		inner, outer nat.Kind
		filtering    nat.Dependence
	}{
		{"home behind a carrier", nat.Masquerade, nat.CarrierGrade, nat.AddressAndPortDependent},
		{"cone behind a cone", nat.FullCone, nat.FullCone, nat.EndpointIndependent},
		{"cone behind masquerade", nat.FullCone, nat.Masquerade, nat.AddressAndPortDependent},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, row.outer)
			inner := router(t, RouterOptions{Kind: row.inner, Uplink: h.router,
				Inside: netip.MustParsePrefix("10.0.0.1/24"), Outside: netip.MustParsePrefix("192.168.1.20/24")})
			s := space(t, "deep")
			must(t, inner.Plug(End{Space: s, Interface: "eth0", Addr: netip.MustParsePrefix("10.0.0.2/24")}))
			phone := udp(t, s, netip.MustParseAddrPort("10.0.0.2:5060"))
			if got := seenAs(t, phone, h.at[0][0]).Addr(); got != homePublic.Addr() {
				t.Errorf("the phone is seen as %s", got)
			}
			if got := h.findFiltering(t, udp(t, s, netip.MustParseAddrPort("10.0.0.2:5062"))); got != row.filtering {
				t.Errorf("filtering is %s, want %s", got, row.filtering)
			}
			must(t, inner.SetPublic(netip.MustParseAddr("192.168.1.21")))
			if got := seenAs(t, phone, h.at[0][0]).Addr(); got != homePublic.Addr() {
				t.Errorf("after the inner router's change the phone is seen as %s", got)
			}
		})
	}
}

// A router of each sort, for what both must do alike.
var sorts = []struct {
	name string
	kind nat.Kind
}{{"conntrack", nat.Masquerade}, {"maps", nat.PortRestricted}}

// A forwarded port lets everybody in and hides the port behind it, in both
// directions, by UDP and TCP.
func TestForwardedPorts(t *testing.T) {
	t.Parallel()
	for _, row := range sorts {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, row.kind)
			inside := netip.AddrPortFrom(phoneAddrs[0], 5060)
			must(t, h.router.Forward("udp", 15060, inside))
			must(t, h.router.Forward("tcp", 15060, inside))
			if err := h.router.Forward("sctp", 1, inside); err == nil {
				t.Error("a protocol without rules was forwarded")
			}
			public := netip.AddrPortFrom(homePublic.Addr(), 15060)
			phone := udp(t, h.phones[0], inside)
			for _, server := range []*net.UDPConn{h.at[0][0], h.at[1][1]} {
				send(t, server, public, "in")
				if text, from := hear(t, phone); text != "in" || from != local(server) {
					t.Errorf("heard %q from %s, want it from %s", text, from, local(server))
				}
				send(t, phone, local(server), "out")
				if text, from := hear(t, server); text != "out" || from != public {
					t.Errorf("answered %q from %s, want %s", text, from, public)
				}
			}
			talk(t, h.server, public.String(), listenTCP(t, h.phones[0], inside))
		})
	}
}

func listenTCP(t *testing.T, s *Space, at netip.AddrPort) (l net.Listener) {
	t.Helper()
	must(t, s.Do(func() (err error) { l, err = net.Listen("tcp", at.String()); return err }))
	t.Cleanup(func() { l.Close() })
	return l
}

// talk opens a connection and sends something each way.
func talk(t *testing.T, from *Space, to string, l net.Listener) (near, far net.Conn) {
	t.Helper()
	near, err := from.Dial("tcp", to)
	must(t, err)
	t.Cleanup(func() { near.Close() })
	far, err = l.Accept()
	must(t, err)
	t.Cleanup(func() { far.Close() })
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		text := slices.Repeat([]byte("stream "), 10_000)
		go func() { _, _ = way[0].Write(text) }()
		must(t, way[1].SetReadDeadline(time.Now().Add(20*time.Second)))
		got := make([]byte, len(text))
		if _, err := io.ReadFull(way[1], got); err != nil || !slices.Equal(got, text) {
			t.Fatalf("connection through the router: %v", err)
		}
	}
	return near, far
}

// A phone's connection goes through, and breaks when the router has forgotten
// it and the far end speaks.
func TestConnectionsThroughARouter(t *testing.T) {
	t.Parallel()
	for _, row := range append(sorts, struct {
		name string
		kind nat.Kind
	}{"symmetric", nat.Symmetric}) {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, row.kind)
			at := netip.AddrPortFrom(serverAddrs[0], 5060)
			near, far := talk(t, h.phones[0], at.String(), listenTCP(t, h.server, at))
			if got := netip.MustParseAddrPort(far.RemoteAddr().String()); got.Addr() != homePublic.Addr() {
				t.Errorf("the server sees %s", got)
			}
			must(t, h.router.SetPublic(netip.MustParseAddr("198.51.100.2")))
			must(t, near.SetDeadline(time.Now().Add(20*time.Second)))
			_, err := near.Write([]byte("still there?"))
			must(t, err)
			if _, err := near.Read(make([]byte, 10)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection survived another public address: %v", err)
			}
			second := netip.AddrPortFrom(serverAddrs[1], 5060)
			talk(t, h.phones[1], second.String(), listenTCP(t, h.server, second))
		})
	}
}

// With another public address the old mappings are gone, the next packet has
// a new one, and forwarded ports are open there.
func TestARouterChangesItsPublicAddress(t *testing.T) {
	t.Parallel()
	for _, row := range sorts {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, row.kind)
			must(t, h.router.Forward("udp", 15060, netip.AddrPortFrom(phoneAddrs[1], 5060)))
			phone, server, forwarded := h.phone(t, 0, 5060), h.at[0][0], h.phone(t, 1, 5060)
			old := seenAs(t, phone, server)
			for _, next := range []string{"198.51.100.2", "198.51.100.3", "198.51.100.1"} {
				addr := netip.MustParseAddr(next)
				must(t, h.router.SetPublic(addr))
				send(t, server, old, "to the old address")
				public := seenAs(t, phone, server)
				if public.Addr() != addr || h.router.Public() != addr {
					t.Errorf("after the change to %s the phone is %s", addr, public)
				}
				send(t, server, public, "to the new one")
				if text, _ := hear(t, phone); text != "to the new one" {
					t.Errorf("heard %q", text)
				}
				send(t, server, netip.AddrPortFrom(addr, 15060), "forwarded")
				if text, _ := hear(t, forwarded); text != "forwarded" {
					t.Errorf("heard %q", text)
				}
				old = public
			}
		})
	}
}

func TestARouterReboots(t *testing.T) {
	t.Parallel()
	for _, kind := range []nat.Kind{nat.Symmetric, nat.MasqueradeRandom} {
		t.Run(kind.Refresh.String(), func(t *testing.T) {
			t.Parallel()
			h := newHome(t, kind)
			phone, server := h.phone(t, 0, 5060), h.at[0][0]
			before := seenAs(t, phone, server)
			if again := seenAs(t, phone, server); again != before {
				t.Fatalf("the mapping moved from %s to %s by itself", before, again)
			}
			must(t, h.router.Reboot())
			send(t, server, before, "lost")
			after := seenAs(t, phone, server)
			send(t, server, after, "end")
			if text, _ := hear(t, phone); text != "end" {
				t.Errorf("%q came by a mapping from before", text)
			}
			if before == after {
				t.Errorf("random port %s twice", after)
			}
		})
	}
}

func TestTrackedConnections(t *testing.T) {
	t.Parallel()
	h := newHome(t, nat.Masquerade)
	public := seenAs(t, h.phone(t, 0, 5060), h.at[0][0])
	list, err := h.router.Tracked()
	must(t, err)
	want := Tracked{Protocol: protoUDP, Source: netip.AddrPortFrom(phoneAddrs[0], 5060), Public: public, To: local(h.at[0][0])}
	if !slices.Contains(list, want) {
		t.Errorf("tracked %v, want %v", list, want)
	}
}

// A router whose uplink is another network sends by its gateway.
func TestARouterWithAGateway(t *testing.T) {
	t.Parallel()
	for _, row := range sorts {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, nat.FullCone) // stands for a provider that routes
			s := space(t, "phone")
			r := router(t, RouterOptions{Kind: row.kind, Uplink: h.net, Gateway: serverAddrs[0],
				Inside: netip.MustParsePrefix("10.0.0.1/24"), Outside: netip.MustParsePrefix("198.51.100.50/24")})
			must(t, r.Plug(End{Space: s, Interface: "eth0", Addr: netip.MustParsePrefix("10.0.0.2/24")}))
			must(t, h.server.AddAddr("lo", netip.MustParsePrefix("203.0.113.9/32")))
			far := udp(t, h.server, netip.MustParseAddrPort("203.0.113.9:5060"))
			phone := udp(t, s, netip.MustParseAddrPort("10.0.0.2:5060"))
			for _, next := range []string{"198.51.100.51", "198.51.100.52"} {
				if got := seenAs(t, phone, far); got.Addr() != r.Public() {
					t.Errorf("seen as %s, want %s", got, r.Public())
				}
				must(t, r.SetPublic(netip.MustParseAddr(next)))
			}
		})
	}
}

func TestServeUPnPNeedsConntrack(t *testing.T) {
	t.Parallel()
	h := newHome(t, nat.FullCone)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := h.router.ServeUPnP(ctx); err == nil {
		t.Error("no error")
	}
}
