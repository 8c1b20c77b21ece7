package e2e

import (
	"fmt"
	"testing"

	"sbc/lab/netns"
)

// A REFER outside of the call that it is about names the call (RFC 4538), and
// its reader finds it, whatever the Call-ID of the REFER.
func TestTargetDialog(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp")
	throughSBC(t)
	for n := range 4 { // each with a Call-ID of its own
		for _, way := range []string{"out", "in"} {
			t.Run(fmt.Sprint(way, " ", n), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				caller, callee := w.ends(way)
				w.play("target_dialog", caller, nil,
					part{role: "uas", side: callee, port: sipPort, args: []string{"-m", "2"}},
					part{role: "uac", side: caller, port: sipPort + 1, calls: true})
			})
		}
	}
}
