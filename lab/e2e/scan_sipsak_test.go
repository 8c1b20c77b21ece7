package e2e

import (
	"fmt"
	"strings"
	"testing"

	"sbc/lab/netns"
)

// sipsak's own modes: it asks, traces, registers, sends itself calls and messages,
// trashes requests and floods, and never hears that somebody is there.
func TestSipsak(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	netns.Require(t, "sipsak")
	for _, c := range []struct {
		name   string
		phones bool
	}{{"phones", true}, {"no phones", false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newSiege(t, c.phones, "")
			s := n.stranger("scanner")
			seen := s.watched()
			goesOn := n.load(scannersRate, 4)
			at := "sip:{user}@" + outsideAddr.String()
			var tools []tool
			for _, args := range []string{
				"-s " + at,
				"-T -s " + at,
				"-U -x 60 -C sip:150@198.51.100.99 -s " + at,
				"-U -x 60 -C sip:150@198.51.100.99 -a guess -s " + at,
				"-U -I -b 100 -e 104 -s sip:1@" + outsideAddr.String(),
				"-M -B hello -s " + at,
				"-R -t 20 -s " + at,
			} {
				for _, user := range []string{"150", "151"} {
					line := "--timer-t1=100 -D 4 -vv " + strings.ReplaceAll(args, "{user}", user)
					tools = append(tools, tool{name: "sipsak", args: strings.Fields(line), found: "SIP/2.0 200"})
				}
			}
			n.harmless(s, tools)
			flood := n.stranger("flooder")
			n.harmless(flood, []tool{{name: "sipsak", args: []string{"-F", "-e", "5000", "-s", "sip:150@" + outsideAddr.String()}}})
			goesOn()
			if got := statuses(seen()); len(got) > 0 {
				t.Errorf("sipsak was told %v", got)
			}
			about := n.source(s.addr)
			if !strings.Contains(about.Fingerprint, "sipsak") || about.State == "known" || !strings.Contains(about.Offences, "tool") {
				t.Errorf("sbc sources has of it: %+v", about)
			}
			n.measured(fmt.Sprintf("%+v; the flood: %+v", about, n.source(flood.addr)))
		})
	}
}
