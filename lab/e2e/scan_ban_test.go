package e2e

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A scanner that connects, and says nothing of itself, is banned after a handful
// of tries: the kernel drops its packets, so that it cannot even connect, until
// the operator lets it in again. By each engine, and by the border alone.
func TestScannerByTCPIsBanned(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	for _, engine := range []string{"tcx", "nftables", "none"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			n := newSiege(t, true, fmt.Sprintf("engine = %q\n  ban_score = 20", engine))
			s := n.stranger("scanner")
			early, err := s.connect() // which outlives the ban
			n.must(err)
			tries := 0
			for ; n.ban(s.addr).Prefix == ""; tries++ {
				if tries == 20 {
					t.Fatalf("not banned after %d tries: %+v", tries, n.source(s.addr))
				}
				conn, err := s.connect()
				if err != nil { // the last try was one too many
					break
				}
				method := []string{"REGISTER", "INVITE"}[tries%2]
				_, err = io.WriteString(conn, s.hand(localOf(conn), "TCP", method, fmt.Sprint("u", tries), outsideAddr.String()))
				if err != nil {
					break
				}
				if got, _ := heard(conn, 20*time.Millisecond); got != "" {
					t.Fatalf("a stranger heard %q", got)
				}
			}
			n.await("the ban", func() bool { return n.ban(s.addr).Prefix != "" })
			b := n.ban(s.addr)
			if b.By != "score" || b.Times != 1 || !strings.Contains(b.Offences, "stranger INVITE") || !strings.Contains(b.Offences, "stranger REGISTER") {
				t.Errorf("%+v", b)
			}
			n.shut(s, engine)
			_, _ = io.WriteString(early, s.hand(localOf(early), "TCP", "OPTIONS", "u", outsideAddr.String()))
			if engine == "none" {
				if got, ended := heard(early, time.Second); got != "" || !ended {
					t.Errorf("the connection that it had: %q, ended: %v", got, ended)
				}
			}
			if out, err := n.border.run("unban", s.addr.String()); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			n.await("the scanner to be let in", func() bool {
				conn, err := s.connect()
				if err != nil {
					return false
				}
				_, ended := heard(conn, 50*time.Millisecond)
				return !ended
			})
			n.measured(fmt.Sprintf("banned after %d tries", tries))
		})
	}
}

func localOf(conn net.Conn) netip.AddrPort {
	return netip.MustParseAddrPort(conn.LocalAddr().String())
}

// shut waits until a stranger that is banned cannot connect, and fails the test
// unless the engine has counted why.
func (n *siege) shut(s *stranger, engine string) {
	n.t.Helper()
	n.await("the scanner to be shut out", func() bool {
		conn, err := s.connect()
		if err != nil {
			return true
		}
		_, ended := heard(conn, 100*time.Millisecond)
		return ended
	})
	g := n.gate()
	if engine == "none" {
		if g.Dropped["banned"] == 0 {
			n.t.Errorf("the border counts %v", g.Dropped)
		}
	} else if g.Kernel["banned"] == 0 || !strings.HasPrefix(g.Engine, engine) {
		n.t.Errorf("the kernel counts %v by %s", g.Kernel, g.Engine)
	}
	if g.Bans != 1 {
		n.t.Errorf("%d bans", g.Bans)
	}
}
