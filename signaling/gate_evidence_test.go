package signaling

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/firewall"
	"sbc/policy"
)

// guardedBy gives a world a guard.
func guardedBy(t *testing.T) (*firewall.Guard, func(*Options, *policy.Options)) {
	o := firewall.Defaults()
	o.Start, o.Log = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), slog.New(slog.NewTextHandler(io.Discard, nil))
	g, err := firewall.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g, func(o *Options, _ *policy.Options) { o.guard = g }
}

// sure returns the score that a source has for what is proven, and its state.
func sure(g *firewall.Guard, now time.Duration, src netip.Addr) (float64, firewall.State) {
	for _, s := range g.Sources(now) {
		if s.Prefix.Contains(src) {
			return s.Sure, s.State
		}
	}
	return 0, firewall.IsUnknown
}

// Who tries passwords at the PBX behind is known by the challenges that it answers,
// and banned in the end; who only sends credentials is not: they may be forged.
func TestPasswordsTriedAtThePBX(t *testing.T) {
	for _, answers := range []bool{true, false} {
		g, with := guardedBy(t)
		w := newPhones(t, with)
		tries := 0
		for ; tries < 200; tries++ {
			nonce := "guess"
			if answers {
				reg := w.want(w.send(phoneAddr, register(fmt.Sprint("a", tries), fmt.Sprint(2*tries+1), "")), "a REGISTER")[0]
				nonce = fmt.Sprint("nonce", tries)
				w.want(w.send(pbxAddr, respond(reg, 401, "WWW-Authenticate: Digest realm=\"pbx\", nonce=\""+nonce+"\"\n", "")), "b 401")
			}
			digest := fmt.Sprintf("Authorization: Digest username=\"100\", realm=\"pbx\", nonce=\"%s\", uri=\"sip:voice.example\", response=\"%032d\"\n", nonce, tries)
			out := w.send(phoneAddr, register(fmt.Sprint("b", tries), fmt.Sprint(2*tries+2), digest))
			if len(out) != 1 || out[0].label() != "REGISTER" {
				break // its rate
			}
			w.send(pbxAddr, respond(out[0], 401, "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"next"+fmt.Sprint(tries)+"\"\n", ""))
			w.wait(2 * time.Second)
			if _, state := sure(g, w.now, phoneAddr.Addr()); state == firewall.IsBanned {
				break
			}
			if len(g.Bans(w.now)) > 0 {
				break
			}
		}
		if banned := len(g.Bans(w.now)) == 1; banned != answers {
			t.Errorf("it answers challenges: %t; after %d tries banned: %t", answers, tries, banned)
		}
	}
}

// A PBX that says that only the nonce was old blames nobody.
func TestStaleIsNoFailure(t *testing.T) {
	g, with := guardedBy(t)
	w := newPhones(t, with)
	for n := range 5 {
		reg := w.want(w.send(phoneAddr, register(fmt.Sprint("a", n), fmt.Sprint(2*n+1), "")), "a REGISTER")[0]
		w.send(pbxAddr, respond(reg, 401, "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\"\n", ""))
		digest := "Authorization: Digest username=\"100\", realm=\"pbx\", nonce=\"n\", uri=\"sip:voice.example\", response=\"00\"\n"
		out := w.want(w.send(phoneAddr, register(fmt.Sprint("b", n), fmt.Sprint(2*n+2), digest)), "a REGISTER")[0]
		w.send(pbxAddr, respond(out, 401, "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"m\", stale=TRUE\n", ""))
		w.wait(5 * time.Second)
	}
	if score, _ := sure(g, w.now, phoneAddr.Addr()); score != 0 {
		t.Errorf("a score of %v", score)
	}
}

// What strangers do is scored, by cause; nobody is banned by datagrams that anybody
// could have sent.
func TestStrangersAreScored(t *testing.T) {
	g, with := guardedBy(t)
	w := newHere(t, with)
	src := netip.MustParseAddrPort("198.51.100.200:5060")
	for n := range 500 {
		w.want(w.send(src, strings.NewReplacer("secret-call", fmt.Sprint("s", n), "pbxone", fmt.Sprint("s", n), "User-Agent: OfficePBX", "User-Agent: friendly-scanner").Replace(invite)), "")
	}
	if len(g.Bans(w.now)) != 0 {
		t.Error("forged datagrams have banned somebody")
	}
	list := g.Sources(w.now)
	if len(list) != 1 || list[0].State != firewall.IsPoliced || list[0].Sure != 0 || !strings.Contains(list[0].Fingerprint, "friendly-scanner") {
		t.Errorf("%+v", list)
	}
	// Wrong passwords for our own challenges are proven.
	a := &agent{w: w, at: src, user: "100", pass: "wrong"}
	for range 60 {
		a.sends("REGISTER", "sip:voice.example", "100", "100", "", "")
	}
	if len(g.Bans(w.now)) != 1 {
		t.Errorf("after 60 wrong passwords: %+v", g.Sources(w.now))
	}
}
