package signaling

import (
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"sbc/policy"
	"sbc/policy/limit"
	"sbc/signaling/sip"
	"sbc/signaling/transport"
)

// turns are those of the world's one shard.
func (w *world) turns() []turn { return []turn{func(f func(*Shard)) { f(w.s) }} }

// try tries a request as the world's shard would decide now.
func (w *world) try(t Try) TryReport {
	w.t.Helper()
	r, err := t.run(w.now, w.turns())
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// tryPBX and tryITSP are calls from the two sides of a world.
func tryPBX(to string) Try  { return Try{Realm: "inside", Source: pbxAddr, From: "100", To: to} }
func tryITSP(to string) Try { return Try{Realm: "outside", Source: itspAddr, From: "4930123", To: to} }

// outcome is what a person would look at first.
func (r *TryReport) outcome() string {
	var b strings.Builder
	b.WriteString(r.Source.By)
	if r.Source.Peer != "" {
		b.WriteString(" " + r.Source.Peer)
	}
	if r.Answer != nil {
		b.WriteString(", " + itoa(uint32(r.Answer.Status)))
	}
	if r.Refusal != nil {
		b.WriteString(", " + r.Refusal.Cause)
	}
	if r.Sent != nil {
		b.WriteString(", to " + r.Sent.Peer + " at " + r.Sent.To)
	}
	return b.String()
}

func (w *world) wantTry(t Try, want string) TryReport {
	w.t.Helper()
	r := w.try(t)
	if got := r.outcome(); got != want || r.OK != (r.Sent != nil || r.Answer != nil && r.Answer.Status < 300) {
		w.t.Errorf("%s to %s: %q, want %q; %+v", t.From, t.To, got, want, r)
	}
	return r
}

// A call that goes on: who it is from, its route, its number, where it goes, and
// the message with every change.
func TestTryGoesOn(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) {
		p.Peers[0].Sources = []netip.Prefix{netip.MustParsePrefix("192.168.1.0/28")}
		p.Peers[0].Ref = policy.Ref{File: "sbc.hcl", Line: 30}
		p.Routes[0].Match.User = regexp.MustCompile("^0([1-9].*)$")
		p.Routes[0].Rewrite = &policy.Rewrite{Replace: "+49$1"}
	})
	asked := tryPBX("030123")
	asked.UserAgent, asked.Fields = "OfficePBX 1.2", []string{"Subject: hello", "Max-Forwards: 12"}
	r := w.wantTry(asked, "source pbx, to itsp at 198.51.100.5:5060")
	if s := r.Source; s.Prefix != "192.168.1.0/28" || s.Rule != "sbc.hcl:30" || s.Resolved || s.Listener != "udp 192.168.1.1:5060" || s.Challenge != nil {
		t.Errorf("source %+v", s)
	}
	if len(r.Routes) != 1 || r.Routes[0] != (TryRoute{Name: "out", Rule: "sbc.hcl:40", Hit: true}) {
		t.Errorf("routes %+v", r.Routes)
	}
	if *r.Number != (TryNumber{"030123", "+4930123", "sbc.hcl:40"}) {
		t.Errorf("number %+v", r.Number)
	}
	here := "udp 203.0.113.7:5060"
	if len(r.Targets) != 2 || r.Targets[0] != (TryTarget{Peer: "itsp", Address: "198.51.100.5:5060", Listener: here, Taken: true}) || r.Targets[1] != (TryTarget{Peer: "backup", Address: "198.51.100.6:5060", Listener: here}) {
		t.Errorf("targets %+v", r.Targets)
	}
	var m sip.Message
	if err := m.Parse([]byte(r.Sent.Message)); err != nil || string(m.Bytes(m.RequestURI())) != "sip:+4930123@sip.itsp.example" || m.MaxForwards() != 11 {
		t.Errorf("%v:\n%s", err, r.Sent.Message)
	}
	if strings.Contains(r.Sent.Message, "192.168.1.") || !strings.Contains(r.Sent.Message, "Subject: hello\r\n") || r.Sent.Octets != len(r.Sent.Message) {
		t.Errorf("what goes out, of %d octets:\n%s", r.Sent.Octets, r.Sent.Message)
	}
	changed := map[string]bool{}
	for _, c := range r.Sent.Changes {
		if c.Why == "" {
			t.Errorf("no reason: %+v", c)
		}
		changed[c.Field] = true
	}
	for _, f := range []string{"Request-URI", "Via", "From", "To", "Call-ID", "Contact", "SDP c=", "SDP m="} {
		if !changed[f] {
			t.Errorf("%s is not said to be changed: %v", f, changed)
		}
	}
	if !strings.Contains(r.Request, "User-Agent: OfficePBX 1.2\r\nSubject: hello\r\nMax-Forwards: 12\r\n") || strings.Count(r.Request, "Max-Forwards") != 1 {
		t.Errorf("the request:\n%s", r.Request)
	}
}

// A route that does not fit says of each part what was compared with what.
func TestTryMisses(t *testing.T) {
	for _, c := range []struct {
		name  string
		match policy.Match
		want  TryRoute
	}{
		{"user", policy.Match{User: regexp.MustCompile("^0")}, TryRoute{Missed: "user", Want: "^0", Have: "4711"}},
		{"host", policy.Match{Host: regexp.MustCompile("example$")}, TryRoute{Missed: "host", Want: "example$", Have: "192.168.1.1"}},
		{"method", policy.Match{Methods: []sip.Method{sip.MESSAGE, sip.OPTIONS}}, TryRoute{Missed: "method", Want: "MESSAGE, OPTIONS", Have: "INVITE"}},
		{"field", policy.Match{Fields: []policy.FieldMatch{{Name: "X-Account", Value: regexp.MustCompile("^gold$")}}}, TryRoute{Missed: "field", Field: "X-Account", Want: "^gold$", Have: "silver"}},
		{"no field", policy.Match{Fields: []policy.FieldMatch{{Name: "X-Other", Value: regexp.MustCompile("^gold$")}}}, TryRoute{Missed: "field", Field: "X-Other", Want: "^gold$", Absent: true}},
	} {
		w := newWorld(t, func(_ *Options, p *policy.Options) { p.Routes[0].Match = c.match })
		asked := tryPBX("4711")
		asked.Fields = []string{"X-Account: silver"}
		r := w.wantTry(asked, "source pbx, 404, no_route")
		c.want.Name, c.want.Rule = "out", "sbc.hcl:40"
		if len(r.Routes) != 1 || r.Routes[0] != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, r.Routes, c.want)
		}
		if r.Refusal.Rule != "sbc.hcl:40" || r.Refusal.Why == "" || r.Refusal.Remedy == "" || r.Number != nil || len(r.Targets) != 0 {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

// What is refused is refused as it would be, and the report says by what.
func TestTryRefused(t *testing.T) {
	stranger := Try{Realm: "outside", Source: anotherAddr, From: "1", To: "4711"}
	for _, c := range []struct {
		name   string
		change func(*Options, *policy.Options)
		before func(*world)
		try    Try
		want   string
	}{
		{"a stranger", nil, nil, stranger, "nobody, stranger"},
		{"a stranger in a realm that is trusted", func(o *Options, p *policy.Options) { o.Realms[1].Trust, p.Realms[1].Trust = true, true }, nil, stranger, "nobody, 403, stranger"},
		{"a peer that is gone", nil, func(w *world) { w.reload(goneITSP) }, tryITSP("4711"), "nobody, stranger"},
		{"nothing left of the number", func(_ *Options, p *policy.Options) { p.Routes[0].Rewrite = &policy.Rewrite{Strip: 4} }, nil, tryPBX("4711"), "source pbx, 404, rewrite"},
		{"a name that is not resolved", func(_ *Options, p *policy.Options) {
			p.Peers[1].Target = policy.Target{Host: "sip.example"}
			p.Routes[0].To = []int{1}
		}, nil, tryPBX("4711"), "source pbx, 503, no_target"},
		{"too long", nil, nil, tryPBX("sip:" + strings.Repeat("1", 240)), "source pbx, 404, no_route"},
		{"what is no URI", nil, nil, tryPBX("4711@ "), "source pbx, 400, start_line"},
		{"drained", nil, func(w *world) { w.s.draining = true }, tryPBX("4711"), "source pbx, 503, drain"},
		{"no hop left", nil, nil, Try{Realm: "inside", Source: pbxAddr, From: "1", To: "2", Fields: []string{"Max-Forwards: 0"}}, "source pbx, 483, max_forwards"},
		{"a stranger by IPv6", func(o *Options, _ *policy.Options) {
			o.Listeners = append(o.Listeners, Listener{Realm: 0, Addr: netip.MustParseAddrPort("[2001:db8::1]:5060"), Host: "[2001:db8::1]"})
		}, nil, Try{Realm: "inside", Source: netip.MustParseAddrPort("[2001:db8::7]:5060"), From: "1", To: "2"}, "nobody, stranger"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(o *Options, p *policy.Options) {
				p.Routes[0].Match.User = regexp.MustCompile("^.{1,9}$")
				if c.change != nil {
					c.change(o, p)
				}
			})
			if c.before != nil {
				c.before(w)
			}
			r := w.wantTry(c.try, c.want)
			if r.OK || r.Refusal == nil || r.Refusal.Why == "" || r.Sent != nil {
				t.Errorf("%+v", r)
			}
			if c.name == "a peer that is gone" && r.Source.Former != "itsp" {
				t.Errorf("it was nobody: %+v", r.Source)
			}
			if c.name == "a name that is not resolved" && (len(r.Targets) != 1 || r.Targets[0].Problem != "its name is not resolved") {
				t.Errorf("targets %+v", r.Targets)
			}
		})
	}
}

// Other requests than calls, by other transports, and what is for ourselves.
func TestTryMethods(t *testing.T) {
	w := newWorld(t, func(o *Options, p *policy.Options) {
		for i := range 2 {
			l := o.Listeners[i]
			l.TCP = true
			o.Listeners = append(o.Listeners, l)
		}
		p.Peers = append(p.Peers, policy.Peer{Name: "carrier", Realm: 0, Target: policy.Target{Host: "192.168.1.77", Addr: netip.MustParseAddr("192.168.1.77")}, Names: []string{"carrier.example"}})
		p.Routes[0].From = []int{0, 3}
		o.Listeners = append(o.Listeners, Listener{Realm: 0, Addr: netip.MustParseAddrPort("192.168.1.1:5061"), Host: "192.168.1.1:5061", TCP: true, TLS: &transport.TLS{}})
	})
	for _, method := range []string{"MESSAGE", "SUBSCRIBE", "PUBLISH", "OPTIONS"} {
		asked := tryPBX("4711")
		asked.Method = method
		if r := w.wantTry(asked, "source pbx, to itsp at 198.51.100.5:5060"); !strings.HasPrefix(r.Sent.Message, method+" sip:4711@sip.itsp.example SIP/2.0\r\n") || len(r.Limits) != 0 {
			t.Errorf("%s: %+v", method, r)
		}
	}
	us := tryPBX("sip:192.168.1.1")
	us.Method = "OPTIONS"
	w.wantTry(us, "source pbx, 200")
	tcp := tryPBX("4711")
	tcp.Transport, tcp.Source = "tcp", netip.AddrPortFrom(pbxAddr.Addr(), 0)
	if r := w.wantTry(tcp, "source pbx, to itsp at 198.51.100.5:5060"); r.Source.Listener != "tcp 192.168.1.1:5060" || !strings.Contains(r.Request, "SIP/2.0/TCP 192.168.1.10:5060;") {
		t.Errorf("by TCP: %+v", r.Source)
	}
	bare := tcp
	bare.Transport, bare.Source = "tls", anotherAddr
	w.wantTry(bare, "nobody, stranger")
	bare.Name = "Carrier.example"
	if r := w.wantTry(bare, "certificate carrier, to itsp at 198.51.100.5:5060"); r.Source.Listener != "tls 192.168.1.1:5061" || !strings.Contains(r.Request, "SIP/2.0/TLS 198.18.99.1:5060;") {
		t.Errorf("by TLS: %+v", r.Source)
	}
	tel := w.wantTry(tryPBX("tel:+4930123"), "source pbx, to itsp at 198.51.100.5:5060")
	if tel.Number.Before != "+4930123" {
		t.Errorf("tel: %+v", tel.Number)
	}
}

// Limits count the calls that there really are. The next target has room; a call
// for help finds room everywhere.
func TestTryLimits(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) {
		p.Peers[1].Limits = policy.Limits{Calls: 1, Ref: policy.Ref{File: "sbc.hcl", Line: 22}}
		p.Peers[2].Limits = policy.Limits{Calls: 1}
		p.Peers[0].Limits = policy.Limits{Rate: limit.Rate{Per: time.Minute, Burst: 2}}
		p.Realms[0].Emergency = []string{"112"}
		p.Calls = 9
	})
	limitOf := func(r TryReport, of string) TryLimit {
		for _, l := range r.Limits {
			if l.Of == of {
				return l
			}
		}
		t.Fatalf("no limit of %s: %+v", of, r.Limits)
		return TryLimit{}
	}
	free := w.wantTry(tryPBX("4711"), "source pbx, to itsp at 198.51.100.5:5060")
	if l := limitOf(free, `peer "itsp"`); l.Calls != 0 || l.Most != 1 || l.Rule != "sbc.hcl:22" || l.Full != "" {
		t.Errorf("at first: %+v", l)
	}
	w.want(w.send(pbxAddr, invite), "a 100, b INVITE")
	one := w.wantTry(tryPBX("4711"), "source pbx, to backup at 198.51.100.6:5060")
	if l := limitOf(one, `peer "itsp"`); l.Calls != 1 || l.Lines != 1 || l.Kbits != 100 || l.Full != "calls" {
		t.Errorf("with one call: %+v", l)
	}
	if l := limitOf(one, "all"); l.Calls != 1 || l.Most != 9 {
		t.Errorf("in all: %+v", l)
	}
	if one.Targets[0].Problem != `no room: see peer "itsp"` || one.Targets[0].Taken || !one.Targets[1].Taken {
		t.Errorf("targets: %+v", one.Targets)
	}
	w.want(w.send(pbxAddr, strings.NewReplacer("pbxone", "two", "secret-call", "c2").Replace(invite)), "a 100, b INVITE")
	full := w.wantTry(tryPBX("4711"), "source pbx, 503, calls_rate")
	if l := limitOf(full, `peer "pbx"`); l.Full != "rate" || l.Every != 60 || l.Wait <= 0 {
		t.Errorf("the rate: %+v", l)
	}
	w.wait(2 * time.Minute)
	w.want(w.send(pbxAddr, strings.NewReplacer("pbxone", "three", "secret-call", "c3").Replace(invite)), "a 100, b INVITE")
	w.want(w.send(pbxAddr, strings.NewReplacer("pbxone", "four", "secret-call", "c4").Replace(invite)), "a 100, b INVITE")
	w.wait(2 * time.Second)
	help := w.wantTry(tryPBX("112"), "source pbx, to itsp at 198.51.100.5:5060")
	if !help.Emergency || limitOf(help, `peer "itsp"`).Full != "calls" {
		t.Errorf("a call for help: %+v", help.Limits)
	}
	if sos := w.wantTry(tryPBX("urn:service:sos"), "source pbx, to itsp at 198.51.100.5:5060"); !sos.Emergency || sos.Number.Before != "urn:service:sos" {
		t.Errorf("a URN: %+v", sos)
	}
}

// Of a limit that is reached everywhere the call hears so, and for want of ports.
func TestTryNoRoom(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) {
		p.Peers[1].Limits.Calls = 1
		p.Routes[0].To = []int{1}
	})
	one := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	if r := w.wantTry(tryPBX("4711"), "source pbx, 503, calls_limit"); !strings.Contains(r.Refusal.Why, "peer itsp has the 1 calls that it may have") {
		t.Errorf("%+v", r.Refusal)
	}
	w.want(w.send(itspAddr, respond(one, 486, "", "")), "b ACK, a 486")
	w.wantTry(tryPBX("4711"), "source pbx, to itsp at 198.51.100.5:5060")

	w = newWorld(t)
	for i := range 100 {
		w.want(w.send(pbxAddr, strings.NewReplacer("pbxone", "b"+itoa(uint32(i)), "secret-call", "n"+itoa(uint32(i))).Replace(invite)), "a 100, b INVITE")
	}
	w.wantTry(tryPBX("4711"), "source pbx, 503, ports")
}

// What guards against tolls refuses what it would, and counts nothing of it.
func TestTryTolls(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) {
		p.Peers[0].Tolls = policy.Tolls{Allowed: []string{"+49", "+1"}, Costly: []string{"+1"}, Rate: limit.Rate{Per: time.Hour, Burst: 1}, User: 1, Ref: policy.Ref{File: "sbc.hcl", Line: 33}}
	})
	if r := w.wantTry(tryPBX("+7"), "source pbx, 403, toll_prefix"); r.Refusal.Rule != "sbc.hcl:33" || r.Number == nil {
		t.Errorf("%+v", r)
	}
	for range 3 {
		w.wantTry(tryPBX("+1900"), "source pbx, to itsp at 198.51.100.5:5060")
	}
	w.want(w.send(pbxAddr, strings.ReplaceAll(invite, "+4930123", "+1900")), "a 100, b INVITE")
	w.wantTry(tryPBX("+1900"), "source pbx, 403, toll_rate")
	for range 3 {
		w.wantTry(tryPBX("+4930"), "source pbx, 503, user_calls")
		other := tryPBX("+4930")
		other.From = "101"
		w.wantTry(other, "source pbx, to itsp at 198.51.100.5:5060")
	}
	if n := w.s.opt.talkers.n; len(n) != 1 || n[talker{0, "100"}] != 1 {
		t.Errorf("users have %v", n)
	}
}

// Phones that register with the PBX: calls of one, and calls to it, by the
// contact that the PBX knows.
func TestTryPhones(t *testing.T) {
	w := newPhones(t)
	contact := w.registered()
	phone := Try{Realm: "outside", Source: phoneAddr, From: "100", To: "4711"}
	r := w.wantTry(phone, "registration phones, to pbx at 192.168.1.10:5060")
	if r.Source.Rule != "sbc.hcl:60" || !strings.Contains(r.Request, "From: <sip:100@voice.example>") {
		t.Errorf("from a phone: %+v\n%s", r.Source, r.Request)
	}
	elsewhere := phone
	elsewhere.Source = phoneMoved
	w.wantTry(elsewhere, "nobody, stranger")
	for _, to := range []string{"100@voice.example", contact} {
		r = w.wantTry(tryPBX(to), "source pbx, to phones at 198.18.7.9:31022")
		if !strings.HasPrefix(r.Sent.Message, "INVITE sip:100@10.0.0.5:5060 SIP/2.0\r\n") || !strings.HasPrefix(r.Request, "INVITE "+contact+" SIP/2.0\r\n") {
			t.Errorf("to a phone: %s\n%s", r.Request, r.Sent.Message)
		}
		if (r.ContactOf == "sip:100@voice.example") != (to != contact) || len(r.Targets) != 1 || !r.Targets[0].Taken {
			t.Errorf("to a phone: %+v", r)
		}
	}
	r = w.wantTry(tryPBX(strings.Replace(contact, contact[4:10], "aaaaaa", 1)), "source pbx, 404, token")
	if len(r.Targets) != 1 || r.Targets[0].Problem == "" {
		t.Errorf("a contact of nobody: %+v", r.Targets)
	}
	w.wantTry(tryPBX("200@voice.example"), "source pbx, to itsp at 198.51.100.5:5060") // it never registered: the routes decide
}

// Phones that register here: calls to one, calls of one that has to prove itself,
// and of one that is somewhere else.
func TestTryHere(t *testing.T) {
	w := newHere(t)
	w.want((&agent{w: w, at: phoneAddr, user: "100"}).registers(), "b 200")
	if r := w.wantTry(tryPBX("100"), "source pbx, to phones at 198.18.7.9:31022"); r.Targets[0].Address != "198.18.7.9:31022" {
		t.Errorf("to a phone: %+v", r.Targets)
	}
	if r := w.wantTry(tryPBX("200"), "source pbx, 480, unregistered"); r.Targets[0].Problem != "nobody is registered there now" {
		t.Errorf("to one that is away: %+v", r.Targets)
	}
	if r := w.wantTry(tryPBX("300"), "source pbx, 404, no_user"); r.Targets[0].Problem != "no such user is in its domain" {
		t.Errorf("to nobody: %+v", r.Targets)
	}
	phone := Try{Realm: "outside", Source: phoneAddr, From: "100", To: "4711"}
	for _, c := range []struct {
		name   string
		change func(*Try)
		want   string
		asked  *TryChallenge
	}{
		{"where it registered", func(*Try) {}, "registration phones, to pbx at 192.168.1.10:5060", &TryChallenge{Domain: "voice.example", Proven: true, User: "100"}},
		{"under another name", func(t *Try) { t.From = "+4930" }, "registration phones, to pbx at 192.168.1.10:5060", &TryChallenge{Domain: "voice.example", Proven: true}},
		{"as the branch", func(t *Try) { t.Proven = "branch" }, "registration phones, 403, auth_failed", &TryChallenge{Domain: "voice.example", Proven: true, User: "branch"}},
		{"elsewhere", func(t *Try) { t.Source, t.From = otherPhone, "200@voice.example" }, "proof phones, to pbx at 192.168.1.10:5060", &TryChallenge{Domain: "voice.example", Proven: true, User: "200"}},
		{"elsewhere, as the branch", func(t *Try) { t.Source, t.From, t.Proven = otherPhone, "1@voice.example", "branch" }, "proof branch, to pbx at 192.168.1.10:5060", &TryChallenge{Domain: "voice.example", Proven: true, User: "branch"}},
		{"elsewhere, as nobody", func(t *Try) { t.Source, t.From = otherPhone, "1@voice.example" }, "nobody, 407", &TryChallenge{Domain: "voice.example"}},
		{"elsewhere, in no name of ours", func(t *Try) { t.Source, t.From = otherPhone, "1@example.org" }, "nobody, stranger", nil},
	} {
		asked := phone
		c.change(&asked)
		r := w.wantTry(asked, c.want)
		if got := r.Source.Challenge; (got == nil) != (c.asked == nil) || got != nil && *got != *c.asked {
			t.Errorf("%s: asked for %+v, want %+v", c.name, got, c.asked)
		}
	}
	for _, at := range []netip.AddrPort{phoneAddr, otherPhone} {
		nobody := Try{Realm: "outside", Source: at, From: "1@voice.example", To: "4711", Proven: "eve"}
		if _, err := nobody.run(w.now, w.turns()); err == nil || !strings.Contains(err.Error(), `"eve"`) {
			t.Errorf("who is nobody has proved it: %v", err)
		}
	}
}

// What is no request that could be tried is told so, in words.
func TestTryErrors(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*Try){
		"no realm":            func(t *Try) { t.Realm = "lan" },
		"a long realm":        func(t *Try) { t.Realm = strings.Repeat("a", 257) },
		"no source":           func(t *Try) { t.Source = netip.AddrPort{} },
		"a source without":    func(t *Try) { t.Source = netip.MustParseAddrPort("0.0.0.0:1") },
		"another family":      func(t *Try) { t.Source = netip.MustParseAddrPort("[2001:db8::1]:5060") },
		"no such listener":    func(t *Try) { t.Transport = "tcp" },
		"no such transport":   func(t *Try) { t.Transport = "sctp" },
		"nobody":              func(t *Try) { t.From = "" },
		"to nobody":           func(t *Try) { t.To = "" },
		"two lines":           func(t *Try) { t.To = "1\r\nX: y" },
		"a method":            func(t *Try) { t.Method = "REGISTER" },
		"no field":            func(t *Try) { t.Fields = []string{"gold"} },
		"two fields":          func(t *Try) { t.Fields = []string{"X-A: 1\r\nX-B: 2"} },
		"a long field":        func(t *Try) { t.Fields = []string{"X-A: " + strings.Repeat("a", 1024)} },
		"fields":              func(t *Try) { t.Fields = make([]string, 33) },
		"a field of ours":     func(t *Try) { t.Fields = []string{"f: <sip:a@b>"} },
		"credentials":         func(t *Try) { t.Fields = []string{`proxy-authorization: Digest username="100"`} },
		"a call that is none": func(t *Try) { t.Fields = []string{"Replaces: a;to-tag=b;from-tag=c"} },
	} {
		asked := tryPBX("4711")
		change(&asked)
		wrong := (*TryError)(nil)
		if _, err := asked.run(0, w.turns()); !errors.As(err, &wrong) || wrong.Text == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.s.closing = true
	if _, err := tryPBX("4711").run(0, w.turns()); !errors.Is(err, ErrStopping) {
		t.Errorf("at the end: %v", err)
	}
	if _, err := tryPBX("4711").run(0, []turn{func(func(*Shard)) {}}); !errors.Is(err, ErrStopping) {
		t.Errorf("after the end: %v", err)
	}
}
