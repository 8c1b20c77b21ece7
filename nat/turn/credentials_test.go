package turn

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v2"
)

// Who may use the service, and who gets 401.
func TestCredentials(t *testing.T) {
	o := options(41400)
	o.Secrets = append(o.Secrets, "the-next-secret")
	s := open(t, o)
	now := time.Now()
	for _, c := range []login{
		{"static", "alice", "password", 200},
		{"static, with a colon", "bob", "pass:word", 200},
		{"wrong password", "alice", "Password", 401},
		{"another's password", "alice", "pass:word", 401},
		{"nobody", "mallory", "password", 401},
		{"nobody, in the form of time", "99999999999:mallory", "password", 401},
	} {
		c.check(t, s)
	}
	for _, c := range []struct {
		name, secret, user string
		until              time.Time
		want               int
	}{
		{"timed", secret, "carol", now.Add(time.Hour), 200},
		{"by the next secret", "the-next-secret", "carol", now.Add(time.Hour), 200},
		{"within the skew", secret, "carol", now.Add(-20 * time.Second), 200},
		{"expired", secret, "carol", now.Add(-40 * time.Second), 401},
		{"long ago", secret, "carol", time.Unix(1, 0), 401},
		{"forged", "another-secret", "carol", now.Add(time.Hour), 401},
	} {
		user, password := timed(c.secret, c.user, c.until)
		login{c.name, user, password, c.want}.check(t, s)
	}
	user, _ := timed(secret, "carol", now.Add(time.Hour))
	_, password := timed(secret, "carol", now.Add(2*time.Hour))
	login{"a later expiry with an earlier password", user, password, 401}.check(t, s)
}

type login struct {
	name           string
	user, password string
	want           int
}

func (l login) check(t *testing.T, s *Server) {
	t.Run(l.name, func(t *testing.T) {
		c := dial(t, "udp", s.at("udp"), l.user, l.password)
		m := c.want(l.want, c.do(stun.MethodAllocate, overUDP))
		if l.want == 401 {
			c.learn(m) // RFC 8489 section 9.2.4: with a nonce to try again
			return
		}
		c.want(200, c.do(stun.MethodRefresh, seconds(0)))
	})
}

// The same time-limited user name and password as coturn's tools make.
func TestTimedPassword(t *testing.T) {
	// echo -n 1700000000:alice | openssl dgst -sha1 -hmac north -binary | base64
	if got := timedPassword([]byte("north"), "1700000000:alice"); got != "Cd/49soE35ICqcJF/bCTn8Z4OyE=" {
		t.Errorf("got %s", got)
	}
}

func TestTimedUser(t *testing.T) {
	for _, c := range []struct {
		user, name string
		ok         bool
	}{
		{"1700000000:alice", "alice", true}, {"1700000000:alice:x", "alice:x", true},
		{"1700000000", "1700000000", true}, {"1700000000:", "1700000000:", true},
		{"alice", "", false}, {":alice", "", false}, {"-1:alice", "", false}, {"+1:alice", "", false},
		{"999999999999:alice", "", false}, {"0x10:alice", "", false}, {"1e9:alice", "", false},
	} {
		name, _, ok := timedUser(c.user)
		if ok != c.ok || ok && name != c.name {
			t.Errorf("timedUser(%q) = %q, %v, want %q, %v", c.user, name, ok, c.name, c.ok)
		}
	}
}

// A nonce is good for an hour and one transport address.
func TestNonce(t *testing.T) {
	n := newNonces()
	a, b := netip.MustParseAddrPort("192.0.2.1:1000"), netip.MustParseAddrPort("192.0.2.1:1001")
	now := time.Unix(1e9, 5)
	nonce := n.append(nil, now, a)
	for _, c := range []struct {
		what string
		good bool
		want bool
	}{
		{"now", n.good(nonce, now, a), true},
		{"after 59 minutes", n.good(nonce, now.Add(59*time.Minute), a), true},
		{"after an hour", n.good(nonce, now.Add(time.Hour), a), false},
		{"from another port", n.good(nonce, now, b), false},
		{"of another process", newNonces().good(nonce, now, a), false},
		{"cut", n.good(nonce[1:], now, a), false},
		{"empty", n.good(nil, now, a), false},
		{"with an octet changed", n.good([]byte(strings.ToUpper(string(nonce))), now, a), false},
	} {
		if c.good != c.want {
			t.Errorf("%s: good = %v, want %v", c.what, c.good, c.want)
		}
	}
	if len(nonce) != nonceLen {
		t.Errorf("%d characters, want %d", len(nonce), nonceLen)
	}
}

// A nonce of another client gets 438 and a new one.
func TestStaleNonce(t *testing.T) {
	s := open(t, options(41400))
	a, b := dial(t, "udp", s.at("udp"), "alice", "password"), dial(t, "udp", s.at("udp"), "alice", "password")
	a.allocate()
	b.realm, b.nonce = a.realm, a.nonce
	b.learn(b.want(438, b.do(stun.MethodAllocate, overUDP)))
	b.want(200, b.do(stun.MethodAllocate, overUDP))
}

// All requests of an allocation are by who made it (RFC 8656 section 5).
func TestWrongCredentials(t *testing.T) {
	s := open(t, options(41400))
	c := dial(t, "udp", s.at("udp"), "alice", "password")
	c.allocate()
	c.user, c.password = "bob", "pass:word"
	c.want(441, c.do(stun.MethodRefresh, seconds(0)))
	c.want(441, c.do(stun.MethodCreatePermission, at("127.0.0.2:9")))
	if n := s.refused(Unauthorized); n < 2 {
		t.Errorf("counted %d, want 2 and more", n)
	}
}

// Secrets reach no log.
func TestSecretsAreHidden(t *testing.T) {
	o := options(41400)
	for _, text := range []string{fmt.Sprint(o), fmt.Sprintf("%+v", o), o.LogValue().String()} {
		if strings.Contains(text, secret) || strings.Contains(text, "password") {
			t.Errorf("a secret is in %s", text)
		}
	}
	o.Secrets = append(o.Secrets, "short")
	o.Users["x"] = ""
	if err := o.Check(); err == nil || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "password\"") {
		t.Errorf("the error is %v", err)
	}
	// What is between the processes has them.
	var again Options
	b, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(b, &again)
	}
	if err != nil || again.Secrets[0] != secret || again.Users["alice"] != "password" || again.Relays[0] != o.Relays[0] {
		t.Errorf("read again: %v, %+v", err, again.Relays)
	}
}
