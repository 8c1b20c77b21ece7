package e2e

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/lab/nat"
)

// sbcAt is where the SBC takes SIP from phones.
var sbcAt = netip.AddrPortFrom(outsideAddr, sipPort)

// stranger sends a request to the SBC from the host that nobody has invited, and
// returns the answer's status; 0 if there is none.
func (n *town) stranger(method, uri string, fields ...string) int {
	n.t.Helper()
	return n.ask(n.itsp.space, itspAddr, sbcAt, method, uri, fields...)
}

// What a stranger sends changes nothing for a phone that is registered, even if
// it has read all that the phone wrote.
func TestForgedRegister(t *testing.T) {
	t.Parallel()
	needsTown(t)
	n := newTown(t)
	alice, desk := n.home(nat.PortRestricted).phone("alice", 1, "udp"), n.atDesk(2)
	before, contact := n.binding("alice"), n.pbx.knows(1)[0]
	aor := "<sip:alice@" + domain + ">"
	to := []string{"To: " + aor, "From: " + aor + ";tag=forged"}
	id, credentials := n.overheard()
	for _, c := range []struct {
		name   string
		fields []string
	}{
		{"removed", []string{"Contact: *", "Expires: 0"}},
		{"removed by its contact", []string{"Contact: <" + before.Contact + ">;expires=0"}},
		{"redirected", []string{"Contact: <sip:alice@198.51.100.10>", "Expires: 600"}},
		{"redirected by its Call-ID", []string{"Contact: <" + before.Contact + ">", "Call-ID: " + id, "CSeq: 2000000000 REGISTER"}},
		{"redirected with its credentials", []string{"Contact: <" + before.Contact + ">", "Call-ID: " + id, "CSeq: 2000000001 REGISTER", credentials}},
		{"with another digest", []string{"Contact: <sip:alice@198.51.100.10>", strings.Replace(credentials, "response=\"", "response=\"0", 1)}},
	} {
		status := n.stranger("REGISTER", "sip:"+domain, append(c.fields, to...)...)
		if status != 401 && status != 403 {
			t.Errorf("%s: %d", c.name, status)
		}
		if now := n.binding("alice"); now.Flow != before.Flow || now.Contact != before.Contact || now.State != "reachable" {
			t.Errorf("%s: %+v", c.name, now)
		}
	}
	if now := n.pbx.knows(1)[0]; now != contact {
		t.Errorf("the PBX has the contact %s instead of %s", now, contact)
	}
	n.begins(desk, alice)
	n.hangs(desk, alice)
	n.hidden()
}

// overheard returns the Call-ID and the credentials of the phone's last REGISTER.
func (n *town) overheard() (id, credentials string) {
	n.t.Helper()
	for _, d := range n.itsp.seen.Datagrams() {
		if !bytes.HasPrefix(d.Payload, []byte("REGISTER ")) {
			continue
		}
		for line := range strings.SplitSeq(string(d.Payload), "\r\n") {
			if strings.HasPrefix(line, "Call-ID: ") {
				id = strings.TrimPrefix(line, "Call-ID: ")
			} else if strings.HasPrefix(line, "Authorization: ") {
				credentials = line
			}
		}
	}
	if id == "" || credentials == "" {
		n.t.Fatal("no REGISTER with credentials was seen")
	}
	return id, credentials
}

// Who guesses a token reaches nobody, and who scans hears nothing.
func TestGuessedTokensAndScanners(t *testing.T) {
	t.Parallel()
	needsTown(t)
	n := newTown(t)
	n.home(nat.Masquerade).phone("alice", 1, "udp")
	contact := n.pbx.knows(1)[0]
	token := strings.TrimPrefix(contact[:strings.IndexByte(contact, '@')], "sip:")
	sbc := netip.AddrPortFrom(insideAddr, sipPort)
	for _, guess := range []struct {
		token  string
		status int // 403: it is not written like one, and the PBX calls nobody else
	}{
		{token[:len(token)-1] + other(token[len(token)-1]), 404},
		{other(token[0]) + token[1:], 404},
		{strings.ToUpper(token), 403},
		{token + "2", 403},
	} {
		for _, method := range []string{"INVITE", "OPTIONS", "MESSAGE"} {
			if status := n.ask(n.lan.space, lanAddr, sbc, method, "sip:"+guess.token+"@"+insideAddr.String()); status != guess.status {
				t.Errorf("%s to the guessed token %s of %s: %d", method, guess.token, token, status)
			}
		}
	}
	if s, err := n.border.status(); err != nil || s.Rejects["token"] != 6 {
		t.Errorf("refused: %v, %v", s.Rejects, err)
	}
	n.must(n.itsp.space.AddAddr("eth0", netip.PrefixFrom(itspSecond, 24)))
	for _, scan := range [][]string{
		{"REGISTER", "sip:other.example", "To: <sip:100@other.example>"},
		{"REGISTER", "sip:198.51.100.1", "To: <sip:100@198.51.100.1>"},
		{"REGISTER", "sip:10.77.3.10", "To: <sip:100@10.77.3.10>"},
		{"OPTIONS", "sip:100@198.51.100.1"},
		{"INVITE", "sip:100@198.51.100.1"},
		{"INVITE", "sip:" + token + "@198.51.100.1"},
		{"INVITE", "sip:alice@" + domain},
	} {
		if status := n.scan(scan); status {
			t.Errorf("a scanner heard of us after %q", scan)
		}
	}
	for of, want := range map[string]string{
		itspAddr.String(): "no answer from the border: stranger", lanAddr.String() + "/32": "404 Not Found from the border: token",
	} {
		if out, err := n.border.run("why", of); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("why %s: %v\n%s", of, err, out)
		}
	}
	n.hidden()
}

// other is another character of a token.
func other(c byte) string {
	if c == '2' {
		return "3"
	}
	return "2"
}

// scan sends what a scanner sends, and says whether it was answered at all,
// until what a phone sends after it is.
func (n *town) scan(request []string) (answered bool) {
	n.t.Helper()
	addr, witness := itspAddr, itspSecond
	if request[0] == "INVITE" { // so that neither is policed
		addr, witness = itspSecond, itspAddr
	}
	conn, err := n.itsp.space.ListenUDP(netip.AddrPortFrom(addr, 0))
	n.must(err)
	defer conn.Close()
	n.pbx.calls++
	text := n.text(conn.LocalAddr().String(), request[0], request[1], request[2:]...)
	_, err = conn.WriteToUDPAddrPort([]byte(text), sbcAt)
	n.must(err)
	// What comes after it, for the same shards, is answered after it.
	if status := n.ask(n.itsp.space, witness, sbcAt, "REGISTER", "sip:"+domain, fmt.Sprintf("To: <sip:late%d@%s>", n.pbx.calls, domain)); status != 401 {
		n.t.Errorf("a REGISTER for us: %d", status)
	}
	n.must(conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)))
	_, _, err = conn.ReadFromUDPAddrPort(make([]byte, 2048))
	return err == nil
}

// A flood of REGISTERs for one address-of-record, or from one source, reaches the
// PBX in part only, and others register meanwhile.
func TestRegisterFlood(t *testing.T) {
	t.Parallel()
	needsTown(t)
	const flood = 5000
	for _, c := range []struct {
		name string
		aor  func(i int) string
		most int // REGISTERs that reach the PBX
	}{
		{"one address-of-record", func(int) string { return "mallory" }, 100},
		{"one source", func(i int) string { return fmt.Sprint("m", i) }, 1500},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newTown(t)
			n.must(n.itsp.space.AddAddr("eth0", netip.PrefixFrom(itspSecond, 24)))
			conn, err := n.itsp.space.ListenUDP(netip.AddrPortFrom(itspAddr, 0))
			n.must(err)
			defer conn.Close()
			local := conn.LocalAddr().String()
			for i := range flood {
				n.pbx.calls++
				text := n.text(local, "REGISTER", "sip:"+domain, "To: <sip:"+c.aor(i)+"@"+domain+">")
				_, err := conn.WriteToUDPAddrPort([]byte(text), sbcAt)
				n.must(err)
			}
			began := time.Now()
			n.await("others to be asked who they are", func() bool {
				return n.ask(n.itsp.space, itspSecond, sbcAt, "REGISTER", "sip:"+domain, "To: <sip:bob@"+domain+">") == 401
			})
			t.Logf("others register %v after the flood", time.Since(began).Round(time.Millisecond))
			n.home(nat.PortRestricted).phone("alice", 2, "udp")
			n.pbx.knows(1)
			if there := requests(n.lan.seen.Datagrams(), "REGISTER", lanAddr); there > c.most {
				t.Errorf("%d REGISTERs of %d have reached the PBX", there, flood)
			}
			var s status
			var g gate
			n.await("the count of the refused", func() bool {
				s, err = n.border.status()
				g = n.gate()
				return err == nil && s.Rejects["register_rate"]+int(sum(g.Dropped)+sum(g.Kernel)) > flood/2
			})
			t.Logf("%d REGISTERs at the PBX, refused: %v, unread: %v, in the kernel: %v",
				requests(n.lan.seen.Datagrams(), "REGISTER", lanAddr), s.Rejects, g.Dropped, g.Kernel)
			n.hidden()
		})
	}
}
