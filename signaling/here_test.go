package signaling

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	icholy "github.com/icholy/digest"

	"sbc/policy"
	"sbc/policy/digest"
	"sbc/telemetry"
)

const branchPeer = 4 // a PBX that registers, as policy knows it

// newHere returns a world whose phones register here: 100 and 200; and a PBX,
// "branch", that registers too and takes any number.
func newHere(t *testing.T, change ...func(*Options, *policy.Options)) *world {
	return newWorld(t, append([]func(*Options, *policy.Options){func(o *Options, p *policy.Options) {
		p.Peers = append(p.Peers,
			policy.Peer{Name: "phones", Realm: 1, Domain: "voice.example", Endpoints: &policy.Endpoints{To: -1}, Ref: policy.Ref{File: "sbc.hcl", Line: 60}},
			policy.Peer{Name: "branch", Realm: 1, Domain: "voice.example", Registers: true, User: "branch", Ref: policy.Ref{File: "sbc.hcl", Line: 70}})
		var users []digest.User
		for _, name := range []string{"100", "200", "branch"} {
			u, err := digest.NewUser(name, "voice.example", "pw-"+name)
			if err != nil {
				t.Fatal(err)
			}
			users = append(users, u)
		}
		realm, err := digest.NewRealm(digest.Options{Name: "voice.example", Users: users, Nonces: digest.NewNonces([32]byte{5}, 1024)})
		if err != nil {
			t.Fatal(err)
		}
		p.Domains = []policy.Domain{{Realm: 1, Host: "voice.example", Auth: realm, Who: map[string]int{"100": phones, "200": phones, "branch": branchPeer}}}
		p.Routes = append([]policy.Route{
			{Name: "phones", From: []int{0, phones, branchPeer}, To: []int{phones}, Match: policy.Match{User: regexp.MustCompile("^[1-3]00$")}},
			{Name: "branch", From: []int{0, phones}, To: []int{branchPeer}, Match: policy.Match{User: regexp.MustCompile("^7")}},
			{Name: "phones out", From: []int{phones, branchPeer}, To: []int{0}},
		}, p.Routes...)
		o.Endpoints = []Endpoints{{Peer: phones}, {Peer: branchPeer}}
		o.BindingKey = [16]byte{3}
		o.Start = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
		o.Metrics = telemetry.New(telemetry.Options{Realms: []string{"inside", "outside"}, Peers: []string{"pbx", "itsp", "backup", "phones", "branch"}})
	}}, change...)...)
}

// agent is a user agent that answers challenges.
type agent struct {
	w    *world
	at   netip.AddrPort
	user string // and password pw-USER
	pass string // another password; "": its own
	n    int
}

// sends sends a request, answers the challenge to it, and returns what follows.
func (a *agent) sends(method, uri, from, to, more, body string) []wire {
	a.w.t.Helper()
	a.n++
	challenged := a.w.send(a.at, a.request(method, uri, from, to, more, body))
	if len(challenged) != 1 || challenged[0].msg.Status() != 401 && challenged[0].msg.Status() != 407 {
		a.w.t.Fatalf("%s is not challenged: %v", method, challenged)
	}
	a.n++
	return a.w.send(a.at, a.request(method, uri, from, to, more+a.answer(challenged[0], method, uri), body))
}

// request writes a request with a CSeq and branch of its own.
func (a *agent) request(method, uri, from, to, more, body string) string {
	if body != "" {
		more += "Content-Type: application/sdp\n"
	}
	return fmt.Sprintf("%s %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK%s%d;rport\nMax-Forwards: 70\nFrom: <sip:%s@voice.example>;tag=t%s\nTo: <sip:%s@voice.example>\nCall-ID: %s%s@10.0.0.5\nCSeq: %d %s\nContact: <sip:%s@10.0.0.5:5060>\n%sContent-Length: LENGTH\n\n%s",
		method, uri, a.user, a.n, from, a.user, to, method, a.user, a.n, method, a.user, more, body)
}

// answer writes the credentials for a challenge.
func (a *agent) answer(x wire, method, uri string) string {
	a.w.t.Helper()
	name, as := "WWW-Authenticate", "Authorization: "
	if x.msg.Status() == 407 {
		name, as = "Proxy-Authenticate", "Proxy-Authorization: "
	}
	c, err := icholy.ParseChallenge(x.field(name))
	if err != nil {
		a.w.t.Fatal(err)
	}
	password := a.pass
	if password == "" {
		password = "pw-" + a.user
	}
	cred, err := icholy.Digest(c, icholy.Options{Method: method, URI: uri, Username: a.user, Password: password, Count: 1})
	if err != nil {
		a.w.t.Fatal(err)
	}
	return as + cred.String() + "\n"
}

func (a *agent) registers() []wire {
	a.w.t.Helper()
	return a.sends("REGISTER", "sip:voice.example", a.user, a.user, "Expires: 600\n", "")
}

var (
	otherPhone = netip.MustParseAddrPort("198.18.7.8:40000")
	branchAddr = netip.MustParseAddrPort("198.18.9.9:50000")
)

// Who proves that the address-of-record is his is bound here; the PBX never hears
// of it. The registrar says how long, and calls reach the phone by its flow.
func TestRegisterHere(t *testing.T) {
	w := newHere(t)
	phone := &agent{w: w, at: phoneAddr, user: "100"}
	ok := w.want(phone.registers(), "b 200")[0]
	if m := regexp.MustCompile(`^<sip:100@10\.0\.0\.5:5060>;expires=(5[4-9]|60)$`); !m.MatchString(ok.field("Contact")) || ok.to != phoneAddr {
		t.Errorf("the phone gets Contact %q", ok.field("Contact"))
	}
	call := strings.Replace(invite, "+4930123@192.168.1.1", "100@192.168.1.1", 2)
	in := w.want(w.send(pbxAddr, call), "a 100, b INVITE")[1]
	if in.to != phoneAddr || string(in.msg.Bytes(in.msg.RequestURI())) != "sip:100@10.0.0.5:5060" {
		t.Errorf("the call goes to %v as\n%s", in.to, in.bytes)
	}
	w.want(w.send(phoneAddr, respond(in, 486, "", "")), "b ACK, a 486")
	// Nobody by that name, and somebody who is not there.
	w.want(w.send(pbxAddr, strings.NewReplacer("+4930123@192.168.1.1", "300@192.168.1.1", "pbxone", "two", "secret-call", "c2").Replace(invite)), "a 100, a 404")
	w.want(w.send(pbxAddr, strings.NewReplacer("+4930123@192.168.1.1", "200@192.168.1.1", "pbxone", "three", "secret-call", "c3").Replace(invite)), "a 100, a 480")
	// It leaves.
	w.want(phone.sends("REGISTER", "sip:voice.example", "100", "100", "Expires: 0\n", ""), "b 200")
	w.want(w.send(pbxAddr, strings.NewReplacer("+4930123@192.168.1.1", "100@192.168.1.1", "pbxone", "four", "secret-call", "c4").Replace(invite)), "a 100, a 480")
}

// The 200 was lost: the same REGISTER again, whose credentials are used, gets the
// same answer.
func TestRegisterHereAgain(t *testing.T) {
	w := newHere(t)
	a := &agent{w: w, at: phoneAddr, user: "100"}
	a.n++
	c := w.send(a.at, a.request("REGISTER", "sip:voice.example", "100", "100", "", ""))[0]
	a.n++
	again := a.request("REGISTER", "sip:voice.example", "100", "100", a.answer(c, "REGISTER", "sip:voice.example"), "")
	first := w.want(w.send(a.at, again), "b 200")[0]
	second := w.want(w.send(a.at, again), "b 200")[0]
	if first.bytes != second.bytes {
		t.Errorf("it got\n%s\nand then\n%s", first.bytes, second.bytes)
	}
	w.wait(40 * time.Second) // the transaction is over, and the copy is a replay
	stale := w.want(w.send(a.at, again), "b 401")[0]
	if !strings.Contains(stale.bytes, "stale=true") {
		t.Errorf("a replay gets\n%s", stale.bytes)
	}
}

// What does not prove what it should, by the rows of what must be refused.
func TestRegisterHereRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		agent agent
		to    string
		want  string
		cause string
	}{
		{"another's address-of-record", agent{user: "100"}, "200", "b 403", "aor"},
		{"a PBX's", agent{user: "100"}, "branch", "b 403", "aor"},
		{"wrong password", agent{user: "100", pass: "x"}, "100", "b 401", "auth_failed"},
		{"no such user", agent{user: "300"}, "300", "b 401", "auth_failed"},
	} {
		w := newHere(t)
		c.agent.w, c.agent.at = w, phoneAddr
		got := w.want(c.agent.sends("REGISTER", "sip:voice.example", c.to, c.to, "", ""), c.want)[0]
		if n := w.s.stats.rejects[c.cause]; n != 1 {
			t.Errorf("%s: counted %v", c.name, w.s.stats.rejects)
		}
		if strings.Contains(got.bytes, "stale=true") {
			t.Errorf("%s: stale", c.name)
		}
		if w.s.registrar.Len() != 0 {
			t.Errorf("%s: something is bound", c.name)
		}
	}
}

// A wrong password and an unknown user get the same answer, but for the nonce.
func TestNobodyIsConfirmed(t *testing.T) {
	var answers []string
	for _, a := range []agent{{user: "100", pass: "x"}, {user: "900"}} {
		w := newHere(t)
		a.w, a.at = w, phoneAddr
		text := strings.ReplaceAll(w.want(a.registers(), "b 401")[0].bytes, a.user, "USER")
		text = regexp.MustCompile(`nonce="[^"]*"|tag=[^;\r]*`).ReplaceAllString(text, "X")
		answers = append(answers, text)
	}
	if answers[0] != answers[1] {
		t.Errorf("a wrong password gets\n%s\nan unknown user\n%s", answers[0], answers[1])
	}
}

// Who says nothing of a domain of ours hears nothing.
func TestSilenceForOtherDomains(t *testing.T) {
	w := newHere(t)
	for _, method := range []string{"REGISTER", "INVITE", "OPTIONS"} {
		a := agent{w: w, at: phoneAddr, user: "100"}
		w.want(w.send(a.at, strings.ReplaceAll(a.request(method, "sip:203.0.113.7", "100", "100", "", ""), "voice.example", "203.0.113.7")), "")
	}
	if n := w.s.stats.rejects["stranger"]; n != 3 {
		t.Errorf("%v", w.s.stats.rejects)
	}
}

// A phone calls: it is asked by UDP who it is, and what it answers is for us alone.
func TestCallFromHere(t *testing.T) {
	for _, registers := range []bool{true, false} {
		t.Run(fmt.Sprint("registered ", registers), func(t *testing.T) {
			w := newHere(t)
			phone := &agent{w: w, at: phoneAddr, user: "100"}
			if registers {
				phone.registers()
			}
			out := w.want(phone.sends("INVITE", "sip:4711@voice.example", "100", "4711", "", phoneOffer), "b 100, a INVITE")[1]
			if strings.Contains(out.bytes, "Authorization") || strings.Contains(out.bytes, "Digest") {
				t.Errorf("the PBX sees\n%s", out.bytes)
			}
			ok := w.want(w.send(pbxAddr, respond(out, 200, "Contact: <sip:gw@192.168.1.10>\n", pbxAnswer)), "b 200")[0]
			w.want(w.send(phoneAddr, phoneACK(ok)), "a ACK")
			// Within the dialog its flow is enough.
			w.want(w.send(phoneAddr, strings.NewReplacer("ACK", "BYE", "CSEQ", "9").Replace(strings.Replace(phoneACK(ok), fmt.Sprint(ok.msg.CSeq())+" ACK", "99 ACK", 1))), "b 200, a BYE")
		})
	}
}

const phoneOffer = "v=0\no=p 1 1 IN IP4 10.0.0.5\ns=-\nc=IN IP4 10.0.0.5\nt=0 0\nm=audio 4000 RTP/AVP 8\n"
const pbxAnswer = "v=0\no=gw 1 1 IN IP4 192.168.1.10\ns=-\nc=IN IP4 192.168.1.10\nt=0 0\nm=audio 6000 RTP/AVP 8\n"

// phoneACK acknowledges a 200 that came to the phone.
func phoneACK(ok wire) string {
	return fmt.Sprintf("ACK %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKACK%d;rport\nMax-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: %d ACK\nContent-Length: 0\n\n",
		strings.Trim(ok.field("Contact"), "<>"), ok.msg.CSeq(), ok.field("From"), ok.field("To"), ok.field("Call-ID"), ok.msg.CSeq())
}

// Credentials are taken once, and from where their challenge went.
func TestReplay(t *testing.T) {
	w := newHere(t)
	a := &agent{w: w, at: phoneAddr, user: "100"}
	a.n++
	c := w.send(a.at, a.request("INVITE", "sip:4711@voice.example", "100", "4711", "", phoneOffer))[0]
	a.n++
	credentials := a.answer(c, "INVITE", "sip:4711@voice.example")
	elsewhere := &agent{w: w, at: otherPhone, user: "100", n: 50}
	for _, again := range []*agent{elsewhere, a, a} {
		again.n++
		got := w.send(again.at, again.request("INVITE", "sip:4711@voice.example", "100", "4711", credentials, phoneOffer))
		if again == a && again.n == 3 {
			w.want(got, "b 100, a INVITE")
			continue
		}
		if x := w.want(got, "b 407")[0]; !strings.Contains(x.bytes, "stale=true") {
			t.Errorf("%v: not stale:\n%s", again.at, x.bytes)
		}
	}
}

// A PBX whose address changes registers, takes any number, and calls.
func TestPeerThatRegisters(t *testing.T) {
	w := newHere(t)
	branch := &agent{w: w, at: branchAddr, user: "branch"}
	w.want(branch.registers(), "b 200")
	call := strings.NewReplacer("+4930123@192.168.1.1", "7123@192.168.1.1", "pbxone", "two", "secret-call", "c2")
	in := w.want(w.send(pbxAddr, call.Replace(invite)), "a 100, b INVITE")[1]
	if got := string(in.msg.Bytes(in.msg.RequestURI())); in.to != branchAddr || got != "sip:7123@10.0.0.5:5060" {
		t.Errorf("to %v as %s", in.to, got)
	}
	w.want(w.send(branchAddr, respond(in, 486, "", "")), "b ACK, a 486")
	out := w.want(branch.sends("INVITE", "sip:4711@voice.example", "+4930555", "4711", "", phoneOffer), "b 100, a INVITE")[1]
	w.want(w.send(pbxAddr, respond(out, 486, "", "")), "a ACK, b 486")
	// It comes by another address: that one counts.
	moved := &agent{w: w, at: otherPhone, user: "branch", n: 20}
	w.want(moved.registers(), "b 200")
	in = w.want(w.send(pbxAddr, strings.NewReplacer("+4930123@192.168.1.1", "7123@192.168.1.1", "pbxone", "three", "secret-call", "c3").Replace(invite)), "a 100, b INVITE")[1]
	if in.to != otherPhone {
		t.Errorf("after it moved: to %v", in.to)
	}
}
