package console

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/firewall"
	"sbc/signaling"
)

// What is dropped unread is in no list of refusals: that somebody is banned or
// policed, why, and what helps, is said of the address all the same.
func TestWhyOfAnAddress(t *testing.T) {
	o := firewall.Defaults()
	o.Start, o.Log = time.Now(), slog.New(slog.DiscardHandler)
	g, err := firewall.New(o)
	if err != nil {
		t.Fatal(err)
	}
	scanner, guesser := netip.MustParseAddr("192.0.2.66"), netip.MustParseAddr("2001:db8:66::1")
	for _, a := range []netip.Addr{scanner, guesser} {
		g.Asked(0, firewall.From{Src: netip.AddrPortFrom(a, 5060)}, firewall.Request{})
	}
	g.Saw(0, scanner, firewall.Scanner, false)
	for range 50 {
		g.Saw(0, guesser, firewall.DigestFailure, true)
	}
	if err := g.Ban(0, netip.MustParsePrefix("203.0.113.64/26"), time.Hour, "ticket 17"); err != nil {
		t.Fatal(err)
	}
	refused := []signaling.RefusalInfo{{Times: 1, Method: "INVITE", Source: "192.0.2.66:5060", Realm: "outside", Cause: "stranger", Why: "it is no peer"}}
	h := Handler(Source{
		Refusals: func(string, int) []signaling.RefusalInfo { return refused },
		Gate:     g, Now: func() time.Duration { return time.Second },
	})
	for _, c := range []struct{ of, cause, why, remedy string }{
		{"192.0.2.66", "policed", "192.0.2.66 is policed for 1 scanner (score 20.0): hardly anything", "time, which halves the score; sbc unban 192.0.2.66; firewall"},
		{"::ffff:192.0.2.66", "policed", "192.0.2.66 is policed for 1 scanner", "sbc unban 192.0.2.66;"},
		{"2001:db8:66::2", "banned", "2001:db8:66::/64 is banned by score until ", "sbc unban 2001:db8:66::/64"},
		{"203.0.113.65", "banned", " for ticket 17: nothing of it is read", "sbc unban 203.0.113.64/26"},
		{"192.0.2.67", "stranger", "it is no peer", ""},
		{"+4930123", "stranger", "it is no peer", ""},
		{"", "stranger", "it is no peer", ""},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/refusals?of="+strings.ReplaceAll(c.of, "+", "%2B"), nil))
		var list []signaling.RefusalInfo
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
			t.Fatalf("%v: %s", err, w.Body)
		}
		want := 2
		if c.cause == "stranger" {
			want = 1
		}
		if len(list) != want || list[want-1].Why != refused[0].Why {
			t.Errorf("%s: %+v", c.of, list)
			continue
		}
		if r := list[0]; r.Cause != c.cause || !strings.Contains(r.Why, c.why) || !strings.Contains(r.Remedy, c.remedy) {
			t.Errorf("%s: %+v", c.of, r)
		}
	}
	var text bytes.Buffer
	list := unread(g, time.Second, scanner)
	if err := WriteRefusals(&text, list); err != nil || !strings.Contains(text.String(), "something from a stranger (192.0.2.66)\n    no answer from the border: policed\n") {
		t.Errorf("%v\n%s", err, &text)
	}
}
