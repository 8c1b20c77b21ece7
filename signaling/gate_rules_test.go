package signaling

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"sbc/policy"
	"sbc/policy/limit"
)

// another is an INVITE of the PBX of its own, to a number.
func another(n int, number string) string {
	return strings.NewReplacer("+4930123", number, "secret-call", fmt.Sprint("call-", n), "pbxone", fmt.Sprint("pbx-", n), "tag=pbxtag", fmt.Sprint("tag=t", n)).Replace(invite)
}

// Limits of peers and realms are taken before anything goes out, and given back
// with the call.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*policy.Options)
		want   string // of the third call
		cause  string
	}{
		{"calls of the peer", func(p *policy.Options) { p.Peers[0].Limits.Calls = 2 }, "a 100, a 503", "calls_limit"},
		{"calls of the far peer", func(p *policy.Options) {
			p.Peers[1].Limits = policy.Limits{Calls: 2, Status: 603}
			p.Routes[0].To = []int{1}
		}, "a 100, a 603", "calls_limit"},
		{"calls of the realm", func(p *policy.Options) { p.Realms[1].Limits = policy.Limits{Calls: 2, Status: 403} }, "a 100, a 403", "calls_limit"},
		{"rate of the peer", func(p *policy.Options) { p.Peers[0].Limits.Rate = limit.Rate{Per: time.Minute, Burst: 2} }, "a 100, a 503", "calls_rate"},
		{"rate of the realm", func(p *policy.Options) { p.Realms[0].Limits.Rate = limit.Rate{Per: time.Minute, Burst: 2} }, "a 100, a 503", "calls_rate"},
		{"lines", func(p *policy.Options) { p.Peers[0].Limits.Lines = 2 }, "a 100, a 503", "lines_limit"},
		{"bandwidth", func(p *policy.Options) { p.Realms[1].Limits.Kbits = 2 * policy.Kbits(false) }, "a 100, a 503", "bandwidth"},
		{"user's calls", func(p *policy.Options) { p.Peers[0].Tolls.User = 2 }, "a 100, a 503", "user_calls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(_ *Options, p *policy.Options) {
				p.Realms[0].Emergency = []string{"112"}
				c.change(p)
			})
			var first wire
			for n := range 2 {
				out := w.want(w.send(pbxAddr, another(n, "+4930123")), "a 100, b INVITE")[1]
				if n == 0 {
					first = out
				}
			}
			w.want(w.send(pbxAddr, another(2, "+4930123")), c.want)
			if w.s.stats.rejects[c.cause] == 0 {
				t.Errorf("counted %v", w.s.stats.rejects)
			}
			// Help is not refused, whatever the limit.
			w.want(w.send(pbxAddr, another(3, "112")), "a 100, b INVITE")
			w.want(w.send(pbxAddr, strings.Replace(another(4, "112"), "sip:112@192.168.1.1 SIP", "urn:service:sos.fire SIP", 1)), "a 100, b INVITE")
			w.want(w.send(pbxAddr, strings.Replace(another(6, "112"), "sip:112@192.168.1.1 SIP", "tel:112 SIP", 1)), "a 100, b INVITE")
			// One ends, and another may begin; of a rate, a minute later.
			w.send(itspAddr, respond(first, 486, "", ""))
			if c.cause == "calls_rate" {
				w.wait(61 * time.Second)
			} else {
				w.s.EndAll("operator")
				w.sent()
				w.wait(time.Second)
			}
			w.want(w.send(pbxAddr, another(5, "+4930123")), "a 100, b INVITE")
			w.s.EndAll("operator")
			w.sent()
			w.wait(200 * time.Second)
			for peer := range 3 {
				lines, kbits := w.calls.Media(peer)
				if n := w.calls.InUse(peer); n != 0 || lines != 0 || kbits != 0 {
					t.Errorf("peer %d has %d calls, %d lines, %d kbit/s at the end", peer, n, lines, kbits)
				}
			}
			if len(w.s.opt.talkers.n) != 0 {
				t.Errorf("users: %v", w.s.opt.talkers.n)
			}
		})
	}
}

// A URN for help goes out as it came.
func TestURN(t *testing.T) {
	w := newWorld(t)
	out := w.want(w.send(pbxAddr, strings.Replace(another(1, "112"), "sip:112@192.168.1.1 SIP", "urn:service:sos SIP", 1)), "a 100, b INVITE")[1]
	if got := string(out.msg.Bytes(out.msg.RequestURI())); got != "urn:service:sos" {
		t.Errorf("it goes out for %s", got)
	}
}

// A stolen password runs up no bill: numbers that cost are few, others are none.
func TestTolls(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) {
		p.Realms[0].Emergency = []string{"112"}
		p.Peers[0].Tolls = policy.Tolls{Allowed: []string{"+49", "+44"}, Costly: []string{"+44900"}, Rate: limit.Rate{Per: time.Hour, Burst: 2}, Ref: policy.Ref{File: "sbc.hcl", Line: 77}}
		p.Routes[0] = policy.Route{Name: "out", From: []int{0}, To: []int{1}, Match: policy.Match{User: regexp.MustCompile(`^\+?[0-9]+$`)}}
	})
	for n, c := range []struct{ number, want string }{
		{"+4930123", "a 100, b INVITE"},
		{"+8811234", "a 100, a 403"},
		{"+4490012", "a 100, b INVITE"},
		{"+4490013", "a 100, b INVITE"},
		{"+4490014", "a 100, a 403"},
		{"+4420014", "a 100, b INVITE"},
		{"112", "a 100, b INVITE"},
	} {
		w.want(w.send(pbxAddr, another(n, c.number)), c.want)
	}
	if r := w.s.stats.rejects; r["toll_prefix"] != 1 || r["toll_rate"] != 1 {
		t.Errorf("counted %v", r)
	}
	for _, r := range w.s.refusals("+8811234") {
		if r.Rule != "sbc.hcl:77" || !strings.Contains(r.Why, "may call no number that begins like this") {
			t.Errorf("%+v", r)
		}
	}
}

// Who finds every number closed fills no disk with it: the log has some of its
// calls, cut to what a person reads, and the counters have all.
func TestTollsInTheLog(t *testing.T) {
	var log strings.Builder
	w := newWorld(t, func(o *Options, p *policy.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		p.Peers[0].Tolls = policy.Tolls{Allowed: []string{"+49"}}
	})
	const calls = 1000
	for n := range calls {
		m := strings.ReplaceAll(another(n, "+8811234"+strings.Repeat("0", 200)), "sip:100@", "sip:"+strings.Repeat("1", 2000)+"@")
		w.want(w.send(pbxAddr, m), "a 100, a 403")
	}
	if got := w.s.stats.rejects["toll_prefix"]; got != calls {
		t.Errorf("%d counted", got)
	}
	lines := strings.Count(log.String(), "a toll guard has refused a call")
	if lines < 5 || lines > calls/10 {
		t.Errorf("%d lines for %d calls", lines, calls)
	}
	if most := log.Len() / max(lines, 1); most > 1000 {
		t.Errorf("%d octets a line", most)
	}
}

// While it is drained nothing begins but calls for help; what is there goes on.
func TestDrain(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) { p.Realms[0].Emergency = []string{"112"} })
	_, ok := w.setUp()
	w.s.draining = true
	w.want(w.send(pbxAddr, another(1, "+4930123")), "a 100, a 503")
	w.want(w.send(pbxAddr, another(2, "112")), "a 100, b INVITE")
	w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, b BYE")
	w.s.draining = false
	w.want(w.send(pbxAddr, another(3, "+4930123")), "a 100, b INVITE")
}

// Credentials that cannot be, each with its answer and its cause.
func TestCredentials(t *testing.T) {
	const good = `Digest username="100", realm="voice.example", nonce="NONCE", uri="sip:voice.example", response="00112233445566778899aabbccddeeff", algorithm=MD5, qop=auth, nc=00000001, cnonce="x"`
	for _, c := range []struct {
		name, fields, want, cause string
	}{
		{"none", "", "b 401", ""},
		{"unreadable", "Authorization: Digest username=\"100\n", "b 400", "auth_syntax"},
		{"without a response", strings.Replace(good, "response=", "answer=", 1), "b 400", "auth_syntax"},
		{"two for the realm", good + "\nAuthorization: " + good, "b 400", "auth_syntax"},
		{"a parameter twice", strings.Replace(good, "qop=auth", "qop=auth, qop=auth", 1), "b 400", "auth_syntax"},
		{"another scheme", "Basic dXNlcjpwYXNz", "b 401", ""},
		{"an algorithm that is not offered", strings.Replace(good, "algorithm=MD5", "algorithm=SHA-1", 1), "b 401", "auth_scheme"},
		{"a uri of somebody else", strings.Replace(good, "sip:voice.example", "sip:other.example", 1), "b 400", "auth_uri"},
		{"a wrong response", good, "b 401", "auth_failed"},
		{"a nonce of nobody", strings.Replace(good, "NONCE", "abc", 1), "b 401", "auth_failed"},
	} {
		w := newHere(t)
		a := &agent{w: w, at: phoneAddr, user: "100"}
		challenge := w.send(phoneAddr, a.request("REGISTER", "sip:voice.example", "100", "100", "", ""))[0]
		nonce := regexp.MustCompile(`nonce="([^"]*)"`).FindStringSubmatch(challenge.bytes)[1]
		a.n++
		fields := c.fields
		if fields != "" && !strings.HasPrefix(fields, "Authorization:") {
			fields = "Authorization: " + fields + "\n"
		}
		got := w.send(phoneAddr, a.request("REGISTER", "sip:voice.example", "100", "100", strings.ReplaceAll(fields, "NONCE", nonce), ""))
		if labels(got) != c.want {
			t.Errorf("%s: %q, want %q\n%v", c.name, labels(got), c.want, got)
		}
		if r := w.s.stats.rejects; c.cause != "" && r[c.cause] != 1 || c.cause == "" && len(r) > 0 && r["auth_scheme"] == 0 {
			t.Errorf("%s: counted %v", c.name, r)
		}
		if w.s.registrar.Len() != 0 {
			t.Errorf("%s: somebody is registered", c.name)
		}
	}
}
