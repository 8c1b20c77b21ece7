package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	"sbc/lab/nat"
)

// A phone whose NAT forgets it after 20 s without a packet of its own, and which
// registers every five minutes only, is there for a call after more than two of
// these times; after three minutes where SBC_LONG is set. What keeps it are the
// requests that it answers.
func TestPhoneBehindImpatientNAT(t *testing.T) {
	t.Parallel()
	needsTown(t)
	quiet := 42 * time.Second
	if os.Getenv("SBC_LONG") != "" {
		quiet = 3 * time.Minute
	}
	n := newTownOf(t, townSetup(t, `nat_refresh = "5m"`))
	var cancel context.CancelFunc
	n.ctx, cancel = context.WithTimeout(context.Background(), quiet+testTime)
	t.Cleanup(cancel)
	alice, desk := n.home(nat.Impatient).phone("alice", 1, "udp"), n.atDesk(2)
	began := time.Now()
	n.await("the time to pass", func() bool { return time.Since(began) > quiet })
	if there := requests(n.itsp.seen.Datagrams(), "REGISTER", outsideAddr); there != 2 {
		t.Errorf("the phone has registered in the meantime: %d REGISTERs", there)
	}
	if r := n.binding("alice"); r.State != "reachable" || r.Interval == 0 || r.Interval > 20 {
		t.Errorf("after %v: %+v", quiet, r)
	}
	n.begins(desk, alice)
	n.hangs(desk, alice)
	n.hidden()
}
