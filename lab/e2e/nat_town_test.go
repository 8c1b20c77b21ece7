package e2e

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sbc/lab/nat"
	"sbc/lab/netns"
	"sbc/lab/ua"
)

// domain is what stands behind the @ of everybody's account.
const domain = "voice.example"

// A town is a world whose outside is an internet: a switch, with homes behind
// routers plugged into it. Inside is a PBX on a LAN with a phone at a desk. The
// world's side "itsp" is a host on the internet that nobody has invited.
type town struct {
	*world
	internet *netns.Switch
	inside   *netns.Switch
	pbx      *pbx
	homes    int // routers and hosts so far, which number their addresses
	private  []netip.Addr
	state    string // the file of the bindings
	voices   int    // seconds that a phone has to say: it hangs up then
}

// townConfig has {state} for the file of the bindings and {phones} for further
// arguments of the block.
const townConfig = `
realm "outside" {
  address = "198.51.100.1"
  listen "udp" {}
  listen "tcp" {}
  media {
    ports = "20000-20999"
  }
  topology {
    audit = "refuse"
  }
}

realm "inside" {
  address = "10.77.3.1"
  listen "udp" {}
  media {
    ports = "30000-30999"
  }
  topology {
    audit = "refuse"
  }
}

peer "pbx" {
  realm  = realm.inside
  target = "sip:10.77.3.10"
}

endpoints "phones" {
  realm       = realm.outside
  domain      = "voice.example"
  to          = peer.pbx
  {phones}
}

store {
  path = "{state}"
}

telemetry {
  log_format = "text"
  log_level  = "debug"
}

console {
  socket = "{socket}"
}
`

// townSetup is the setup of a town: what the block of the endpoints has more.
func townSetup(t *testing.T, phones string) setup {
	state := filepath.Join(t.TempDir(), "state.db")
	return setup{state: state, text: strings.NewReplacer("{state}", state, "{phones}", phones).Replace(townConfig)}
}

// newTown builds a town with a PBX, whose phones register every 15 s.
func newTown(t *testing.T) *town {
	t.Helper()
	return newTownOf(t, townSetup(t, `nat_refresh = "15s"`))
}

// newTownOf builds a town with another setup of the SBC.
func newTownOf(t *testing.T, sbc setup) *town {
	t.Helper()
	n := buildTown(t)
	n.state = sbc.state
	n.must(n.internet.Plug(netns.End{Space: n.middle, Interface: "eth0", Addr: netip.PrefixFrom(outsideAddr, 24)}))
	n.itsp.seen = n.capture("eth0")
	n.pbx = n.startPBX()
	n.border = n.startBorder(sbc)
	return n
}

// buildTown builds a town in which the SBC has no outside yet, and does not run.
func buildTown(t *testing.T) *town {
	t.Helper()
	throughSBC(t)
	n := &town{world: emptyWorld(t), voices: playSeconds}
	n.middle = n.space("sbc")
	t.Cleanup(n.story)
	for _, at := range []struct {
		s   *side
		net **netns.Switch
	}{{n.itsp, &n.internet}, {n.lan, &n.inside}} {
		var err error
		*at.net, err = netns.NewSwitch(at.s.name + " switch")
		n.must(err)
		t.Cleanup((*at.net).Close)
		at.s.space = n.host(*at.net, at.s.name, at.s.addr)
	}
	n.must(n.inside.Plug(netns.End{Space: n.middle, Interface: "eth1", Addr: netip.PrefixFrom(insideAddr, 24)}))
	n.lan.seen = n.capture("eth1")
	return n
}

// capture records what passes the SBC on an interface.
func (n *town) capture(name string) *netns.Capture {
	n.t.Helper()
	c, err := n.middle.Capture(name)
	n.must(err)
	n.t.Cleanup(func() {
		if lost, err := c.Lost(); err != nil || lost != 0 {
			n.t.Errorf("capture of %s: %d frames lost, %v", name, lost, err)
		}
		c.Close()
	})
	return c
}

// host plugs a new host into a network of 256 addresses.
func (n *town) host(net netns.Network, name string, addr netip.Addr) *netns.Space {
	n.t.Helper()
	s := n.space(name)
	n.must(net.Plug(netns.End{Space: s, Interface: "eth0", Addr: netip.PrefixFrom(addr, 24)}))
	return s
}

// A home is a network that phones are plugged into.
type home struct {
	n      *town
	router *netns.Router // the nearest; nil on the internet itself
	net    netns.Network
	prefix netip.Addr // its addresses begin here
	public netip.Addr // that the SBC sees; invalid on the internet itself
	hosts  int
}

// home is a network behind NATs of these kinds, the first of them on the
// internet: behind none it is the internet.
func (n *town) home(kinds ...nat.Kind) *home {
	n.t.Helper()
	h := &home{n: n, net: n.internet, prefix: netip.MustParseAddr("198.51.100.100")}
	for _, kind := range kinds {
		n.homes++
		o := netns.RouterOptions{Kind: kind, Uplink: h.net,
			Inside:  netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, byte(n.homes), 1}), 24),
			Outside: netip.PrefixFrom(h.next(), 24)}
		r, err := netns.NewRouter(fmt.Sprintf("router %d", n.homes), o)
		n.must(err)
		n.t.Cleanup(r.Close)
		n.private = append(n.private, o.Outside.Addr())
		if h.router == nil {
			h.public = o.Outside.Addr()
		}
		h.net, h.router, h.hosts = r, r, 1
		h.prefix = o.Inside.Masked().Addr()
	}
	return h
}

// next is an address of the network that nobody has.
func (h *home) next() netip.Addr {
	a := h.prefix.As4()
	if h.router == nil { // all homes share the internet
		h.n.homes++
		a[3] += byte(h.n.homes)
	} else {
		h.hosts++
		a[3] += byte(h.hosts)
	}
	return netip.AddrFrom4(a)
}

// host plugs a new host into the home.
func (h *home) host(name string) (*netns.Space, netip.Addr) {
	h.n.t.Helper()
	addr := h.next()
	h.n.private = append(h.n.private, addr)
	return h.n.host(h.net, name, addr), addr
}

// hidden fails the test when the PBX's side saw an address of the internet or
// of a home, or the outside one of the LAN.
func (n *town) hidden() {
	n.t.Helper()
	n.hiddenAll([]netip.Addr{lanAddr, lanSecond, insideAddr}, append([]netip.Addr{itspAddr, outsideAddr}, n.private...))
}

// hiddenAll is hidden with other addresses: those of the LAN that the internet
// may not see, and those of the internet.
func (n *town) hiddenAll(inner, outer []netip.Addr) {
	n.t.Helper()
	for _, c := range []struct {
		sees *side
		own  []netip.Addr
	}{{n.itsp, inner}, {n.lan, outer}} {
		n.drain(c.sees)
		seen := slices.DeleteFunc(from(c.sees.messages(), c.sees.border), func(d netns.Datagram) bool {
			return d.Dst.Addr() == routersInside.Addr() || d.Dst.Addr().IsMulticast() // a router of ours
		})
		for i := range seen {
			seen[i].Payload = hashed.ReplaceAll(seen[i].Payload, []byte("$1"))
		}
		leaks := append(leaksIn(seen, ua.Canary{Own: c.own}), c.sees.odd()...)
		if len(seen) == 0 || len(leaks) > 0 {
			n.t.Errorf("of %d datagrams %s can see of the other side:\n%s", len(seen), c.sees.name, strings.Join(leaks, "\n"))
		}
	}
}

// hashed is what a digest has to say as the phone hashed it (RFC 7616 section
// 3.4): within a dialog that is our own address.
var hashed = regexp.MustCompile(`(?m)^((?:Proxy-)?Authorization: Digest .*)uri="sip:(?:198\.51\.100|5\.9\.1)\.[12](?::5060)?"`)
