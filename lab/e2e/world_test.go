package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"sbc/lab/netns"
	"sbc/lab/ua"
)

// The addresses of every world. Each is in a namespace of its own, so that
// all worlds may use the same.
var (
	itspAddr    = netip.MustParseAddr("198.51.100.10")
	outsideAddr = netip.MustParseAddr("198.51.100.1") // the SBC, towards the ITSP
	lanAddr     = netip.MustParseAddr("10.77.3.10")
	insideAddr  = netip.MustParseAddr("10.77.3.1") // the SBC, towards the LAN

	// Of a second peer on each side, in worlds that have one.
	itspSecond = netip.MustParseAddr("198.51.100.20")
	lanSecond  = netip.MustParseAddr("10.77.3.20")

	// The same over IPv6.
	itspAddr6    = netip.MustParseAddr("2001:db8:1::10")
	outsideAddr6 = netip.MustParseAddr("2001:db8:1::1")
	lanAddr6     = netip.MustParseAddr("fd77:3::10")
	insideAddr6  = netip.MustParseAddr("fd77:3::1")
)

const sipPort = 5060

// testTime bounds every test: no scenario needs a quarter of it on an idle
// machine.
const testTime = 40 * time.Second

// direct says that the SBC is left out: a router stands in its place, and the
// two ends call each other. It proves the scenarios.
var direct = os.Getenv("SBC_WORLD") == "direct"

// A side is one of the two networks that the border joins.
type side struct {
	name   string
	space  *netns.Space
	addr   netip.Addr // of the PBX, or of the ITSP
	second netip.Addr // of a second peer
	border netip.Addr // of the SBC, as the side sees it
	net    network
	canary ua.Canary      // what must not be seen on the other side
	seen   *netns.Capture // everything on the side's cable
	veil   *veil          // of phones that speak TLS; nil: none does
	far    *side
}

// at returns the side's address with a port.
func (s *side) at(port int) netip.AddrPort { return netip.AddrPortFrom(s.addr, uint16(port)) }

// target is where the side sends its calls: the SBC, or without it the other
// side.
func (s *side) target() netip.AddrPort {
	if direct {
		return s.far.at(sipPort)
	}
	return netip.AddrPortFrom(s.border, uint16(s.net.port()))
}

// A world is an ITSP, a LAN, and the SBC between them.
type world struct {
	t      *testing.T
	ctx    context.Context
	itsp   *side
	lan    *side
	middle *netns.Space
	border *border // nil where direct
}

// newWorld builds a world. It is taken down at the end of the test, which
// fails when the SBC does not end empty and by itself.
func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOf(t, standard)
}

// newWorldOf builds a world with another setup of the SBC.
func newWorldOf(t *testing.T, sbc setup) *world {
	t.Helper()
	netns.Require(t, "root")
	w := emptyWorld(t)
	w.itsp.net, w.lan.net = sbc.itsp, sbc.lan
	w.middle = w.space("sbc")
	t.Cleanup(w.story)
	for i, s := range []*side{w.itsp, w.lan} {
		s.space = w.space(s.name)
		w.join(s, fmt.Sprintf("eth%d", i))
		w.must(s.space.AddAddr("eth0", netip.PrefixFrom(s.second, 24)))
		if s.net.ip6 {
			w.ip6(s, fmt.Sprintf("eth%d", i))
		}
	}
	if direct {
		w.route()
	} else {
		w.border = w.startBorder(sbc)
	}
	return w
}

// emptyWorld is a world of two sides without a network.
func emptyWorld(t *testing.T) *world {
	// Not the test's own context, which ends before the clean-up that still
	// has to wait for things.
	ctx, cancel := context.WithTimeout(context.Background(), testTime)
	t.Cleanup(cancel)
	w := &world{
		t: t, ctx: ctx,
		itsp: &side{name: "itsp", addr: itspAddr, second: itspSecond, border: outsideAddr, canary: itspCanary},
		lan:  &side{name: "lan", addr: lanAddr, second: lanSecond, border: insideAddr, canary: lanCanary},
	}
	w.itsp.far, w.lan.far = w.lan, w.itsp
	return w
}

func (w *world) space(name string) *netns.Space {
	w.t.Helper()
	s, err := netns.New(name)
	w.must(err)
	w.t.Cleanup(s.Close)
	return s
}

// join lays the cable between a side and the middle, and records it at the
// side's end: there is seen what the side could see.
func (w *world) join(s *side, name string) {
	w.t.Helper()
	w.must(netns.Join(
		netns.End{Space: s.space, Interface: "eth0", Addr: netip.PrefixFrom(s.addr, 24)},
		netns.End{Space: w.middle, Interface: name, Addr: netip.PrefixFrom(s.border, 24)},
	))
	capture, err := s.space.Capture("eth0")
	w.must(err)
	s.seen = capture
	w.t.Cleanup(func() {
		if lost, err := capture.Lost(); err != nil || lost != 0 {
			w.t.Errorf("capture of %s: %d frames lost, %v", s.name, lost, err)
		}
		capture.Close()
	})
}

// ip6 gives a side addresses of IPv6, and lets it forget the others.
func (w *world) ip6(s *side, name string) {
	w.t.Helper()
	s.addr, s.border = itspAddr6, outsideAddr6
	if s == w.lan {
		s.addr, s.border = lanAddr6, insideAddr6
	}
	w.must(s.space.AddAddr("eth0", netip.PrefixFrom(s.addr, 64)))
	w.must(w.middle.AddAddr(name, netip.PrefixFrom(s.border, 64)))
}

// throughSBC skips a test that has nothing to say without the SBC.
func throughSBC(t *testing.T) {
	t.Helper()
	netns.Require(t, "root")
	if direct {
		t.Skip("only with the SBC between the ends")
	}
}

// bothWays plays a test with sipp for calls of either direction, each in a
// world of its own, through the SBC.
func bothWays(t *testing.T, play func(t *testing.T, w *world, caller, callee *side)) {
	t.Helper()
	t.Parallel()
	netns.Require(t, "root", "sipp")
	throughSBC(t)
	for _, way := range []string{"out", "in"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			caller, callee := w.ends(way)
			play(t, w, caller, callee)
		})
	}
}

// route lets the middle forward between the sides.
func (w *world) route() {
	w.t.Helper()
	w.must(w.middle.Sysctl("net/ipv4/ip_forward", "1"))
	for _, s := range []*side{w.itsp, w.lan} {
		w.must(s.space.Route(netip.MustParsePrefix("0.0.0.0/0"), s.border))
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// told asks the SBC for something, and reads the JSON of its answer.
func (w *world) told(into any, args ...string) {
	w.t.Helper()
	out, err := w.border.run(append(args, "--json")...)
	w.must(err)
	w.must(json.Unmarshal(out, into))
}

// await fails the test unless cond becomes true in time.
func (w *world) await(what string, cond func() bool) {
	w.t.Helper()
	if err := netns.Await(w.ctx, cond); err != nil {
		w.t.Fatalf("waiting for %s: %v", what, err)
	}
}

// start starts a program on a side; its output is shown when the test fails.
func (w *world) start(s *netns.Space, c netns.Command) *netns.Process {
	w.t.Helper()
	p, err := s.Start(c)
	w.must(err)
	w.t.Cleanup(func() {
		p.Kill()
		if w.t.Failed() {
			w.t.Logf("%s in %s: %s\n%s", c.Path, s.Name(), strings.Join(c.Args, " "), p.Output())
		}
	})
	return p
}

// endTime is more than the SBC gives itself to end its calls.
const endTime = 15 * time.Second

// end asks a program to end by SIGTERM and waits until it has.
func (w *world) end(p *netns.Process) error {
	p.Signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	return p.Wait(ctx)
}

// story tells what was on the wires of a test that failed.
func (w *world) story() {
	if !w.t.Failed() {
		return
	}
	for _, s := range []*side{w.itsp, w.lan} {
		if s.seen != nil {
			w.t.Logf("on the wire of %s:\n%s", s.name, ladder(s.messages()))
		}
	}
}
