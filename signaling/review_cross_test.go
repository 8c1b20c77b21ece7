package signaling

import (
	"net/netip"
	"strings"
	"testing"

	"sbc/policy"
)

// A peer may be called by itself: two legs in one realm, to one address.
func TestCallToItself(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) { p.Routes[0].To = []int{0} })
	inv := w.send(pbxAddr, invite)[1]
	if inv.to != pbxAddr {
		t.Fatalf("the INVITE goes to %v", inv.to)
	}
	if n := w.calls.InUse(0); n != 2 {
		t.Errorf("%d places", n)
	}
	far := strings.ReplaceAll(answer, "198.51.100.77", "192.168.1.45")
	contact := "Contact: <sip:200@192.168.1.10:5060>\n"
	w.want(w.send(pbxAddr, respond(inv, 180, contact, "")), "a 180")
	ok := w.want(w.send(pbxAddr, respond(inv, 200, contact, far)), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "a ACK")
	out := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, a BYE")
	w.want(w.send(pbxAddr, respond(out[1], 200, "", "")), "")
	if n := w.s.stats.leaks; n != 0 {
		t.Errorf("%d leaks", n)
	}
	w.nothingLeft()
}

// RFC 3261 section 12.2.1.1: with a strict router first, it is the
// Request-URI, and the remote target is the last route.
func TestStrictRouter(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	routes := "Record-Route: <sip:198.51.100.9;lr>\nRecord-Route: <sip:198.51.100.8:5070>\n"
	ok := w.want(w.send(itspAddr, respond(inv, 200, routes+gateway, answer)), "a 200")[0]
	ack := w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")[0]
	if ack.to != netip.MustParseAddrPort("198.51.100.8:5070") || string(ack.msg.Bytes(ack.msg.RequestURI())) != "sip:198.51.100.8:5070" {
		t.Errorf("the ACK goes to %v\n%s", ack.to, ack.bytes)
	}
	if !strings.Contains(ack.bytes, "Route: <sip:198.51.100.9;lr>\r\nRoute: <sip:gw@198.51.100.77:5062>\r\n") {
		t.Errorf("the routes are wrong:\n%s", ack.bytes)
	}
	out := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, b BYE")
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
	w.nothingLeft()
}

// The caller's proxies stay in the path of the callee's requests, and are
// told in each response that makes a dialog.
func TestRouteSetOfTheCaller(t *testing.T) {
	w := newWorld(t)
	routes := "Record-Route: <sip:192.168.1.11;lr>\nRecord-Route: <sip:192.168.1.12:5070;lr;maddr=192.168.1.13>\n"
	inv := w.want(w.send(pbxAddr, strings.Replace(invite, "Max-Forwards: 70\n", routes+"Route: <sip:192.168.1.1;lr>\nMax-Forwards: 70\n", 1)), "a 100, b INVITE")[1]
	if inv.field("Route") != "" || inv.field("Record-Route") != "" {
		t.Errorf("the ITSP learns of the PBX's proxies:\n%s", inv.bytes)
	}
	ringing := w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "a 180")[0]
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	for _, x := range []wire{ringing, ok} {
		if !strings.Contains(x.bytes, strings.ReplaceAll(routes, "\n", "\r\n")) {
			t.Errorf("no Record-Route:\n%s", x.bytes)
		}
	}
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	bye := w.fromFar(inv, "BYE", 1, "")[1]
	if bye.to.String() != "192.168.1.11:5060" || !strings.Contains(bye.bytes, strings.ReplaceAll(routes, "\n", "\r\n")[7:20]) {
		t.Errorf("the BYE goes to %v\n%s", bye.to, bye.bytes)
	}
	w.want(w.send(pbxAddr, respond(bye, 200, "", "")), "")
	w.nothingLeft()
}

// What a final response tells crosses where it is for the caller, and not
// where it names a place.
func TestFinalResponses(t *testing.T) {
	for _, c := range []struct {
		status       int
		fields       string
		passes, gone string
	}{
		{401, "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\"\n", "WWW-Authenticate", ""},
		{407, "Proxy-Authenticate: Digest realm=\"x\", nonce=\"n\"\n", "Proxy-Authenticate", ""},
		{422, "Min-SE: 900\n", "Min-SE", ""},
		{480, "Retry-After: 10\nReason: Q.850;cause=20\n", "Reason", ""},
		{420, "Unsupported: timer\n", "Unsupported", ""},
	} {
		w := newWorld(t)
		inv := w.want(w.send(pbxAddr, withField("Session-Expires: 1800;refresher=uac\nMin-SE: 90\nRequire: timer\n")), "a 100, b INVITE")[1]
		if inv.field("Session-Expires") != "1800;refresher=uac" || inv.field("Min-SE") != "90" || inv.field("Max-Forwards") != "69" {
			t.Errorf("session timers do not cross:\n%s", inv.bytes)
		}
		out := w.send(itspAddr, respond(inv, c.status, c.fields, ""))
		no := out[1]
		if no.msg.Status() != c.status {
			t.Errorf("%d became %d", c.status, no.msg.Status())
		}
		if c.passes != "" && no.field(c.passes) == "" || c.gone != "" && no.field(c.gone) != "" {
			t.Errorf("want %q to pass, %q not:\n%s", c.passes, c.gone, no.bytes)
		}
		w.want(w.send(pbxAddr, pbxAck(no)), "")
		w.nothingLeft()
	}
}

// MESSAGE crosses within a dialog, and so do methods that nobody has heard of.
func TestMessage(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	text := "Content-Type: text/plain\nContent-Length: LENGTH\n\nhello\n"
	msg := w.want(w.send(pbxAddr, inDialog(ok, "MESSAGE", 11, text)), "b MESSAGE")
	w.want(w.send(itspAddr, respond(msg[0], 200, "", "")), "a 200")
	odd := w.want(w.fromFar(inv, "FROBNICATE", 7, ""), "a FROBNICATE")[0]
	if got := odd.field("CSeq"); !strings.HasSuffix(got, " FROBNICATE") {
		t.Errorf("CSeq is %q", got)
	}
	back := w.want(w.send(pbxAddr, respond(odd, 501, "Allow: INVITE\n", "")), "b 501")[0]
	if back.field("CSeq") != "7 FROBNICATE" {
		t.Errorf("CSeq is %q", back.field("CSeq"))
	}
	w.bye(ok, 12)
}

// Messages that are accepted and odd lead to no bug.
func TestOddButAccepted(t *testing.T) {
	for name, text := range map[string]string{
		"no user in From":     replaced("<sip:100@pbx.lan>", "<sip:pbx.lan>"),
		"From without <>":     replaced("\"Alice\" <sip:100@pbx.lan>", "sip:100@pbx.lan"),
		"no tag in From":      replaced(";tag=pbxtag", ""),
		"tel: in From and To": replaced("<sip:100@pbx.lan>", "<tel:100;phone-context=pbx.lan>", "To: <sip:+4930123@192.168.1.1>", "To: <tel:+4930123>"),
		"urn: in To":          replaced("To: <sip:+4930123@192.168.1.1>", "To: <urn:service:sos>"),
		"Contact with ports":  replaced("Contact: <sip:100@192.168.1.10:5060>", "Contact: <sip:192.168.1.10:65535;transport=tcp;maddr=x>;expires=9"),
		"Contact with maddr":  replaced("Contact: <sip:100@192.168.1.10:5060>", "Contact: <sip:100@phone.lan;maddr=239.1.1.1>"),
		"Contact without <>":  replaced("Contact: <sip:100@192.168.1.10:5060>", "Contact: sip:100@192.168.1.10:5060;x=y"),
		"IPv6 in Contact":     replaced("Contact: <sip:100@192.168.1.10:5060>", "Contact: <sip:100@[2001:db8::1]:5060>"),
		"IPv6 in SDP o=":      withSDP("IN IP4 192.168.1.44\ns=", "IN IP6 ::1\ns="),
		"escapes":             replaced("sip:+4930123@192.168.1.1 SIP", "sip:%2b49%2030123%0d%0a@192.168.1.1 SIP"),
		"display name":        replaced(`"Alice"`, `"a;tag=x, <sip:b@c> \" \\ "`),
		"no m= and no c=":     strings.Replace(invite, offer, "v=0\n", 1),
		"a=rtcp of IPv6":      withSDP("a=sendrecv\n", "a=sendrecv\na=rtcp:5 IN IP6 2001:db8::9\n"),
		"T.38":                withSDP("m=audio 49170 RTP/AVP 8 101", "m=image 49170 udptl t38"),
		"all lines off":       withSDP("m=audio 49170", "m=audio 0"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *Options, _ *policy.Options) {
				for i := range o.Realms {
					o.Realms[i].Topology.Audit = 0
				}
			})
			out := w.send(pbxAddr, text)
			if len(out) != 2 || out[1].label() != "INVITE" {
				t.Fatalf("the SBC sent %s\n%v", labels(out), out)
			}
			inv := out[1]
			sdp := answer
			if strings.HasPrefix(name, "no m=") {
				sdp = "v=0\n"
			}
			w.want(w.send(itspAddr, respond(inv, 183, gateway, sdp)), "a 183")
			out = w.send(itspAddr, respond(inv, 200, gateway, sdp))
			ok := out[len(out)-1]
			if ok.label() != "200" {
				t.Fatalf("the SBC sent %s", labels(out))
			}
			w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
			bye := w.fromFar(inv, "BYE", 1, "")
			if len(bye) != 2 || bye[1].label() != "BYE" {
				t.Fatalf("the SBC sent %s", labels(bye))
			}
			if n := w.s.stats.panics; n != 0 {
				t.Errorf("%d panics", n)
			}
			w.want(w.send(pbxAddr, respond(bye[1], 200, "", "")), "")
			w.nothingLeft()
		})
	}
}

// What the far end writes names no cause of its own.
func TestCauseOfAnUnknownStatus(t *testing.T) {
	for status, want := range map[int]string{486: "status_486", 499: "status_4xx", 666: "status_6xx"} {
		w := newWorld(t)
		inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
		id := w.s.calls.All()[0].ID
		no := w.send(itspAddr, respond(inv, status, "", ""))[1]
		w.want(w.send(pbxAddr, pbxAck(no)), "")
		if e := w.s.ring.Read(id); string(e[len(e)-1].Head) != want {
			t.Errorf("%d ends the call by %q, want %q", status, e[len(e)-1].Head, want)
		}
		w.nothingLeft()
	}
}

// A dialog has a bounded number of requests under way, and gives the room
// back.
func TestRequestsUnderWay(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	var open []wire
	for i := range uint32(30) {
		out := w.send(pbxAddr, inDialog(ok, "INFO", 11+i, ""))
		if out[0].label() == "INFO" {
			open = append(open, out[0])
		} else if out[0].label() != "503" || out[0].field("Retry-After") == "" {
			t.Fatalf("the SBC sent %v", out)
		}
	}
	if len(open) != 16 {
		t.Errorf("%d requests are under way", len(open))
	}
	for _, x := range open {
		w.want(w.send(itspAddr, respond(x, 200, "", "")), "a 200")
	}
	info := w.want(w.send(pbxAddr, inDialog(ok, "INFO", 50, "")), "b INFO")[0]
	w.want(w.send(itspAddr, respond(info, 200, "", "")), "a 200")
	w.bye(ok, 51)
}

// What the callee asked in an early dialog is answered when that dialog makes
// way for another target.
func TestRequestOfATargetThatFailed(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(inv, 183, gateway, "")), "a 183")
	info := w.want(w.fromFar(inv, "INFO", 1, ""), "a INFO")[0]
	out := w.want(w.send(itspAddr, respond(inv, 503, "", "")), "b ACK, b 481, b INVITE")
	if id := out[1].field("Call-ID"); id != inv.field("Call-ID") {
		t.Errorf("the 481 has Call-ID %q", id)
	}
	w.want(w.send(pbxAddr, respond(info, 200, "", "")), "")
	no := w.want(w.send(backup, respond(out[2], 486, "", "")), "b ACK, a 486")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// RFC 3581 and RFC 3261 section 18.2.1: the top Via of each answer says where
// the request came from; the others stay as they were.
func TestReceivedAndRport(t *testing.T) {
	w := newWorld(t)
	text := strings.Replace(invite, "Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKpbxone;rport\n",
		"Via: SIP/2.0/UDP phone.lan:5070;branch=z9hG4bKpbxone;rport\nVia: SIP/2.0/UDP 10.1.1.1;branch=z9hG4bKsecond;received=10.2.2.2\n", 1)
	w.s.Datagram(w.now, listenerInside, netip.MustParseAddrPort("192.168.1.10:40000"), []byte(crlf(text)))
	out := w.sent()
	no := w.send(itspAddr, respond(out[1], 486, "", ""))[1]
	for _, x := range []wire{out[0], no} {
		if x.to.String() != "192.168.1.10:40000" || !strings.Contains(x.bytes, ";received=192.168.1.10") || !strings.Contains(x.bytes, "rport=40000") ||
			!strings.Contains(x.bytes, "10.1.1.1;branch=z9hG4bKsecond;received=10.2.2.2") {
			t.Errorf("to %v:\n%s", x.to, x.bytes)
		}
	}
	w.nothingLeft()
}
