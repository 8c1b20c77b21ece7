package signaling

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/telemetry"
)

// Where a phone is, and where its NAT puts it.
var (
	phoneAddr   = netip.MustParseAddrPort("198.18.7.9:31022")
	phoneMoved  = netip.MustParseAddrPort("198.18.7.10:40001")
	anotherAddr = netip.MustParseAddrPort("198.18.99.1:5060")
)

const phones = 3 // the endpoints as policy knows them

// newPhones returns a world with phones outside that register with the PBX.
func newPhones(t *testing.T, change ...func(*Options, *policy.Options)) *world {
	return newWorld(t, append([]func(*Options, *policy.Options){func(o *Options, p *policy.Options) {
		p.Peers[0].Domain = "voice.example"
		p.Peers = append(p.Peers, policy.Peer{Name: "phones", Realm: 1, Domain: "voice.example", Endpoints: &policy.Endpoints{To: 0},
			Ref: policy.Ref{File: "sbc.hcl", Line: 60}})
		o.Endpoints = []Endpoints{{Peer: phones}}
		o.BindingKey = [16]byte{3}
		o.Start = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
		o.Metrics = telemetry.New(telemetry.Options{Realms: []string{"inside", "outside"}, Peers: []string{"pbx", "itsp", "backup", "phones"}})
	}}, change...)...)
}

// register is a REGISTER of the phone, which thinks that it is at 10.0.0.5.
func register(branch string, seq string, more string) string {
	return "REGISTER sip:voice.example SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK" + branch + ";rport\nMax-Forwards: 70\n" +
		"From: <sip:100@voice.example>;tag=phonetag\nTo: <sip:100@voice.example>\nCall-ID: reg-1@10.0.0.5\nCSeq: " + seq + " REGISTER\n" +
		"Contact: <sip:100@10.0.0.5:5060>\n" + more + "Content-Length: 0\n\n"
}

// granted is the PBX's 200 to a REGISTER.
func granted(reg wire) string {
	return respond(reg, 200, "Contact: "+reg.field("Contact")+"\nDate: Sat, 21 Nov 2026 00:00:00 GMT\n", "")
}

// registered registers the phone, and returns the Contact that the PBX has.
func (w *world) registered() (contact string) {
	w.t.Helper()
	reg := w.want(w.send(phoneAddr, register("r1", "1", "Expires: 600\n")), "a REGISTER")[0]
	w.want(w.send(pbxAddr, granted(reg)), "b 200")
	return strings.Trim(regexp.MustCompile(`<[^>]*>`).FindString(reg.field("Contact")), "<>")
}

// A phone registers with the PBX: its digest crosses as it is, the PBX learns
// nothing of where the phone is, and the phone is told to come again soon.
func TestRegister(t *testing.T) {
	w := newPhones(t)
	reg := w.want(w.send(phoneAddr, register("r1", "1", "Expires: 600\n")), "a REGISTER")[0]
	challenge := "WWW-Authenticate: Digest realm=\"asterisk\", nonce=\"abc\", algorithm=MD5, qop=\"auth\"\n"
	no := w.want(w.send(pbxAddr, respond(reg, 401, challenge, "")), "b 401")[0]
	if got := no.field("WWW-Authenticate"); got != `Digest realm="asterisk", nonce="abc", algorithm=MD5, qop="auth"` || no.to != phoneAddr {
		t.Errorf("the challenge is %q, to %v", got, no.to)
	}
	digest := `Authorization: Digest username="100", realm="asterisk", nonce="abc", uri="sip:voice.example", response="00112233445566778899aabbccddeeff", algorithm=MD5, qop=auth, nc=00000001, cnonce="x"` + "\n"
	reg = w.want(w.send(phoneAddr, register("r2", "2", "Expires: 600\n"+digest)), "a REGISTER")[0]
	if got := string(reg.msg.Bytes(reg.msg.RequestURI())); got != "sip:voice.example" {
		t.Errorf("the Request-URI is %q", got)
	}
	if "Authorization: "+reg.field("Authorization")+"\n" != digest || !strings.HasPrefix(reg.field("From"), "<sip:100@voice.example>;tag=") || reg.field("To") != "<sip:100@voice.example>" {
		t.Errorf("the PBX cannot verify\n%s", reg.bytes)
	}
	if strings.Contains(reg.bytes, "10.0.0.5") || strings.Contains(reg.bytes, "198.18") || strings.Contains(reg.bytes, "phonetag") {
		t.Errorf("the phone shows in\n%s", reg.bytes)
	}
	if !regexp.MustCompile(`^<sip:[a-z2-9]{21}@192\.168\.1\.1:5060>;expires=1800$`).MatchString(reg.field("Contact")) || reg.field("Expires") != "1800" {
		t.Errorf("the PBX gets Contact %q, Expires %q", reg.field("Contact"), reg.field("Expires"))
	}
	ok := w.want(w.send(pbxAddr, granted(reg)), "b 200")[0]
	if m := regexp.MustCompile(`^<sip:100@10\.0\.0\.5:5060>;expires=(5[4-9]|60)$`); !m.MatchString(ok.field("Contact")) || ok.field("Date") == "" {
		t.Errorf("the phone gets Contact %q in\n%s", ok.field("Contact"), ok.bytes)
	}
	w.wait(30 * time.Second)
	again := w.want(w.send(phoneAddr, register("r3", "3", "Expires: 600\n"+digest)), "b 200")[0]
	if !strings.HasPrefix(again.field("Contact"), "<sip:100@10.0.0.5:5060>;expires=") {
		t.Errorf("the refresh is answered\n%s", again.bytes)
	}
}

// A call from the PBX to the phone, whose requests all go to where the phone
// registered from, and one from the phone to the PBX.
func TestCallOfAPhone(t *testing.T) {
	w := newPhones(t)
	contact := w.registered()
	in := strings.ReplaceAll(invite, "sip:+4930123@192.168.1.1", contact)
	inv := w.want(w.send(pbxAddr, in), "a 100, b INVITE")[1]
	if inv.to != phoneAddr || !strings.HasPrefix(inv.bytes, "INVITE sip:100@10.0.0.5:5060 SIP/2.0\r\n") {
		t.Fatalf("to %v:\n%s", inv.to, inv.bytes)
	}
	atHome := strings.NewReplacer("198.51.100.77", "10.0.0.5")
	ok := w.want(w.send(phoneAddr, respond(inv, 200, "Contact: <sip:100@10.0.0.5:5060>\n", atHome.Replace(answer))), "a 200")[0]
	if ack := w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")[0]; ack.to != phoneAddr {
		t.Errorf("the ACK goes to %v", ack.to)
	}
	info := fromFar(inv, "INFO", 5)
	w.want(w.send(anotherAddr, info), "b 481")
	w.want(w.send(phoneAddr, strings.Replace(info, "z9hG4bKfar", "z9hG4bKtwo", 1)), "a INFO")
	bye := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, b BYE")[1]
	if bye.to != phoneAddr {
		t.Errorf("the BYE goes to %v", bye.to)
	}
	w.want(w.send(phoneAddr, respond(bye, 200, "", "")), "")

	out := strings.NewReplacer("192.168.1.10", "10.0.0.5", "192.168.1.1", "voice.example", "pbx.lan", "voice.example", "secret-call", "phone-call", "pbxone", "phone1").Replace(invite)
	inv = w.want(w.send(phoneAddr, out), "b 100, a INVITE")[1]
	if !strings.HasPrefix(inv.bytes, "INVITE sip:+4930123@voice.example SIP/2.0\r\n") {
		t.Errorf("the PBX gets\n%s", inv.bytes)
	}
	no := w.want(w.send(pbxAddr, respond(inv, 486, "", "")), "a ACK, b 486")[1]
	w.want(w.send(phoneAddr, strings.NewReplacer("INVITE sip", "ACK sip", "CSeq: 10 INVITE", "CSeq: 10 ACK", "To: <sip:+4930123@voice.example>", "To: "+no.field("To")).Replace(withoutBody(out))), "")
}

// fromFar is a request of the far end in the dialog of inv, which it answered.
func fromFar(inv wire, method string, seq uint32) string {
	return strings.Replace(fromITSP(inv.bytes, respond(inv, 200, gateway, ""), method, seq, "Content-Length: 0\n\n"), "z9hG4bKitsp", "z9hG4bKfar", 1)
}

// Nobody but who registered is a phone; a guessed token reaches nobody; a binding
// that is over is not called.
func TestStrangersAndTokens(t *testing.T) {
	w := newPhones(t)
	contact := w.registered()
	w.want(w.send(anotherAddr, strings.Replace(invite, "pbxone", "other", 1)), "")
	w.want(w.send(anotherAddr, strings.Replace(register("x1", "1", ""), "voice.example", "other.example", -1)), "")
	guess := func(contact, branch string) string {
		return strings.NewReplacer("sip:+4930123@192.168.1.1", contact, "pbxone", branch, "secret-call", "call"+branch).Replace(invite)
	}
	good, bad := contact, []byte(contact)
	bad[8] = 'a' + bad[8]&1 // another letter
	if bad[8] == good[8] {
		bad[8] = 'c'
	}
	w.want(w.send(pbxAddr, guess(string(bad), "g1")), "a 100, a 404")
	options := "OPTIONS " + good + " SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKqualify\nMax-Forwards: 70\nFrom: <sip:pbx@192.168.1.10>;tag=1\nTo: <" + good + ">\nCall-ID: qualify\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n"
	w.want(w.send(pbxAddr, options), "a 200")
	w.want(w.send(itspAddr, strings.Replace(options, "192.168.1.10:5060", "198.51.100.5:5060", 1)), "b 404")
	w.wait(3 * time.Minute)
	w.want(w.send(pbxAddr, strings.NewReplacer("qualify", "qualify2").Replace(options)), "a 480")
	w.want(w.send(pbxAddr, guess(good, "g2")), "a 100, a 480")
	w.wait(40 * time.Minute)
	w.want(w.send(pbxAddr, strings.NewReplacer("qualify", "qualify3").Replace(options)), "a 404")
}

// A phone whose NAT gives it another port registers again: what goes on is
// where the PBX thinks it is, and its calls follow.
func TestPhoneMoves(t *testing.T) {
	w := newPhones(t)
	contact := w.registered()
	inv := w.want(w.send(pbxAddr, strings.ReplaceAll(invite, "sip:+4930123@192.168.1.1", contact)), "a 100, b INVITE")[1]
	ok := w.want(w.send(phoneAddr, respond(inv, 200, "Contact: <sip:100@10.0.0.5:5060>\n", answer)), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	reg := w.want(w.send(phoneMoved, register("m1", "2", "Expires: 600\n")), "a REGISTER")[0]
	if !strings.Contains(reg.field("Contact"), contact) {
		t.Errorf("the token changed: %s, was %s", reg.field("Contact"), contact)
	}
	w.want(w.send(pbxAddr, granted(reg)), "b 200")
	for _, n := range w.s.Notices() {
		w.s.Notice(w.now, n)
	}
	bye := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, b BYE")[1]
	if bye.to != phoneMoved {
		t.Errorf("the BYE goes to %v", bye.to)
	}
	if w.s.opt.where.at(b2bua.Flow{Listener: listenerOutside, Remote: phoneAddr}) != nil {
		t.Error("the phone is still where it was")
	}
}

// Path of the proxies before the phone, and Service-Route of its registrar (RFC
// 3327, RFC 3608): each is the route of what goes there, and the other side does not see
// it.
func TestRoutesOfAPhone(t *testing.T) {
	w := newPhones(t)
	reg := w.want(w.send(phoneAddr, register("r1", "1", "Expires: 600\nSupported: path\nPath: <sip:edge.example;lr>\n")), "a REGISTER")[0]
	ok := w.want(w.send(pbxAddr, strings.Replace(granted(reg), "Date:", "Service-Route: <sip:core.pbx;lr>\nDate:", 1)), "b 200")[0]
	if reg.field("Path") != "" || ok.field("Service-Route") != "" || ok.field("Path") != "<sip:edge.example;lr>" {
		t.Errorf("the routes show in\n%s\n%s", reg.bytes, ok.bytes)
	}
	contact := strings.Trim(regexp.MustCompile(`<[^>]*>`).FindString(reg.field("Contact")), "<>")
	in := w.want(w.send(pbxAddr, strings.ReplaceAll(invite, "sip:+4930123@192.168.1.1", contact)), "a 100, b INVITE")[1]
	if in.field("Route") != "<sip:edge.example;lr>" {
		t.Errorf("to the phone goes\n%s", in.bytes)
	}
	out := strings.NewReplacer("192.168.1.10", "10.0.0.5", "192.168.1.1", "voice.example", "pbx.lan", "voice.example", "secret-call", "phone-call", "pbxone", "phone1").Replace(invite)
	if inv := w.want(w.send(phoneAddr, out), "b 100, a INVITE")[1]; inv.field("Route") != "<sip:core.pbx;lr>" {
		t.Errorf("to the registrar goes\n%s", inv.bytes)
	}
}

// A REGISTER that must not go on, because of its body or because of what it
// names, leaves nothing behind that the next one has to wait for.
func TestRegisterThatDoesNotGoOn(t *testing.T) {
	for name, c := range map[string]struct{ why, bad string }{
		"body": {"b 400", strings.Replace(register("bad", "1", ""), "Content-Length: 0\n\n", "Content-Length: 5\n\nv=1\r\n", 1)},
		"leak": {"b 500", register("bad", "1", "X-Device: at 10.0.0.5\n")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newPhones(t)
			w.want(w.send(phoneAddr, c.bad), c.why)
			if n := w.s.Inspect().StrayRegisters; n > 0 {
				t.Errorf("%d REGISTERs wait for an answer", n)
			}
			w.want(w.send(phoneAddr, register("good", "2", "")), "a REGISTER")
		})
	}
}

// Phones of different homes have the same private address, and may draw the same
// branch: neither reaches into a transaction of the other.
func TestPhonesWithTheSameBranch(t *testing.T) {
	w := newPhones(t)
	w.registered()
	other := strings.NewReplacer("sip:100@voice", "sip:101@voice", "reg-1@", "reg-2@").Replace(register("r1", "1", ""))
	reg := w.want(w.send(anotherAddr, other), "a REGISTER")[0]
	w.want(w.send(phoneAddr, register("r1", "1", "Expires: 600\n")), "b 200") // sent again
	ok := w.want(w.send(pbxAddr, granted(reg)), "b 200")[0]
	if ok.to != anotherAddr {
		t.Errorf("the answer goes to %v", ok.to)
	}
	call := strings.NewReplacer("192.168.1.10", "10.0.0.5", "192.168.1.1", "voice.example", "pbx.lan", "voice.example", "secret-call", "phone-call").Replace(invite)
	w.want(w.send(phoneAddr, call), "b 100, a INVITE")
	cancel := strings.NewReplacer("INVITE sip", "CANCEL sip", "CSeq: 10 INVITE", "CSeq: 10 CANCEL").Replace(withoutBody(call))
	if no := w.want(w.send(anotherAddr, cancel), "b 481")[0]; no.to != anotherAddr {
		t.Errorf("the answer goes to %v", no.to)
	}
	w.want(w.send(anotherAddr, strings.NewReplacer("phone-call", "another-call", "sip:100@voice", "sip:101@voice").Replace(call)), "b 100, a INVITE")
	w.want(w.send(phoneAddr, cancel), "b 200, b 487")
}
