package e2e

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// Where the guard only counts, everybody is heard: a scanner under its own name, one
// who is over every share, one who would be banned. What would have happened is
// there to read, and nothing is in the kernel.
func TestModeCount(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	n := newSiege(t, true, "mode = \"count\"\n  source_rate = \"5/s\"\n  ban_score = 20")
	asker := n.stranger("asker")
	conn := asker.udp()
	for i := range 50 {
		agent := []string{"User-Agent: friendly-scanner", "User-Agent: phone"}[i%2]
		text := asker.hand(localOf(conn), "UDP", "REGISTER", fmt.Sprint("u", i), domain, agent)
		if got := asker.ask(conn, text, 10); !strings.HasPrefix(got, "SIP/2.0 401 ") {
			t.Fatalf("request %d: %q", i, got)
		}
	}
	s := n.stranger("scanner")
	stays, err := s.connect()
	n.must(err)
	for i := range 20 {
		_, err := io.WriteString(stays, s.hand(localOf(stays), "TCP", "INVITE", fmt.Sprint("u", i), outsideAddr.String()))
		n.must(err)
	}
	n.await("a ban to be listed", func() bool { return n.ban(s.addr).Prefix != "" })
	again, err := s.connect()
	n.must(err)
	for _, c := range []struct {
		name string
		conn io.Writer
	}{{"the connection that it had", stays}, {"a new connection", again}} {
		if _, err := io.WriteString(c.conn, s.hand(localOf(again), "TCP", "REGISTER", "150", domain)); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if got, _ := heard(again, time.Second); !strings.HasPrefix(got, "SIP/2.0 401 ") {
		t.Errorf("who would be banned hears %q", got)
	}
	g := n.gate()
	for _, cause := range []string{"scanner", "rate", "banned"} {
		if g.Dropped[cause] == 0 {
			t.Errorf("nothing is counted for %q: %v", cause, g.Dropped)
		}
	}
	if left := n.left(); len(left) > 0 || g.Kernel != nil || g.Engine != "none" {
		t.Errorf("in the kernel by %s: %v, %v", g.Engine, left, g.Kernel)
	}
	if about := n.source(s.addr); about.State != "banned" {
		t.Errorf("sbc sources has of it: %+v", about)
	}
	n.measured("counted")
}
