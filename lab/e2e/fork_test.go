package e2e

import (
	"fmt"
	"testing"

	"sbc/lab/netns"
)

// A proxy behind the SBC forks a call to three phones. The caller sees three
// early dialogs of one call, and one that stays.
func TestForkBelow(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp", "kamailio")
	throughSBC(t)
	for _, c := range []struct {
		name string
		Late bool // two answer
	}{{"one answers", false}, {"two answer", true}} {
		for _, way := range []string{"out", "in"} {
			t.Run(c.name+" "+way, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				caller, callee := w.ends(way)
				var to []string
				parts := []part{{role: "uac", side: caller, port: sipPort + 1, calls: true}}
				for i, role := range []string{"first", "second", "third"} {
					phone := part{role: role, side: callee, port: 5071 + i}
					to = append(to, fmt.Sprintf("sip:%s@%s", role, phone.at()))
					parts = append(parts, phone)
				}
				w.kamailio(callee, to...)
				w.play("forked", caller, c, parts...)
			})
		}
	}
}

// No phone answers: all are busy, or the caller gives up.
func TestForkFails(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp", "kamailio")
	throughSBC(t)
	for _, c := range []struct {
		name   string
		Cancel bool
	}{{"all are busy", false}, {"cancelled", true}} {
		for _, way := range []string{"out", "in"} {
			t.Run(c.name+" "+way, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				caller, callee := w.ends(way)
				one, two := part{role: "first", side: callee, port: 5071}, part{role: "second", side: callee, port: 5072}
				w.kamailio(callee, "sip:one@"+one.at().String(), "sip:two@"+two.at().String())
				w.play("fork_refused", caller, c, one, two, part{role: "uac", side: caller, port: sipPort + 1, calls: true})
			})
		}
	}
}
