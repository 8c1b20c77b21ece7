package e2e

import (
	"testing"

	"sbc/lab/netns"
)

// transfer is what the transfers of testdata/sipp want to know.
type transfer struct {
	By     string // the role that transfers
	Role   string // the role in hand
	Fails  bool   // the target is busy
	Leaves bool   // the transferor hangs up when it has the first NOTIFY
}

// As is the transfer from the view of a role.
func (t transfer) As(role string) transfer { t.Role = role; return t }

// Home returns what is of the transferor's side, Far what is of the other.
func (t transfer) Home(near, far string) string {
	if t.By == "uac" {
		return near
	}
	return far
}

// Far returns what is of the side of the one that is transferred.
func (t transfer) Far(near, far string) string { return t.Home(far, near) }

// Outcome is what the transferor is told in the end.
func (t transfer) Outcome() string {
	if t.Fails {
		return "SIP/2.0 486 Busy Here"
	}
	return "SIP/2.0 200 OK"
}

// sides returns the side of the transferor and that of the one that is
// transferred.
func (t transfer) sides(caller, callee *side) (transferor, transferee *side) {
	if t.By == "uac" {
		return caller, callee
	}
	return callee, caller
}

var transfers = []struct {
	name string
	transfer
}{
	{"caller", transfer{By: "uac"}},
	{"caller, who leaves", transfer{By: "uac", Leaves: true}},
	{"caller, to one that is busy", transfer{By: "uac", Fails: true}},
	{"callee", transfer{By: "uas"}},
	{"callee, who leaves", transfer{By: "uas", Leaves: true}},
	{"callee, to one that is busy", transfer{By: "uas", Fails: true}},
}

// The target is on the side of the one that transfers: the new call crosses
// the border again.
func TestBlindTransfer(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp")
	throughSBC(t)
	for _, c := range transfers {
		for _, way := range []string{"out", "in"} {
			t.Run(c.name+" "+way, func(t *testing.T) {
				t.Parallel()
				w := newWorldOf(t, second(standard))
				caller, callee := w.ends(way)
				home, _ := c.sides(caller, callee)
				w.play("blind_transfer", caller, c.transfer,
					part{role: "uas", side: callee, port: sipPort},
					part{role: "charlie", side: home, addr: home.second, port: sipPort},
					part{role: "uac", side: caller, port: sipPort + 1, calls: true})
			})
		}
	}
}

// Both calls of the transferor cross the border; the one that joins the other
// two stays on their side, through the SBC.
func TestAttendedTransfer(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp")
	throughSBC(t)
	for _, c := range transfers {
		for _, way := range []string{"out", "in"} {
			if c.Leaves {
				continue
			}
			t.Run(c.name+" "+way, func(t *testing.T) {
				t.Parallel()
				w := newWorldOf(t, second(standard))
				caller, callee := w.ends(way)
				_, away := c.sides(caller, callee)
				plain := []string{"-cid_str", "%u-%p-%s"}
				w.play("attended_transfer", caller, c.transfer,
					part{role: "uas", side: callee, port: sipPort},
					part{role: "charlie", side: away, addr: away.second, port: sipPort, args: []string{"-m", "2"}},
					part{role: "uac", side: caller, port: sipPort + 1, calls: true, args: plain})
			})
		}
	}
}

// The call that is replaced is one that the border has no part in.
func TestTransferOfLocalCall(t *testing.T) {
	bothWays(t, func(t *testing.T, w *world, caller, callee *side) {
		w.play("local_transfer", caller, nil,
			part{role: "uas", side: callee, port: sipPort},
			part{role: "charlie", side: caller, port: sipPort},
			part{role: "uac", side: caller, port: sipPort + 1, calls: true})
	})
}

// A call that rings on the other side is picked up by the name that the busy
// lamp has told.
func TestPickup(t *testing.T) {
	bothWays(t, func(t *testing.T, w *world, caller, callee *side) {
		w.play("pickup", caller, nil,
			part{role: "uas", side: callee, port: sipPort, args: []string{"-m", "2"}},
			part{role: "uac", side: caller, port: sipPort + 1, calls: true})
	})
}
