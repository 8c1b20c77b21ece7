package public

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"sbc/lab/nat"
	"sbc/lab/netns"
)

// home is our host behind a router with miniupnpd, and somebody outside. The
// public addresses are not those for documentation: with these miniupnpd maps
// nothing.
type home struct {
	t             *testing.T
	net           *netns.Switch
	router        *netns.Router
	upnpd         *netns.Process
	host, outside *netns.Space
}

var (
	atHome   = netip.MustParseAddr("192.168.7.2")
	public1  = netip.MustParseAddr("5.9.1.1")
	public2  = netip.MustParseAddr("5.9.1.77")
	stranger = netip.MustParseAddr("5.9.1.2")
)

func newHome(t *testing.T, at netip.Addr) *home {
	t.Helper()
	netns.Require(t, "root", "miniupnpd")
	h := &home{t: t}
	var err error
	h.net, err = netns.NewSwitch("internet")
	must(t, err)
	t.Cleanup(h.net.Close)
	h.router, err = netns.NewRouter("router", netns.RouterOptions{Kind: nat.Masquerade, Uplink: h.net,
		Inside: netip.MustParsePrefix("192.168.7.1/24"), Outside: netip.PrefixFrom(at, 24)})
	must(t, err)
	t.Cleanup(h.router.Close)
	h.host, h.outside = space(t, "host"), space(t, "outside")
	must(t, h.router.Plug(netns.End{Space: h.host, Interface: "eth0", Addr: netip.PrefixFrom(atHome, 24)}))
	must(t, h.net.Plug(netns.End{Space: h.outside, Interface: "eth0", Addr: netip.PrefixFrom(stranger, 24)}))
	h.serve()
	return h
}

func space(t *testing.T, name string) *netns.Space {
	t.Helper()
	s, err := netns.New(name)
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// serve starts the router's daemon.
func (h *home) serve() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	p, err := h.router.ServeUPnP(ctx)
	must(h.t, err)
	h.upnpd = p
	h.t.Cleanup(func() {
		if h.t.Failed() {
			out := p.Output()
			h.t.Log(out[max(0, len(out)-2000):])
		}
	})
}

// reached reports whether a datagram from outside to a public port comes to a
// port of the host.
func (h *home) reached(public netip.AddrPort, port uint16) bool {
	h.t.Helper()
	in, err := h.host.ListenUDP(netip.AddrPortFrom(atHome, port))
	must(h.t, err)
	defer in.Close()
	out, err := h.outside.ListenUDP(netip.AddrPortFrom(stranger, 0))
	must(h.t, err)
	defer out.Close()
	_, err = out.WriteToUDPAddrPort([]byte("hello"), public)
	must(h.t, err)
	must(h.t, in.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
	b := make([]byte, 10)
	n, err := in.Read(b)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		h.t.Fatal(err)
	}
	return string(b[:n]) == "hello"
}

var sip5060 = Port{UDP, 5060}

// mapped is a state in which everything is mapped.
func mapped(s State) bool {
	for _, k := range []Known{s.Signaling, s.Media} {
		for _, m := range k.Mappings {
			if m.External == 0 {
				return false
			}
		}
	}
	return s.Signaling.Addr.IsValid() && s.Media.Addr.IsValid()
}

func TestRouterIsAskedAndMapsAndForgets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ asked, used Method }{{Auto, PCP}, {PCP, PCP}, {NATPMP, NATPMP}, {UPnP, UPnP}} {
		t.Run(string(c.asked), func(t *testing.T) {
			t.Parallel()
			h := newHome(t, public1)
			w := watchIn(t, h.host, script{Local: atHome, Signaling: Source{Method: c.asked},
				Ports: []Port{sip5060, {TCP, 5060}}, MediaPorts: Range{30000, 30003}})
			s := w.await(true, "all mapped", mapped)
			for _, k := range []Known{s.Signaling, s.Media} {
				if k.Addr != public1 || k.Method != c.used || k.Err != "" || len(k.Tried) != 0 {
					t.Errorf("known: %+v", k)
				}
			}
			if n := len(s.Media.Mappings); n != 4 {
				t.Errorf("%d ports of media are mapped", n)
			}
			if !h.reached(netip.AddrPortFrom(public1, s.Signaling.Port(sip5060)), 5060) {
				t.Error("signaling is not reached from outside")
			}
			if !h.reached(netip.AddrPortFrom(public1, 30002), 30002) {
				t.Error("media is not reached from outside")
			}
			w.close()
			for _, port := range []uint16{5060, 30002} {
				if h.reached(netip.AddrPortFrom(public1, port), port) {
					t.Errorf("port %d is still open after Close", port)
				}
			}
		})
	}
}

func TestRouterChangesItsAddress(t *testing.T) {
	t.Parallel()
	for _, m := range []Method{PCP, NATPMP, UPnP} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			h := newHome(t, public1)
			w := watchIn(t, h.host, script{Local: atHome, Signaling: Source{Method: m}, Ports: []Port{sip5060}})
			w.await(true, "all mapped", mapped)
			must(t, h.router.SetPublic(public2))
			s := w.await(true, "the new address", func(s State) bool { return s.Signaling.Addr == public2 })
			if s.Media.Addr != public2 {
				t.Errorf("media: %v", s.Media.Addr)
			}
			w.await(false, "all mapped", mapped)
			if !h.reached(netip.AddrPortFrom(public2, 5060), 5060) {
				t.Error("not reached at the new address")
			}
			w.close()
		})
	}
}

func TestRouterThatStartedAgainIsAskedAnew(t *testing.T) {
	t.Parallel()
	for _, m := range []Method{Auto, PCP, NATPMP, UPnP} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			h := newHome(t, public1)
			w := watchIn(t, h.host, script{Local: atHome, Signaling: Source{Method: m}, Ports: []Port{sip5060}})
			first := w.await(true, "all mapped", mapped)
			h.upnpd.Kill()
			w.await(false, "an error", func(s State) bool { return s.Signaling.Err != "" && s.Signaling.Addr == public1 })
			h.serve() // with empty tables
			w.await(false, "made anew", func(s State) bool {
				return s.Signaling.Err == "" && mapped(s) && s.Signaling.Mappings[0].Until.After(first.Signaling.Mappings[0].Until)
			})
			if !h.reached(netip.AddrPortFrom(public1, 5060), 5060) {
				t.Error("not reached after the router has started again")
			}
			w.close()
		})
	}
}

// A daemon that takes the age of its host for its epoch, as miniupnpd can,
// forgets without a word.
func TestRouterThatForgetsBetweenTwoQuestions(t *testing.T) {
	t.Parallel()
	for _, m := range []Method{PCP, NATPMP, UPnP} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			h := newHome(t, public1)
			w := watchIn(t, h.host, script{Local: atHome, Signaling: Source{Method: m}, Ports: []Port{sip5060, {UDP, 5062}}, Every: time.Second})
			w.await(true, "all mapped", mapped)
			h.upnpd.Kill()
			h.serve() // with empty tables
			eventually(t, "both ports open again", func() bool {
				return h.reached(netip.AddrPortFrom(public1, 5060), 5060) && h.reached(netip.AddrPortFrom(public1, 5062), 5062)
			})
			w.close()
		})
	}
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if netns.Await(ctx, cond) != nil {
		t.Fatal("never: " + what)
	}
}

func TestRouterThatIsBehindANATIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at  string
		why string
	}{
		{"100.64.3.4", "shared"},
		{"10.1.2.3", "private"},
	} {
		t.Run(c.at, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, netip.MustParseAddr(c.at))
			w := watchIn(t, h.host, script{Local: atHome, Signaling: Source{Method: Auto}, Ports: []Port{sip5060}})
			s := w.await(false, "an error", func(s State) bool { return s.Signaling.Err != "" })
			if s.Signaling.Addr.IsValid() || len(s.Signaling.Tried) != 3 {
				t.Errorf("known: %+v", s.Signaling)
			}
			t.Log(strings.Join(s.Signaling.Lines(time.Now()), "\n"))
			w.close()
		})
	}
}
