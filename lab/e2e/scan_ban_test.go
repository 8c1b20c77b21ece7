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

// Who guesses passwords by UDP is told the same of users that are there and of
// those that are not, and is banned after as many tries: the nonce that it returns
// proves where it is.
func TestGuesserByUDPIsBanned(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	n := newSiege(t, true, "ban_score = 20")
	var tries []int
	for _, user := range []string{"150", "151"} {
		s := n.stranger("guesser of " + user)
		conn := s.udp()
		local := localOf(conn)
		answer := s.ask(conn, s.hand(local, "UDP", "REGISTER", user, domain), 10)
		heard := 0
		for ; answer != ""; heard++ {
			if heard > 30 {
				t.Fatalf("not banned after %d tries: %+v", heard, n.source(s.addr))
			}
			if !strings.HasPrefix(answer, "SIP/2.0 401 ") {
				t.Fatalf("a wrong password of %s: %s", user, answer)
			}
			answer = s.ask(conn, s.hand(local, "UDP", "REGISTER", user, domain, guess(answer, user, "sip:"+domain, heard)), 5)
		}
		b := n.ban(s.addr)
		if b.By != "score" || !strings.Contains(b.Offences, "digest failure") {
			t.Errorf("%s: %+v, %+v", user, b, n.source(s.addr))
		}
		tries = append(tries, heard)
	}
	if d := tries[0] - tries[1]; d < -1 || d > 1 { // scores fade while one tries
		t.Errorf("a user that is there could be tried %d times, one that is not %d times", tries[0], tries[1])
	}
	n.measured(fmt.Sprintf("banned after %v tries", tries))
}

// What an asker is told says nothing of who is there: of a domain of ours it is told
// to prove itself, and of anything else it is told nothing.
func TestScannersLearnNothing(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	n := newSiege(t, true, "source_rate = \"1000/s\"\n  weights = { dictionary_user = \"0\", stranger_invite = \"0\", stranger_register = \"0\", stranger_options = \"0\" }")
	s := n.stranger("scanner")
	conn, silent := s.udp(), s.udp()
	for _, method := range []string{"REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE", "MESSAGE", "BYE"} {
		var told []string
		for _, user := range []string{"150", "151"} {
			uri := "sip:" + user + "@" + domain
			if method == "REGISTER" {
				uri = "sip:" + domain
			}
			first := s.ask(conn, s.hand(localOf(conn), "UDP", method, user, domain), 20)
			second := s.ask(conn, s.hand(localOf(conn), "UDP", method, user, domain, guess(first, user, uri, 1)), 20)
			told = append(told, alike(first, user)+alike(second, user))
			for _, host := range []string{outsideAddr.String(), "other.example", lanAddr.String()} {
				_, err := silent.WriteToUDPAddrPort([]byte(s.hand(localOf(silent), "UDP", method, user, host)), sbcAt)
				n.must(err)
			}
		}
		if told[0] != told[1] || told[0] == "" {
			t.Errorf("%s: of one who is there:\n%s\nof one who is not:\n%s", method, told[0], told[1])
		}
	}
	n.await("the strangers to be counted", func() bool {
		st, err := n.border.status()
		return err == nil && st.Rejects["stranger"] >= 36
	})
	if got := s.ask(silent, s.hand(localOf(silent), "UDP", "OPTIONS", "150", "other.example"), 1); got != "" {
		t.Errorf("who asks for another domain hears %s", got)
	}
	n.must(silent.SetReadDeadline(time.Now().Add(50 * time.Millisecond)))
	got := make([]byte, 4096)
	if size, _, err := silent.ReadFromUDPAddrPort(got); err == nil {
		t.Errorf("who asks for another domain hears %s", got[:size])
	}
}
