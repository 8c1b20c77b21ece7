package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sbc/lab/nat"
	"sbc/lab/netns"
)

// The addresses of an SBC behind a router. The public ones are none of those
// for documentation, for which no router maps a port.
var (
	publicAddr    = netip.MustParseAddr("5.9.1.1")
	publicSecond  = netip.MustParseAddr("5.9.1.2")
	publicCaller  = netip.MustParseAddr("5.9.1.20")
	behindRouter  = netip.MustParseAddr("192.168.100.2")
	routersInside = netip.MustParsePrefix("192.168.100.1/24")
)

const publicConfig = `
realm "outside" {
  address = "192.168.100.2"
  listen "udp" {}
  advertise {
    signaling = "auto"
  }
  media {
    ports = "20000-20063"
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

peer "itsp" {
  realm  = realm.outside
  target = "sip:5.9.1.20"
}

peer "pbx" {
  realm  = realm.inside
  target = "sip:10.77.3.10"
}

route "in" {
  from = [peer.itsp]
  to   = [peer.pbx]
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

// learnTime is how long a new address may take: a router is asked every 30 s, and
// for 64 ports.
const learnTime = 50 * time.Second

// An SBC behind a router learns from it by what address it is known, and is
// called by it. When the router gets another one, whoever talks hears the other
// again, and calls come in by the new one.
func TestBehindRouter(t *testing.T) {
	t.Parallel()
	needsTown(t)
	netns.Require(t, "miniupnpd", "ip")
	n := buildTown(t)
	var cancel context.CancelFunc
	n.ctx, cancel = context.WithTimeout(context.Background(), 3*testTime)
	t.Cleanup(cancel)
	n.voices = 100 // of which most is waiting
	router := n.behindRouter()
	n.border = n.startBorder(setup{text: strings.ReplaceAll(publicConfig, "{state}", filepath.Join(t.TempDir(), "state.db"))})
	caller, desk := n.publicCaller(), n.atDesk(2)
	n.known(publicAddr)
	n.await("all questions to be asked", func() bool {
		n.border.sockets, _ = n.middle.Sockets()
		return len(n.border.sockets) == 2
	})
	n.call(caller, desk)

	n.begins(caller, desk)
	n.hears(n.lan, insideAddr, desk.addr)
	n.moves(router, caller)
	if took := n.known(publicSecond); took > learnTime {
		t.Errorf("the new address was known after %v", took)
	}
	n.hears(n.lan, insideAddr, desk.addr)
	n.hears(n.itsp, behindRouter, publicCaller)
	n.hangs(desk, caller)
	caller.leave()

	n.call(n.callerAt(caller, publicSecond), desk)
	n.hiddenAll([]netip.Addr{lanAddr, lanSecond, insideAddr, behindRouter, routersInside.Addr()},
		[]netip.Addr{publicAddr, publicSecond, publicCaller, behindRouter})

	if n.mapped(router) == 0 {
		t.Error("the router maps no ports")
	}
	n.border.settle()
	n.border.process.Signal(syscall.SIGTERM)
	n.must(n.border.process.Wait(n.ctx))
	n.border.ended = true
	// What a router that is too slow still has, the border has told. One more may
	// have been on its way.
	told := func(left int) bool {
		return strings.Contains(n.border.process.Output(), fmt.Sprintf("mappings=%d ", left))
	}
	if left := n.mapped(router); left > 0 && !told(left) && !told(left+1) {
		t.Errorf("the SBC has ended, and the router still maps %d ports:\n%s", left, n.border.process.Output())
	}
}

// mapped returns how many ports the router maps on request.
func (n *town) mapped(router *netns.Router) int {
	n.t.Helper()
	nft := n.start(router.Space(), netns.Command{Path: "nft", Args: []string{"list", "table", "inet", "upnp"}})
	n.must(nft.Wait(n.ctx))
	return strings.Count(nft.Output(), "dnat ")
}

// behindRouter puts the SBC behind a router that maps ports on request.
func (n *town) behindRouter() *netns.Router {
	n.t.Helper()
	router, err := netns.NewRouter("router", netns.RouterOptions{Kind: nat.Masquerade, Uplink: n.internet,
		Inside: routersInside, Outside: netip.PrefixFrom(publicAddr, 24)})
	n.must(err)
	n.t.Cleanup(router.Close)
	upnp, err := router.ServeUPnP(n.ctx)
	n.must(err)
	n.t.Cleanup(func() {
		if n.t.Failed() {
			n.t.Logf("miniupnpd: %s", upnp.Output())
		}
	})
	n.must(router.Plug(netns.End{Space: n.middle, Interface: "eth0", Addr: netip.PrefixFrom(behindRouter, 24)}))
	n.itsp.border, n.itsp.seen = behindRouter, n.capture("eth0")
	n.itsp.addr = behindRouter.Next()
	n.itsp.space = n.host(router, "neighbour", n.itsp.addr)
	n.pbx = n.startPBX()
	return router
}

// moves gives the router another address. The one that it had before is nobody's
// then: without that the caller would go on sending to the router, by the
// hardware address that it knows, and the router would forward it.
func (n *town) moves(router *netns.Router, caller *homePhone) {
	n.t.Helper()
	ip := n.start(caller.space, netns.Command{Path: "ip", Args: []string{"neigh", "replace", publicAddr.String(),
		"lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "permanent"}})
	n.must(ip.Wait(n.ctx))
	n.must(router.SetPublic(publicSecond))
}

// publicCaller starts the phone of the ITSP.
func (n *town) publicCaller() *homePhone {
	n.t.Helper()
	return n.callerAt(&homePhone{space: n.host(n.internet, "caller", publicCaller)}, publicAddr)
}

// callerAt starts the phone of the ITSP, where it was before, for calls to an
// address.
func (n *town) callerAt(before *homePhone, to netip.Addr) *homePhone {
	n.t.Helper()
	account := fmt.Sprintf("<sip:caller@%s>;auth_user=caller;auth_pass=pw-caller;outbound=\"sip:%s\";regint=0;answermode=auto;audio_codecs=PCMA/8000/1\n", domain, to)
	return n.controlled(before.space, "caller", netip.AddrPortFrom(publicCaller, sipPort), 1, account)
}

// known waits until `sbc status` says that an address is ours, for signaling and
// for media, and returns how long that took.
func (n *town) known(addr netip.Addr) (took time.Duration) {
	n.t.Helper()
	var lines []string
	began := time.Now()
	n.t.Cleanup(func() {
		if n.t.Failed() {
			n.t.Logf("what was known of %s: %q", addr, lines)
		}
	})
	n.await("the SBC to know "+addr.String(), func() bool {
		out, err := n.border.run("status")
		n.must(err)
		lines = nil
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "  outside ") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		for _, what := range []string{"signaling", "media"} {
			if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "outside "+what+": "+addr.String()) }) {
				return false
			}
		}
		return true
	})
	return time.Since(began)
}

// hears waits until fifty packets of media went one way from now on.
func (n *town) hears(s *side, from, to netip.Addr) {
	n.t.Helper()
	count := func() (k int) {
		for _, d := range s.seen.Datagrams() {
			if d.Src.Addr() == from && d.Dst.Addr() == to && !isSIP(d.Payload) {
				k++
			}
		}
		return k
	}
	before := count()
	n.t.Cleanup(func() {
		if n.t.Failed() {
			n.t.Logf("media on the wire of %s:\n%s", s.name, mediaFlows(s.seen.Datagrams()))
		}
	})
	n.await(fmt.Sprintf("media from %s to %s", from, to), func() bool { return count() >= before+50 })
}

// mediaFlows lists who sent media to whom, and from when to when.
func mediaFlows(ds []netns.Datagram) string {
	type way struct{ src, dst netip.AddrPort }
	first, last, count := map[way]time.Duration{}, map[way]time.Duration{}, map[way]int{}
	var order []way
	for _, d := range ds {
		w := way{d.Src, d.Dst}
		if isSIP(d.Payload) {
			continue
		}
		if count[w]++; count[w] == 1 {
			first[w] = d.At
			order = append(order, w)
		}
		last[w] = d.At
	}
	var b strings.Builder
	for _, w := range order {
		if count[w] > 2 {
			fmt.Fprintf(&b, "%s → %s: %d from %v to %v\n", w.src, w.dst, count[w], first[w], last[w])
		}
	}
	return b.String()
}
