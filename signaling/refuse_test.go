package signaling

import (
	"net/netip"
	"strings"
	"testing"

	"sbc/policy"
)

// replaced returns the INVITE with pairs of old and new text replaced.
func replaced(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(invite) }

func withField(line string) string {
	return strings.Replace(invite, "User-Agent: OfficePBX 1.2\n", line, 1)
}

func withSDP(pairs ...string) string {
	return strings.Replace(invite, offer, strings.NewReplacer(pairs...).Replace(offer), 1)
}

// What a peer sends wrong gets the answer that it deserves, is counted by
// cause, and leaves nothing behind.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		cause, name, message, want string
		field                      string // Name: value that the answer must have
	}{
		{"method", "unknown method", replaced("INVITE", "FROBNICATE"), "a 501", "Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, INFO, MESSAGE, SUBSCRIBE, NOTIFY, REFER, PUBLISH"},
		{"method", "lower case", replaced("INVITE", "invite"), "a 501", ""},
		{"method", "escaped", replaced("INVITE", "RE%47IST%45R"), "a 501", ""},
		{"method", "known, not allowed", replaced("INVITE", "REGISTER"), "a 405", "Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, INFO, MESSAGE, SUBSCRIBE, NOTIFY, REFER, PUBLISH"},
		{"scheme", "scheme", replaced("sip:+4930123@192.168.1.1 SIP", "mailto:x@y SIP"), "a 416", ""},
		{"version", "version", replaced("192.168.1.1 SIP/2.0", "192.168.1.1 SIP/3.0"), "a 505", ""},
		{"cseq_method", "CSeq of another method", replaced("10 INVITE", "10 OPTIONS"), "a 400", ""},
		{"missing_field", "no Call-ID", replaced("Call-ID: secret-call@192.168.1.10\n", ""), "a 400", ""},
		{"max_forwards", "no hop left", replaced("Max-Forwards: 70", "Max-Forwards: 0"), "a 100, a 483", ""},
		{"max_forwards", "no number", replaced("Max-Forwards: 70", "Max-Forwards: many"), "a 400", ""},
		{"content_length", "longer than the datagram", replaced("Content-Length: LENGTH", "Content-Length: 9999"), "a 400", ""},
		{"contact", "no Contact", replaced("Contact: <sip:100@192.168.1.10:5060>\n", ""), "a 100, a 400", ""},
		{"contact", "two Contacts", replaced("Contact: <sip:100@192.168.1.10:5060>", "Contact: <sip:a@192.168.1.10>, <sip:b@192.168.1.10>"), "a 100, a 400", ""},
		{"extension", "Require", withField("Require: 100rel, timer, frob\n"), "a 100, a 420", "Unsupported: frob"},
		{"extension", "Proxy-Require", withField("Proxy-Require: frob\n"), "a 100, a 420", "Unsupported: frob"},
		{"content_type", "unknown body", replaced("application/sdp", "application/frob"), "a 100, a 415", "Accept: application/sdp, multipart/mixed"},
		{"content_type", "encoded body", withField("Content-Encoding: gzip\n"), "a 100, a 415", "Accept-Encoding: identity"},
		{"multipart", "no boundary", replaced("application/sdp", "multipart/mixed"), "a 100, a 400", ""},
		{"multipart", "no end", replaced("application/sdp", "multipart/mixed;boundary=x"), "a 100, a 400", ""},
		{"accept", "no session descriptions", withField("Accept: text/html\n"), "a 100, a 406", ""},
		{"sdp_syntax", "no v=", withSDP("v=0\n", ""), "a 100, a 400", "Warning: 399 sbc \"session description: sdp_syntax\""},
		{"sdp_syntax", "unreadable c=", withSDP("c=IN IP4 192.168.1.44", "c=IN IP4 192.168.1"), "a 100, a 400", ""},
		{"sdp_port", "port over 65535", withSDP("49170", "99999"), "a 100, a 400", ""},
		{"sdp_port", "negative port", withSDP("49170", "-2"), "a 100, a 400", ""},
		{"sdp_address", "multicast", withSDP("c=IN IP4 192.168.1.44", "c=IN IP4 224.1.2.3/127"), "a 100, a 488", ""},
		{"sdp_address", "broadcast", withSDP("c=IN IP4 192.168.1.44", "c=IN IP4 255.255.255.255"), "a 100, a 488", ""},
		{"sdp_address", "loopback", withSDP("c=IN IP4 192.168.1.44", "c=IN IP4 127.0.0.1"), "a 100, a 488", ""},
		{"sdp_address", "name", withSDP("c=IN IP4 192.168.1.44", "c=IN IP4 phone.example"), "a 100, a 488", ""},
		{"sdp_address", "our own address, no live port", withSDP("c=IN IP4 192.168.1.44", "c=IN IP4 192.168.1.1"), "a 100, a 488", ""},
		{"sdp_address", "another realm's address of ours", withSDP("c=IN IP4 192.168.1.44", "c=IN IP4 203.0.113.7"), "a 100, a 488", ""},
		{"no_dialog", "To tag of nobody", replaced("To: <sip:+4930123@192.168.1.1>", "To: <sip:+4930123@192.168.1.1>;tag=nobody"), "a 100, a 481", ""},
		{"no_dialog", "BYE of nothing", replaced("INVITE", "BYE"), "a 481", ""},
		{"stray_response", "response to nothing", "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.168.1.1;branch=z9hG4bKforeign\nFrom: <sip:a@b>;tag=1\nTo: <sip:c@d>;tag=2\nCall-ID: x\nCSeq: 1 INVITE\nContent-Length: 0\n\n", "", ""},
		{"via", "no Via", replaced("Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKpbxone;rport\n", ""), "", ""},
		{"status", "code over 699", "SIP/2.0 700 What\nVia: SIP/2.0/UDP 192.168.1.1;branch=z9hG4bKforeign\n\n", "", ""},
		{"not_sip", "not SIP", "GET / HTTP/1.1\nHost: example\n\n", "", ""},
		{"keepalive", "CRLF", "\n\n", "", ""},
	} {
		t.Run(c.cause+"/"+c.name, func(t *testing.T) {
			w := newWorld(t)
			out := w.want(w.send(pbxAddr, c.message), c.want)
			if c.field != "" {
				name, value, _ := strings.Cut(c.field, ": ")
				if got := out[len(out)-1].field(name); got != value {
					t.Errorf("%s is %q, want %q", name, got, value)
				}
			}
			if n := w.s.stats.rejects[c.cause]; n != 1 {
				t.Errorf("cause %s was counted %d times: %v", c.cause, n, w.s.stats.rejects)
			}
			w.nothingLeft()
		})
	}
}

// Odd but legal: it crosses.
func TestNotRefused(t *testing.T) {
	for name, message := range map[string]string{
		"no Max-Forwards":          replaced("Max-Forwards: 70\n", ""),
		"CRLF before":              "\n\n" + invite,
		"white space before colon": replaced("Contact:", "Contact \t :"),
		"folded":                   replaced("CSeq: 10 INVITE", "CSeq:\n 10\n INVITE"),
		"compact forms":            replaced("Via:", "v:", "From:", "f:", "\nTo:", "\nt:", "Call-ID:", "i:", "Contact:", "m:", "Content-Type:", "c:", "Content-Length:", "l:"),
		"octets behind the body":   strings.Replace(invite, "LENGTH", itoa(uint32(len(crlf("x\n\n"+offer))-len("x\r\n\r\n"))), 1) + "trailing",
		"branch without cookie":    replaced("z9hG4bKpbxone", "old"),
		"unknown lines in SDP":     withSDP("t=0 0\n", "t=0 0\nb=X-FROB:12\na=frob:12\n"),
		"tel:":                     replaced("INVITE sip:+4930123@192.168.1.1 SIP", "INVITE tel:+4930123 SIP"),
		"UTF-8":                    replaced(`"Alice"`, `"Jürgen \"J\" Ω"`),
		"body that may be ignored": withField("Content-Disposition: session\n"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			text := message
			if strings.HasPrefix(message, "\n\n") {
				w.s.Datagram(w.now, listenerInside, pbxAddr, []byte("\r\n\r\n"+crlf(text)))
				w.want(w.sent(), "a 100, b INVITE")
				return
			}
			inv := w.want(w.send(pbxAddr, text), "a 100, b INVITE")[1]
			if strings.Contains(inv.bytes, "trailing") {
				t.Errorf("octets behind the body went on:\n%s", inv.bytes)
			}
			w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")
			w.nothingLeft()
		})
	}
}

// A stranger in a realm that is not trusted hears nothing.
func TestStranger(t *testing.T) {
	w := newWorld(t)
	w.want(w.send(netip.MustParseAddrPort("198.51.100.99:5060"), invite), "")
	w.want(w.send(netip.MustParseAddrPort("198.51.100.99:5060"), replaced("CSeq: 10", "CSeq: x")), "")
	if n := w.s.stats.rejects["stranger"]; n != 1 {
		t.Errorf("counted %d strangers", n)
	}
	w.nothingLeft()

	trusting := newWorld(t, func(o *Options, _ *policy.Options) { o.Realms[0].Trust = true })
	trusting.s.Datagram(0, listenerInside, netip.MustParseAddrPort("192.168.1.99:5060"), []byte(crlf(invite)))
	no := trusting.want(trusting.sent(), "b 403")[0]
	ack := strings.Replace(pbxAck(no), "Max", "X-Same: branch\nMax", 1)
	trusting.s.Datagram(0, listenerInside, netip.MustParseAddrPort("192.168.1.99:5060"), []byte(crlf(ack)))
	trusting.want(trusting.sent(), "")
	trusting.nothingLeft()
}

// RFC 3261 section 8.2.2.2: the same request by two ways.
func TestMerged(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.want(w.send(pbxAddr, replaced("pbxone", "otherway")), "a 482")
	w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")
	w.nothingLeft()
}

// The answer to a request that is refused without state is the same each
// time, and its ACK is swallowed.
func TestStatelessAnswer(t *testing.T) {
	w := newWorld(t)
	w.send(pbxAddr, invite)
	one := w.want(w.send(pbxAddr, replaced("pbxone", "otherway")), "a 482")[0]
	two := w.want(w.send(pbxAddr, replaced("pbxone", "otherway")), "a 482")[0]
	if one.bytes != two.bytes {
		t.Errorf("the answers differ:\n%s\n%s", one.bytes, two.bytes)
	}
	w.want(w.send(pbxAddr, strings.Replace(pbxAck(one), "pbxone", "otherway", 1)), "")
}

func TestOptionsForUs(t *testing.T) {
	for _, hops := range []string{"70", "0"} {
		w := newWorld(t)
		ok := w.want(w.send(pbxAddr, withoutBody(replaced("INVITE", "OPTIONS", "sip:+4930123@192.168.1.1 SIP", "sip:192.168.1.1 SIP", "Max-Forwards: 70", "Max-Forwards: "+hops))), "a 200")[0]
		if !strings.Contains(ok.field("Allow"), "INVITE") || ok.field("Accept") != "application/sdp" {
			t.Errorf("the answer says too little:\n%s", ok.bytes)
		}
		w.nothingLeft()
	}
}

// What comes within a dialog is judged by order and by who sends it.
func TestDialogGuards(t *testing.T) {
	for _, c := range []struct {
		cause, name string
		do          func(w *world, inv, ok wire) []wire
		want        string
	}{
		{"cseq_order", "CSeq lower than the last", func(w *world, _, ok wire) []wire {
			return w.send(pbxAddr, inDialog(ok, "INFO", 9, ""))
		}, "a 500"},
		{"dialog_source", "another peer", func(w *world, inv, ok wire) []wire {
			return w.send(backup, fromITSP(inv.bytes, respond(inv, 200, gateway, answer), "BYE", 1, ""))
		}, "b 481"},
		{"method", "a method that does not cross", func(w *world, _, ok wire) []wire {
			return w.send(pbxAddr, inDialog(ok, "REGISTER", 11, ""))
		}, "a 405"},
		{"sdp_address", "re-INVITE to a bad address", func(w *world, _, ok wire) []wire {
			return w.send(pbxAddr, reInvite(ok, 11, strings.Replace(offer, "c=IN IP4 192.168.1.44", "c=IN IP4 224.0.0.1", 1)))
		}, "a 100, a 488"},
		{"extension", "Require", func(w *world, _, ok wire) []wire {
			return w.send(pbxAddr, inDialog(ok, "INFO", 11, "Require: frob\nContent-Length: 0\n\n"))
		}, "a 420"},
	} {
		t.Run(c.cause+"/"+c.name, func(t *testing.T) {
			w := newWorld(t)
			inv, ok := w.setUp()
			w.want(c.do(w, inv, ok), c.want)
			if n := w.s.stats.rejects[c.cause]; n != 1 {
				t.Errorf("cause %s was counted %d times", c.cause, n)
			}
			if n := w.s.calls.Len(); n != 1 {
				t.Fatalf("%d calls are left of one", n)
			}
			w.wait(33e9)
			w.bye(ok, 20)
		})
	}
}

// A response whose branch is ours but whose transaction is gone.
func TestStrayResponse(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	w.bye(ok, 11)
	w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "")
	if n := w.s.stats.rejects["stray_response"]; n != 1 {
		t.Errorf("counted %d", n)
	}
}

// A body that nobody has to read crosses as it is: ISUP in SIP-I.
func TestMultipartCrosses(t *testing.T) {
	w := newWorld(t)
	multi := "--b1\nContent-Type: application/sdp\n\n" + offer + "--b1\nContent-Type: application/ISUP;version=itu-t92+\nContent-Disposition: signal;handling=optional\n\n\x01\x02\x03ISUP\n--b1--\n"
	text := strings.Replace(replaced("application/sdp", "multipart/mixed;boundary=b1"), offer, multi, 1)
	inv := w.want(w.send(pbxAddr, text), "a 100, b INVITE")[1]
	b := body(inv)
	if !strings.Contains(b, "c=IN IP4 203.0.113.7\r\n") || !strings.Contains(b, "\x01\x02\x03ISUP\r\n--b1--") {
		t.Errorf("the ITSP reads\n%q", b)
	}
	if part, ok, err := inv.msg.BodyPart("application/sdp"); !ok || err != nil || part.Empty() {
		t.Errorf("the description is lost: %v", err)
	}
	w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")
	w.nothingLeft()
}

// An answer goes to where the request came from; only to a peer that is
// marked asymmetric it goes to the port in its Via.
func TestAnswerPort(t *testing.T) {
	for want, change := range map[string]func(*Options, *policy.Options){
		"192.168.1.10:9999": func(*Options, *policy.Options) {},
		"192.168.1.10:5062": func(_ *Options, p *policy.Options) { p.Peers[0].Asymmetric = true },
	} {
		w := newWorld(t, change)
		text := withoutBody(replaced("INVITE", "OPTIONS", "sip:+4930123@192.168.1.1 SIP", "sip:192.168.1.1 SIP", "5060;branch=z9hG4bKpbxone;rport", "5062;branch=z9hG4bKone"))
		w.s.Datagram(w.now, listenerInside, netip.MustParseAddrPort("192.168.1.10:9999"), []byte(crlf(text)))
		if out := w.sent(); len(out) != 1 || out[0].to.String() != want {
			t.Errorf("the answer goes to %v, want %s", out, want)
		}
	}
}
