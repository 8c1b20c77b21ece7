package ua

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestExchanges(t *testing.T) {
	w := newWorld(t, quietly, func(_ int, o *Options) { o.Methods = []string{"SERVICE"} })
	a := w.agents[0]
	made := func(_ Call, do []Effect) { w.do(0, do); w.run(time.Second) }
	w.invite(Invite{})
	w.run(time.Second)
	made(a.Message(w.now, "b", "hello", nil))
	made(0, a.MessageWithin(w.now, 1, "in the call", nil))
	made(a.NotifyUnasked(w.now, "b", nil))
	made(0, a.Ask(w.now, 1, "SERVICE", nil))
	made(0, a.Ask(w.now, 1, "DANCE", nil))
	made(a.Publish(w.now, "b", nil))
	id := a.Publications()[0]
	made(0, a.Republish(w.now, id, true, nil))
	made(0, a.Republish(w.now, id, false, nil))
	w.agents[1].entities = nil
	made(0, a.Republish(w.now, id, false, nil))
	made(a.Publish(w.now, "b", nil))
	made(0, a.Unpublish(w.now, a.Publications()[0], nil))
	w.hangup(0)
	w.done()
	w.clean()
	w.want("ringing 180, answered 200, replied 200, replied 200, replied 200, replied 200, replied 405, replied 200, replied 200, replied 200, replied 412, "+
		"replied 200, replied 200, ended (we hung up)",
		"incoming, answered 200, asked 200, asked 200, asked 200, asked 200, asked 405, asked, asked, asked, asked, asked, ended (far end hung up)")
	var texts []string
	for _, e := range w.events[1] {
		if e.Is == Asked {
			texts = append(texts, e.Text)
		}
	}
	if got := strings.Join(texts, ", "); got != "hello, in the call, NOTIFY, SERVICE, DANCE, PUBLISH, PUBLISH, PUBLISH, PUBLISH, PUBLISH" {
		t.Error(got)
	}
}

func TestRedirect(t *testing.T) {
	w := newWorld(t, quietly, func(i int, o *Options) { o.Canary = canaries[i] })
	w.react[1] = func(a *Agent, e Event, do []Effect) []Effect {
		if e.Is == Incoming {
			do = a.Redirect(e.At, e.Call, 302, []string{"x", "y"}, do)
		}
		return do
	}
	w.invite(Invite{})
	w.done()
	w.want("ended 302 (rejected)", "incoming, ended 302 (rejected)")
	if got := w.events[0][0].Text; got != "sip:x@pbx.mango3wan.example sip:y@pbx.mango3wan.example" {
		t.Error(got)
	}
}

func TestChallenges(t *testing.T) {
	for _, c := range []struct {
		name          string
		proxy, inside bool
		password      string
		a, b          string
	}{
		{"401", false, false, "secret", "replied 200, ringing 180, answered 200, replied 200, replied 200, notified, reinvited 200, ended (we hung up)",
			"asked 200, incoming, answered 200, info, subscribed, reoffered 200, ended (far end hung up)"},
		{"407, everything", true, true, "secret", "replied 200, ringing 180, answered 200, replied 200, replied 200, notified, reinvited 200, ended (we hung up)",
			"asked 200, incoming, answered 200, info, subscribed, reoffered 200, ended (far end hung up)"},
		{"no password", false, false, "", "replied 401, ended 401 (rejected)", ""},
		{"wrong password", true, false, "guess", "replied 403, ended 403 (rejected)", "violation credentials"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, quietly, func(i int, o *Options) {
				if o.Password = c.password; i == 1 {
					o.Challenge = Challenge{Realm: "b's realm", Password: "secret", Proxy: c.proxy, Inside: c.inside}
				}
			})
			_, do := w.agents[0].Message(w.now, "b", "hello", nil)
			w.do(0, do)
			w.run(time.Second)
			id := w.invite(Invite{})
			w.run(time.Second)
			if w.agents[0].byID(id) != nil {
				w.do(0, w.agents[0].Info(w.now, id, "text/plain", "x", nil))
				w.run(time.Second)
				w.subscribe(Subscribe{Event: "presence", Seconds: 60})
				w.run(time.Second)
				w.do(0, w.agents[0].Hold(w.now, id, Inactive, nil))
				w.run(time.Second)
			}
			w.hangup(0)
			w.run(time.Second)
			if a, b := w.kinds(0), w.kinds(1); a != c.a || b != c.b && (c.password != "guess" || !strings.HasPrefix(b, c.b)) {
				t.Errorf("got %s\nand %s", a, b)
			}
			w.run(100 * time.Second)
			w.done()
		})
	}
}

// RFC 2617 section 3.5.
func TestDigestOfRFC2617(t *testing.T) {
	d := digest{"username": "Mufasa", "realm": "testrealm@host.com", "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
		"uri": "/dir/index.html", "qop": "auth", "nc": "00000001", "cnonce": "0a4f113b"}
	if got := d.response("GET", "Circle Of Life"); got != "6629fae49393a05397450978507c4ef1" {
		t.Error(got)
	}
}

// RFC 3261 section 12.2.2: a request that another one has overtaken gets 500.
func TestOvertaken(t *testing.T) {
	w := newWorld(t, quietly)
	w.invite(Invite{})
	w.run(time.Second)
	w.route = func(b []byte, p *packet) {
		if title(t, b) == "INFO" {
			p.at += 200 * time.Millisecond
		}
	}
	w.do(0, w.agents[0].Info(w.now, 1, "text/plain", "x", nil))
	w.do(0, w.agents[0].Options(w.now, 1, nil))
	w.run(time.Second)
	w.hangup(0)
	w.done()
	w.want("ringing 180, answered 200, replied 200, replied 500, ended (we hung up)", "incoming, answered 200, ended (far end hung up)")
}

// What a far end, or somebody between, does wrong with credentials, entity
// tags and 3xx is told.
func TestExchangeViolations(t *testing.T) {
	for _, c := range []struct{ name, message, old, new, want string }{
		{"nothing", "INVITE", "realm", "realm", ""},
		{"realm", "INVITE", "realm=\"here\"", "realm=\"else\"", "for realm"},
		{"nonce", "INVITE", "nonce=\"", "nonce=\"0", "never given"},
		{"uri", "INVITE", "INVITE sip:b@192.0.2.2:5060", "INVITE sip:b@192.0.2.2", "for uri"},
		{"opaque", "INVITE", "opaque=\"op", "opaque=\"up", "opaque"},
		{"response", "INVITE", "username=\"a\"", "username=\"c\"", "wrong response"},
		{"no challenge", "401 INVITE", "WWW-Authenticate", "WWW-Authenticbte", "no challenge"},
		{"no SIP-ETag", "200 PUBLISH", "SIP-ETag", "SIP-ETbg", "no SIP-ETag"},
		{"body of PUBLISH", "PUBLISH", "</presence>", "</presbnce>", "body of PUBLISH"},
		{"user of PUBLISH", "PUBLISH", "sip:b@192.0.2.2:5060\">", "sip:c@192.0.2.2:5060\">", "speaks of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, quietly, func(_ int, o *Options) {
				o.Password, o.Challenge = "secret", Challenge{Realm: "here", Password: "secret"}
			})
			w.route = func(b []byte, p *packet) {
				if title(t, b) == c.message && (c.message != "INVITE" || bytes.Contains(b, []byte("Authorization"))) {
					p.bytes = bytes.Replace(b, []byte(c.old), []byte(c.new), 1)
				}
			}
			w.invite(Invite{})
			_, do := w.agents[0].Publish(w.now, "b", nil)
			w.do(0, do)
			w.run(time.Second)
			got := strings.Join(w.violations(), "; ")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("violations %q, want %q", got, c.want)
			}
		})
	}
}

// An agent with an IPv6 address calls another one; and what travels on a
// stream is not sent again.
func TestIPv6AndStream(t *testing.T) {
	old := addrs
	defer func() { addrs = old }()
	addrs[0] = netip.MustParseAddrPort("[2001:db8::1]:5060")
	addrs[1] = netip.MustParseAddrPort("[2001:db8::2]:5060")
	addrs[2] = netip.MustParseAddrPort("[2001:db8::3]:5060")
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprint(stream), func(t *testing.T) {
			w := newWorldOf(t, 3, func(i int, o *Options) {
				o.Stream, o.Video, o.Reliable = stream, true, RelSupported
				o.Canary = Canary{Word: fmt.Sprint("word", i), Inner: netip.MustParseAddr("2001:db8:99::7")}
			})
			route(w)
			if stream {
				w.delay = 600 * time.Millisecond // longer than T1
			}
			seen := map[string]int{}
			w.lose = func(p packet) bool {
				if p.from == addrs[p.by] {
					seen[string(p.bytes)]++
				}
				return false
			}
			id, do := w.agents[0].Invite(w.now, Invite{To: "b", Video: true}, nil)
			w.do(0, do)
			w.run(2 * time.Second)
			w.run(3 * time.Second)
			w.do(0, w.agents[0].Hold(w.now, id, ConnZero, nil))
			w.run(3 * time.Second)
			w.do(0, w.agents[0].Hold(w.now, id, NotHeld, nil))
			w.run(3 * time.Second)
			if _, got := w.agents[1].Media(1); got.Right < 150 || got.Wrong > 0 || got.BadRTCP > 0 {
				t.Errorf("%+v", got)
			}
			w.do(0, w.agents[0].Refer(w.now, id, Refer{To: "c", Leave: LeaveDone}, nil))
			w.run(9 * time.Second)
			if !w.has(0, Transferred, 200) {
				t.Errorf("a: %s", w.kinds(0))
			}
			w.hangup(1)
			w.done()
			w.clean()
			for text, n := range seen {
				if core := strings.HasPrefix(text, "SIP/2.0 2") || strings.Contains(text, "RSeq"); core && strings.Contains(text, " INVITE\r\n") || strings.HasPrefix(text, "ACK") {
					n = 1 // RFC 3261 section 13.3.1.4 and RFC 3262 section 3: sent again over any transport, and so is the ACK
				}
				if stream && (n > 1 || !strings.Contains(text, "SIP/2.0/TCP [2001:db8::")) {
					t.Errorf("%d times:\n%s", n, text)
				}
			}
		})
	}
}

func TestExchangesInBadWeather(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 12))
			w := newWorld(t, quietly, func(_ int, o *Options) {
				o.Password, o.Challenge = "secret", Challenge{Realm: "here", Password: "secret", Inside: seed%2 == 0}
			})
			w.chaos = r
			w.invite(Invite{})
			for range 20 {
				a := w.agents[0]
				moves := a.Moves(0)
				if p := a.Publications(); len(p) > 0 && r.IntN(2) == 0 {
					moves = a.Moves(p[0])
				}
				if len(moves) > 0 {
					m := moves[r.IntN(len(moves))]
					m.To = "b"
					_, do := a.Make(w.now, m, nil)
					w.do(0, do)
				}
				w.run(time.Duration(r.IntN(1000)) * time.Millisecond)
			}
			w.run(40 * time.Second)
			for range 3 {
				w.hangup(0)
				w.hangup(1)
				w.run(60 * time.Second)
			}
			w.done()
			w.clean()
		})
	}
}
