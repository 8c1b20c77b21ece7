package e2e

import (
	"testing"
	"time"

	"sbc/lab/nat"
	"sbc/lab/netns"
)

// The connection of a phone is reset: nobody can call it, which is heard at
// once, until it connects anew.
func TestConnectionOfPhoneBreaks(t *testing.T) {
	t.Parallel()
	needsTown(t)
	netns.Require(t, "ss")
	for _, row := range []struct {
		name string
		kind nat.Kind
	}{{"masquerade", nat.Masquerade}, {"symmetric", nat.Symmetric}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			n := newTown(t)
			alice, desk := n.home(row.kind).phone("alice", 1, "tcp"), n.atDesk(2)
			n.call(desk, alice)
			alice.reset()
			n.await("the reset", func() bool { return n.binding("alice").State == "unreachable" })
			for _, method := range []string{"INVITE", "OPTIONS"} {
				n.away(method)
			}
			n.await("the phone to connect", func() bool { return n.binding("alice").State == "reachable" })
			n.begins(desk, alice)
			n.hangs(desk, alice)
			n.hidden()
		})
	}
}

// A router that restarts knows no connection, and says so to the first packet
// that comes by one: that is the call that is lost.
func TestRouterOfPhoneRestarts(t *testing.T) {
	t.Parallel()
	needsTown(t)
	n := newTown(t)
	h := n.home(nat.Symmetric)
	h.phone("alice", 1, "tcp")
	n.must(h.router.Reboot())
	n.away("INVITE")
	if r := n.binding("alice"); r.State != "unreachable" {
		t.Errorf("whose connection broke: %+v", r)
	}
	n.away("OPTIONS")
	n.hidden()
}

// reset ends the phone's connection to the SBC as a router would that sends a
// reset to both ends.
func (p *homePhone) reset() {
	p.n.t.Helper()
	ss := p.n.start(p.space, netns.Command{Path: "ss", Args: []string{"-K", "dst", outsideAddr.String()}})
	p.n.must(ss.Wait(p.n.ctx))
}

// away fails the test unless the caller of a phone hears at once that nobody is
// there.
func (n *town) away(method string) {
	n.t.Helper()
	began := time.Now()
	if status := n.asksPBX(method, "alice"); status != 480 {
		n.t.Errorf("%s for a phone whose connection broke: %d", method, status)
	}
	if took := time.Since(began); took > 10*time.Second {
		n.t.Errorf("%s for a phone whose connection broke: answered after %v", method, took)
	}
}
