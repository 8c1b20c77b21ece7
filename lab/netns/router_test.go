package netns

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"sbc/lab/nat"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newSwitch(t *testing.T) *Switch {
	t.Helper()
	w, err := NewSwitch("internet")
	must(t, err)
	t.Cleanup(w.Close)
	return w
}

func router(t *testing.T, o RouterOptions) *Router {
	t.Helper()
	r, err := NewRouter("router", o)
	must(t, err)
	t.Cleanup(r.Close)
	return r
}

// A home is a router with two phones, and a server outside with two
// addresses and two ports, as RFC 5780 has it.
type home struct {
	net    *Switch
	router *Router
	phones [2]*Space
	server *Space
	at     [2][2]*net.UDPConn // of the server: by address, by port
}

var (
	homePublic  = netip.MustParsePrefix("198.51.100.1/24")
	homeInside  = netip.MustParsePrefix("192.168.1.1/24")
	phoneAddrs  = [2]netip.Addr{netip.MustParseAddr("192.168.1.10"), netip.MustParseAddr("192.168.1.11")}
	serverAddrs = [2]netip.Addr{netip.MustParseAddr("198.51.100.10"), netip.MustParseAddr("198.51.100.11")}
	serverPorts = [2]uint16{3478, 3479}
)

func newHome(t *testing.T, kind nat.Kind) *home {
	t.Helper()
	Require(t, "nft")
	h := &home{net: newSwitch(t), server: space(t, "server")}
	must(t, h.net.Plug(End{Space: h.server, Interface: "eth0", Addr: netip.PrefixFrom(serverAddrs[0], 24)}))
	must(t, h.server.AddAddr("eth0", netip.PrefixFrom(serverAddrs[1], 24)))
	for i, a := range serverAddrs {
		for j, p := range serverPorts {
			h.at[i][j] = udp(t, h.server, netip.AddrPortFrom(a, p))
		}
	}
	h.router = router(t, RouterOptions{Kind: kind, Uplink: h.net, Inside: homeInside, Outside: homePublic})
	for i, a := range phoneAddrs {
		h.phones[i] = space(t, "phone")
		must(t, h.router.Plug(End{Space: h.phones[i], Interface: "eth0", Addr: netip.PrefixFrom(a, 24)}))
	}
	return h
}

func udp(t *testing.T, s *Space, at netip.AddrPort) *net.UDPConn {
	t.Helper()
	c, err := s.ListenUDP(at)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// phone opens a socket of a phone.
func (h *home) phone(t *testing.T, i int, port uint16) *net.UDPConn {
	t.Helper()
	return udp(t, h.phones[i], netip.AddrPortFrom(phoneAddrs[i], port))
}

func local(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

func send(t *testing.T, from *net.UDPConn, to netip.AddrPort, text string) {
	t.Helper()
	_, err := from.WriteToUDPAddrPort([]byte(text), to)
	must(t, err)
}

// hear waits for a datagram.
func hear(t *testing.T, c *net.UDPConn) (string, netip.AddrPort) {
	t.Helper()
	must(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
	b := make([]byte, 100)
	n, from, err := c.ReadFromUDPAddrPort(b)
	must(t, err)
	return string(b[:n]), from
}

// seenAs sends from a phone to the server and returns what the server sees.
func seenAs(t *testing.T, phone, server *net.UDPConn) netip.AddrPort {
	t.Helper()
	send(t, phone, local(server), "who am I")
	_, from := hear(t, server)
	return from
}

// findMapping is RFC 5780 section 4.3.
func (h *home) findMapping(t *testing.T, phone *net.UDPConn) nat.Dependence {
	t.Helper()
	first := seenAs(t, phone, h.at[0][0])
	port := seenAs(t, phone, h.at[0][1])
	addr := seenAs(t, phone, h.at[1][0])
	switch {
	case first == port && first == addr:
		return nat.EndpointIndependent
	case first == port:
		return nat.AddressDependent
	}
	return nat.AddressAndPortDependent
}

// findFiltering is RFC 5780 section 4.4, with a last packet that comes
// through in any case instead of a wait for what does not come.
func (h *home) findFiltering(t *testing.T, phone *net.UDPConn) nat.Dependence {
	t.Helper()
	public := seenAs(t, phone, h.at[0][0])
	send(t, h.at[1][1], public, "other address")
	send(t, h.at[0][1], public, "other port")
	send(t, h.at[0][0], public, "end")
	found := nat.AddressAndPortDependent
	for {
		switch text, _ := hear(t, phone); text {
		case "other address":
			found = nat.EndpointIndependent
		case "other port":
			found = min(found, nat.AddressDependent)
		case "end":
			return found
		}
	}
}

// findHairpin is RFC 5780 section 4.5 with a second host: does what one
// sends to the other's public address arrive, and from where. Both have sent
// to each other before, so that filtering has no part in it.
func (h *home) findHairpin(t *testing.T) bool {
	t.Helper()
	a, b := h.phone(t, 0, 7000), h.phone(t, 1, 7001)
	publicA, publicB := seenAs(t, a, h.at[0][0]), seenAs(t, b, h.at[0][0])
	for range 3 {
		send(t, b, publicA, "hairpin")
		send(t, a, publicB, "hairpin")
		send(t, h.at[0][0], publicA, "end")
		for text := ""; text != "end"; {
			var from netip.AddrPort
			if text, from = hear(t, a); text == "hairpin" {
				if from != publicB {
					t.Errorf("a hairpinned packet comes from %s, want %s (RFC 4787 REQ-9)", from, publicB)
				}
				return true
			}
		}
	}
	return false
}

// Each row is what a router is asked to be; the test finds out by sockets
// whether it is.
func TestRouterIsTheKindItIsAskedFor(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		kind nat.Kind
	}{
		{"parity", nat.Kind{Ports: nat.Parity, Filtering: nat.AddressDependent, First: 20000, Last: 20999}},
		{"sequential", nat.Kind{Mapping: nat.AddressDependent, Ports: nat.Sequential, First: 30000}},
		{"hairpin with strict filtering", nat.Kind{Filtering: nat.AddressAndPortDependent, Hairpin: true}},
	}
	for _, k := range nat.Named() {
		rows = append(rows, struct {
			name string
			kind nat.Kind
		}{k.Name, k.Kind})
	}
	for mapping := range nat.AddressAndPortDependent + 1 {
		for filtering := range nat.AddressAndPortDependent + 1 {
			rows = append(rows, struct {
				name string
				kind nat.Kind
			}{mapping.String() + ", " + filtering.String(), nat.Kind{Mapping: mapping, Filtering: filtering, Ports: nat.Random}})
		}
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, row.kind)
			mapping := row.kind.Mapping
			if row.kind.Ports == nat.Overload {
				mapping = nat.EndpointIndependent // as long as nobody else wants the port
			}
			if got := h.findMapping(t, h.phone(t, 0, 5060)); got != mapping {
				t.Errorf("mapping is %s, want %s", got, mapping)
			}
			if got := h.findFiltering(t, h.phone(t, 0, 5062)); got != row.kind.Filtering {
				t.Errorf("filtering is %s, want %s", got, row.kind.Filtering)
			}
			if got := h.findHairpin(t); got != row.kind.Hairpin {
				t.Errorf("hairpin is %v, want %v", got, row.kind.Hairpin)
			}
			h.checkPorts(t, row.kind)
		})
	}
}

// checkPorts looks at the public ports of a few sockets.
func (h *home) checkPorts(t *testing.T, kind nat.Kind) {
	t.Helper()
	kept, last, steps := 0, uint16(0), 0
	const sockets = 6
	for i := range uint16(sockets) {
		port := 9000 + 3*i
		public := seenAs(t, h.phone(t, 1, port), h.at[1][1])
		if public.Addr() != homePublic.Addr() {
			t.Fatalf("public address %s", public.Addr())
		}
		got := public.Port()
		if kind.First != 0 && got < kind.First || kind.Last != 0 && got > kind.Last {
			t.Errorf("port %d is outside of %d-%d", got, kind.First, kind.Last)
		}
		if got == port {
			kept++
		}
		if kind.Ports == nat.Parity && got%2 != port%2 {
			t.Errorf("inside port %d became %d", port, got)
		}
		if got == last+1 {
			steps++
		}
		last = got
	}
	keeps := kind.Ports == nat.Preserve || kind.Ports == nat.Overload
	if keeps && kept != sockets || !keeps && kept > 1 {
		t.Errorf("%d of %d ports were preserved, ports are chosen by %s", kept, sockets, kind.Ports)
	}
	if (kind.Ports == nat.Sequential) != (steps == sockets-1) {
		t.Errorf("%d of %d ports were the next one, ports are chosen by %s", steps, sockets-1, kind.Ports)
	}
}

// Kinds that nf_tables cannot express are refused and not taken for others.
func TestKindsThatARouterCannotBe(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]nat.Kind{
		"endpoint-independent, refreshed by both": {Refresh: nat.Both},
		"conntrack with an open filter":           {Mapping: nat.AddressAndPortDependent, Refresh: nat.Both, Ports: nat.Overload},
		"overload by maps":                        {Mapping: nat.AddressAndPortDependent, Filtering: nat.AddressAndPortDependent, Ports: nat.Overload},
		"arbitrary pool":                          {Arbitrary: true},
		"no RST":                                  {Silent: true},
	} {
		r, err := NewRouter("none", RouterOptions{Kind: kind})
		if err == nil {
			r.Close()
			t.Errorf("%s: no error", name)
		}
	}
}
