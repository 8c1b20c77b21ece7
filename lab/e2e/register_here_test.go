package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sbc/lab/nat"
)

// hereConfig is a town whose phones register with the SBC, and a branch office
// that registers too.
const hereConfig = `
peer "branch" {
  realm     = realm.outside
  domain    = "voice.example"
  registers = true
  user "branch" {
    password = file("{secrets}/branch")
  }
}

endpoints "phones" {
  realm       = realm.outside
  domain      = "voice.example"
  nat_refresh = "15s"
  user "alice" {
    password = file("{secrets}/alice")
  }
  user "bob" {
    password = file("{secrets}/bob")
  }
}

route "phones" {
  from = [endpoints.phones, peer.branch, peer.pbx]
  match { user = "^(alice|bob|carol)$" }
  to = [endpoints.phones]
}
route "branch" {
  from = [endpoints.phones]
  match { user = "^branch" }
  to = [peer.branch]
}
`

// newHere builds a town in which nobody knows of phones but the SBC.
func newHere(t *testing.T) *town {
	t.Helper()
	secrets := t.TempDir()
	for _, user := range []string{"alice", "bob", "branch"} {
		if err := os.WriteFile(filepath.Join(secrets, user), []byte("pw-"+user+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sbc := townSetup(t, "")
	at, end := strings.Index(sbc.text, "endpoints \"phones\""), strings.Index(sbc.text, "store {")
	sbc.text = sbc.text[:at] + strings.ReplaceAll(hereConfig, "{secrets}", secrets) + sbc.text[end:]
	return newTownOf(t, sbc)
}

// Phones behind NATs register with the SBC alone, and call
// each other; a branch office whose address changes does so as well, and is
// called. Who does not know the password is nobody.
func TestRegisterHere(t *testing.T) {
	t.Parallel()
	needsTown(t)
	n := newHere(t)
	alice := n.home(nat.PortRestricted).phone("alice", 1, "udp")
	bob := n.home(nat.Symmetric).phone("bob", 2, "tcp")
	n.call(alice, bob)
	branch := n.home(nat.Masquerade).phone("branch", 3, "udp")
	n.call(branch, bob)
	n.begins(alice, branch)
	n.hangs(alice, branch)
	n.strangers()
	bob.leave()
	n.await("bob to have left", func() bool { return n.binding("bob").State == "" })
	alice.forget()
	alice.dial("bob")
	if why := alice.await("CALL_CLOSED"); !strings.Contains(why, "480") {
		t.Errorf("a call to who has left ends with %q", why)
	}
	if inside := n.lan.seen.Datagrams(); len(inside) != 0 {
		t.Errorf("%d datagrams went to the LAN, which has nothing to do with it", len(inside))
	}
}

// strangers try to register with wrong passwords and as nobody, and are told the
// same.
func (n *town) strangers() {
	n.t.Helper()
	refused := func() int {
		s, err := n.border.status()
		n.must(err)
		return s.Rejects["auth_failed"]
	}
	var tries []int
	for _, user := range []string{"alice", "carol"} {
		space, addr := n.home().host("stranger " + user) // of its own: a baresip tries so often that who is behind it is policed
		at := netip.AddrPortFrom(addr, sipPort)
		account := fmt.Sprintf("<sip:%s@%s>;auth_user=%[1]s;auth_pass=guess;outbound=\"sip:%[3]s\";regint=600\n", user, domain, outsideAddr)
		before := refused()
		p := n.controlled(space, user, at, 9, account)
		n.await(user+" to give up", func() bool { return strings.Contains(p.process.Output(), "401 Unauthorized") })
		if err := n.end(p.process); err != nil {
			n.t.Error(err)
		}
		tries = append(tries, refused()-before)
	}
	if tries[0] == 0 || tries[0] != tries[1] {
		n.t.Errorf("a user with a wrong password tried %d times, nobody %d times", tries[0], tries[1])
	}
}
