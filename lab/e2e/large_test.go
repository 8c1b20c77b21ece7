package e2e

import (
	"strconv"
	"strings"
	"testing"

	"sbc/lab/netns"
)

// Long is text for a message of several frames.
type long struct{ Long string }

// Messages that do not fit into a frame pass as fragments, where TCP has not been
// heard of: RFC 3261 section 18.1.1 would have it that the call fails with a
// neighbour that has no TCP.
func TestLargeMessages(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp", "ip")
	throughSBC(t)
	for _, way := range []string{"out", "in"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.narrow(1500)
			_, callee := w.ends(way)
			w.sipp(way, "large", long{strings.Repeat("blah ", 400)})
			fragments := 0
			for _, d := range callee.seen.Datagrams() {
				if d.Fragment {
					fragments++
				}
			}
			if fragments < 3 {
				t.Errorf("%s has seen %d fragments", callee.name, fragments)
			}
		})
	}
}

// narrow sets how much fits into a frame of the cables.
func (w *world) narrow(mtu int) {
	w.t.Helper()
	for _, c := range []struct {
		space *netns.Space
		name  string
	}{{w.itsp.space, "eth0"}, {w.lan.space, "eth0"}, {w.middle, "eth0"}, {w.middle, "eth1"}} {
		p := w.start(c.space, netns.Command{Path: "ip", Args: []string{"link", "set", "dev", c.name, "mtu", strconv.Itoa(mtu)}})
		w.must(p.Wait(w.ctx))
	}
}
