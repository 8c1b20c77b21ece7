package signaling

import (
	"strings"
	"testing"
	"time"
)

// request is one of the PBX outside of any dialog.
func request(method, branch, fields, body string) string {
	return method + ` sip:+4930123@192.168.1.1 SIP/2.0
Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKpbx` + branch + `;rport
Max-Forwards: 70
From: "Alice" <sip:100@pbx.lan>;tag=pbxtag
To: <sip:+4930123@192.168.1.1>
Call-ID: secret-` + branch + `@192.168.1.10
CSeq: 10 ` + method + "\n" + fields + "Content-Length: LENGTH\n\n" + body
}

const pbxContact = "Contact: <sip:100@192.168.1.10:5060>\n"

// What is no call crosses as well, by the same routes, as hidden; nothing is
// kept of it.
func TestRequestsOutsideOfCalls(t *testing.T) {
	for _, c := range []struct{ method, fields, body string }{
		{"MESSAGE", "Content-Type: text/plain\n", "Lunch?"},
		{"PUBLISH", "Event: presence\nExpires: 3600\n", ""},
		{"NOTIFY", pbxContact + "Event: message-summary\nSubscription-State: active\nContent-Type: application/simple-message-summary\n", "Messages-Waiting: yes\n"},
		{"OPTIONS", "Accept: application/sdp\n", ""},
	} {
		t.Run(c.method, func(t *testing.T) {
			w := newWorld(t)
			out := w.want(w.send(pbxAddr, request(c.method, "one", c.fields, c.body)), "b "+c.method)[0]
			if !strings.HasPrefix(out.bytes, c.method+" sip:+4930123@sip.itsp.example SIP/2.0\r\n") || strings.Contains(out.bytes, "192.168.1.") || strings.Contains(out.bytes, "secret") {
				t.Errorf("it went out as\n%s", out.bytes)
			}
			if !strings.HasSuffix(out.bytes, strings.ReplaceAll(c.body, "\n", "\r\n")) {
				t.Errorf("the body is not what was written:\n%s", out.bytes)
			}
			w.want(w.send(pbxAddr, request(c.method, "one", c.fields, c.body)), "") // again: still at work
			back := w.want(w.send(itspAddr, respond(out, 202, "", "")), "a 202")[0]
			if back.field("CSeq") != "10 "+c.method || back.field("Call-ID") != "secret-one@192.168.1.10" {
				t.Errorf("the answer is\n%s", back.bytes)
			}
			again := w.want(w.send(pbxAddr, request(c.method, "one", c.fields, c.body)), "a 202")[0]
			if again.bytes != back.bytes {
				t.Errorf("asked again it is answered\n%s", again.bytes)
			}
			if n := w.s.calls.Len(); n != 0 {
				t.Errorf("%d are left", n)
			}
			w.nothingLeft()
		})
	}
}

// A peer that cannot serve it is not the last one; who does not answer at all
// leaves it without a final response (RFC 4320 section 4.2).
func TestMessageToTheNextPeer(t *testing.T) {
	w := newWorld(t)
	one := w.want(w.send(pbxAddr, request("MESSAGE", "one", "", "")), "b MESSAGE")[0]
	two := w.want(w.send(itspAddr, respond(one, 503, "", "")), "b MESSAGE")[0]
	if two.to != backup || !strings.HasPrefix(two.bytes, "MESSAGE sip:+4930123@198.51.100.6 ") {
		t.Errorf("sent to %v:\n%s", two.to, two.bytes)
	}
	w.want(w.send(backup, respond(two, 200, "", "")), "a 200")
	w.nothingLeft()

	w.want(w.send(pbxAddr, request("MESSAGE", "three", "", "")), "b MESSAGE")
	for _, x := range w.wait(time.Minute) {
		if x.label() != "MESSAGE" && x.label() != "100" {
			t.Errorf("the SBC sent\n%s", x.bytes)
		}
	}
	w.nothingLeft()
}

// An OPTIONS that names nobody behind us is about ourselves.
func TestOptionsForOurselves(t *testing.T) {
	w := newWorld(t)
	ok := w.want(w.send(pbxAddr, strings.Replace(request("OPTIONS", "one", "", ""), "sip:+4930123@192.168.1.1 SIP", "sip:192.168.1.1 SIP", 1)), "a 200")[0]
	if !strings.Contains(ok.field("Allow"), "SUBSCRIBE") {
		t.Errorf("Allow: %s", ok.field("Allow"))
	}
	w.nothingLeft()
}

func subscribe(branch, expires string) string {
	return request("SUBSCRIBE", branch, pbxContact+"Event: dialog;id=7\nExpires: "+expires+"\n", "")
}

// notify is a NOTIFY of the far end in the dialog of sub, whose 2xx has tag.
func notify(sub wire, tag string, seq uint32, state, branch string) string {
	far := strings.Replace(respond(sub, 200, gateway, ""), "fartag99", tag, 1)
	return strings.Replace(fromITSP(sub.bytes, far, "NOTIFY", seq, gateway+"Event: dialog;id=7\nSubscription-State: "+state+"\nContent-Length: 0\n\n"), "z9hG4bKitsp", "z9hG4bKitsp"+branch, 1)
}

// A subscription from its beginning to its end (RFC 6665): refreshed, and ended
// by the NOTIFY that says so.
func TestSubscription(t *testing.T) {
	w := newWorld(t)
	sub := w.want(w.send(pbxAddr, subscribe("one", "3600")), "b SUBSCRIBE")[0]
	ok := w.want(w.send(itspAddr, respond(sub, 200, gateway+"Expires: 3600\n", "")), "a 200")[0]
	if ok.field("Contact") != "<sip:192.168.1.1:5060>" {
		t.Errorf("Contact: %s", ok.field("Contact"))
	}
	n := w.want(w.send(itspAddr, notify(sub, "fartag99", 1, "active;expires=3600", "")), "a NOTIFY")[0]
	if !strings.HasPrefix(n.bytes, "NOTIFY sip:100@192.168.1.10:5060 ") || n.field("From") != ok.field("To") || n.field("To") != ok.field("From") {
		t.Errorf("the NOTIFY is not in the dialog:\n%s", n.bytes)
	}
	w.want(w.send(pbxAddr, respond(n, 200, "", "")), "b 200")
	again := w.want(w.send(pbxAddr, inDialog(ok, "SUBSCRIBE", 11, pbxContact+"Event: dialog;id=7\nExpires: 600\nContent-Length: 0\n\n")), "b SUBSCRIBE")[0]
	w.want(w.send(itspAddr, respond(again, 200, gateway+"Expires: 600\n", "")), "a 200")
	if st := w.s.calls.All()[0].State(); st != "subscribed" {
		t.Errorf("it is %s", st)
	}
	w.want(w.wait(9*time.Minute), "")
	n = w.want(w.send(itspAddr, notify(sub, "fartag99", 2, "terminated;reason=noresource", "")), "a NOTIFY")[0]
	w.want(w.send(pbxAddr, respond(n, 200, "", "")), "b 200")
	if n := w.s.calls.Len(); n != 0 {
		t.Errorf("%d are left", n)
	}
	w.nothingLeft()
}

// One that nobody refreshes is forgotten when its time is over.
func TestSubscriptionExpires(t *testing.T) {
	w := newWorld(t)
	sub := w.want(w.send(pbxAddr, subscribe("one", "60")), "b SUBSCRIBE")[0]
	w.want(w.send(itspAddr, respond(sub, 200, gateway+"Expires: 60\n", "")), "a 200")
	w.wait(60 * time.Second)
	if n := w.s.calls.Len(); n != 1 {
		t.Errorf("%d are left", n)
	}
	w.wait(33 * time.Second)
	if n := w.s.calls.Len(); n != 0 {
		t.Errorf("%d are left", n)
	}
	w.want(w.send(itspAddr, notify(sub, "fartag99", 1, "active", "")), "b 481")
	w.nothingLeft()
}

// A refused one leaves nothing.
func TestSubscriptionRefused(t *testing.T) {
	w := newWorld(t)
	sub := w.want(w.send(pbxAddr, subscribe("one", "60")), "b SUBSCRIBE")[0]
	w.want(w.send(itspAddr, respond(sub, 489, "", "")), "a 489")
	if n := w.s.calls.Len(); n != 0 {
		t.Errorf("%d are left", n)
	}
	w.nothingLeft()
}

// A NOTIFY overtakes the 2xx; those of other phones that a fork reached are
// dialogs of their own (RFC 6665 section 4.1.2.4).
func TestSubscriptionForks(t *testing.T) {
	w := newWorld(t)
	sub := w.want(w.send(pbxAddr, subscribe("one", "60")), "b SUBSCRIBE")[0]
	one := w.want(w.send(itspAddr, notify(sub, "phoneone", 1, "active", "one")), "a NOTIFY")[0]
	ok := w.want(w.send(itspAddr, ofFork(sub, "phoneone", 200, "Expires: 60\n", "")), "a 200")[0]
	two := w.want(w.send(itspAddr, notify(sub, "phonetwo", 1, "active", "two")), "a NOTIFY")[0]
	if one.field("From") != ok.field("To") || two.field("From") == one.field("From") {
		t.Errorf("the dialogs are not told apart: 200 %s, NOTIFYs %s and %s", ok.field("To"), one.field("From"), two.field("From"))
	}
	w.want(w.send(pbxAddr, respond(one, 200, "", "")), "b 200")
	w.want(w.send(pbxAddr, respond(two, 481, "", "")), "b 481")
	if n := w.s.calls.Len(); n != 1 {
		t.Errorf("%d are left of one", n)
	}
	end := w.want(w.send(itspAddr, notify(sub, "phoneone", 2, "terminated", "three")), "a NOTIFY")[0]
	w.want(w.send(pbxAddr, respond(end, 200, "", "")), "b 200")
	if n := w.s.calls.Len(); n != 0 {
		t.Errorf("%d are left", n)
	}
	w.nothingLeft()
}

// The transferor hangs up as soon as its REFER is taken: what becomes of it is
// still told (RFC 5057 section 4.3), and then nothing is left.
func TestNotifyAfterBye(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	refer := w.want(w.send(pbxAddr, inDialog(ok, "REFER", 11, pbxContact+"Refer-To: <sip:+4930999@192.168.1.1>\nContent-Length: 0\n\n")), "b REFER")[0]
	w.want(w.send(itspAddr, respond(refer, 202, gateway, "")), "a 202")
	out := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 12, "")), "a 200, b BYE")
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
	if n := w.media.Streams(); n != 0 {
		t.Errorf("%d media streams are left", n)
	}
	for seq, state := range []string{"active;expires=60", "terminated;reason=noresource"} {
		frag := gateway + "Event: refer\nSubscription-State: " + state + "\nContent-Type: message/sipfrag\nContent-Length: LENGTH\n\nSIP/2.0 200 OK\n"
		n := w.want(w.fromFar(inv, "NOTIFY", uint32(seq+1), frag), "a NOTIFY")[0]
		w.want(w.send(pbxAddr, respond(n, 200, "", "")), "b 200")
	}
	if n := w.s.calls.Len(); n != 0 {
		t.Errorf("%d are left", n)
	}
	w.nothingLeft()
}

// A SUBSCRIBE that nothing answers, while a NOTIFY of its subscription is under
// way: neither is forgotten, and nothing is left.
func TestSubscribeTimesOutUnderANotify(t *testing.T) {
	w := newWorld(t)
	sub := w.want(w.send(pbxAddr, subscribe("one", "60")), "b SUBSCRIBE")[0]
	w.wait(20 * time.Second)
	w.want(w.send(itspAddr, notify(sub, "phoneone", 1, "active", "one")), "a NOTIFY")
	w.wait(50 * time.Second)
	w.nothingLeft()
}

// A peer whose NOTIFY has come has the subscription, whatever becomes of its
// response: no other one is asked, whose NOTIFYs would have the same dialog.
func TestSubscribeFailsAfterNotify(t *testing.T) {
	w := newWorld(t)
	sub := w.want(w.send(pbxAddr, subscribe("one", "60")), "b SUBSCRIBE")[0]
	n := w.want(w.send(itspAddr, notify(sub, "fartag99", 1, "active", "one")), "a NOTIFY")[0]
	w.want(w.send(pbxAddr, respond(n, 200, "", "")), "b 200")
	w.want(w.send(itspAddr, respond(sub, 503, "", "")), "a 503")
	w.want(w.send(itspAddr, notify(sub, "fartag99", 2, "active", "two")), "b 481")
	w.nothingLeft()
}
