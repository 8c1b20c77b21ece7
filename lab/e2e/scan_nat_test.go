package e2e

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"sbc/lab/nat"
	"sbc/lab/netns"
)

// A scanner behind the NAT of a phone is banned by the address that both have, and
// the phone, which has registered, goes on calling and being called.
func TestBanSparesPhoneBehindTheNAT(t *testing.T) {
	t.Parallel()
	needsTown(t)
	netns.Require(t, "sipp")
	for _, engine := range []string{"tcx", "nftables", "none"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			n := newSiege(t, true, fmt.Sprintf("engine = %q\n  ban_score = 20", engine))
			h := n.home(nat.PortRestricted)
			alice, other := h.phone("alice", 1, "udp"), n.home(nat.Masquerade).phone("150", 2, "tcp")
			space, addr := h.host("scanner")
			s := &stranger{n: n, space: space, addr: addr}
			for tries := 0; n.ban(h.public).Prefix == ""; tries++ {
				conn, err := s.connect()
				if err != nil {
					break
				}
				if _, err := io.WriteString(conn, s.hand(localOf(conn), "TCP", "INVITE", fmt.Sprint("u", tries), outsideAddr.String())); err != nil {
					break
				}
				if tries > 20 {
					t.Fatalf("not banned: %+v", n.source(h.public))
				}
			}
			n.await("the ban", func() bool { return n.ban(h.public).Prefix != "" })
			n.shut(s, engine)
			n.begins(alice, other)
			n.hangs(alice, other)
			n.begins(other, alice)
			n.hangs(alice, other)
			n.shut(s, engine)
			if b := n.ban(h.public); b.Prefix == "" {
				t.Error("the ban is gone")
			}
			if g := n.gate(); engine != "none" && !strings.HasPrefix(g.Engine, engine) {
				t.Errorf("refused by %s", g.Engine)
			}
			n.measured("a phone behind the address that is banned")
		})
	}
}
