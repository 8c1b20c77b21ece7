package signaling

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// reInvite is an INVITE of the PBX within the dialog.
func reInvite(ok wire, seq uint32, sdp string) string {
	return inDialog(ok, "INVITE", seq, "Contact: <sip:100@192.168.1.10:5060>\nContent-Type: application/sdp\nContent-Length: LENGTH\n\n"+sdp)
}

// fromITSP is a request of the ITSP within the dialog that our INVITE opened.
func fromITSP(inv, farOK string, method string, seq uint32, rest string) string {
	if rest == "" {
		rest = "Content-Length: 0\n\n"
	}
	get := func(msg, name string) string {
		for _, line := range strings.Split(msg, "\n") {
			if v, ok := strings.CutPrefix(strings.TrimSuffix(line, "\r"), name+": "); ok {
				return v
			}
		}
		return ""
	}
	return method + " " + strings.Trim(get(inv, "Contact"), "<>") + " SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.77:5062;branch=z9hG4bKitsp" + method + itoa(seq) +
		"\nMax-Forwards: 70\nFrom: " + get(farOK, "To") + "\nTo: " + get(farOK, "From") +
		"\nCall-ID: " + get(inv, "Call-ID") + "\nCSeq: " + itoa(seq) + " " + method + "\n" + rest
}

func directionOf(x wire) string {
	for _, d := range []string{"sendrecv", "sendonly", "recvonly", "inactive"} {
		if strings.Contains(body(x), "a="+d+"\r\n") {
			return d
		}
	}
	return "none"
}

func version(x wire) string {
	for _, line := range strings.Split(body(x), "\r\n") {
		if strings.HasPrefix(line, "o=") {
			return strings.Fields(line)[2]
		}
	}
	return ""
}

// Hold in its three dialects and resume: what each side reads follows from
// what both said, and the version of our o= rises by one when our description
// changes, and only then.
func TestHoldAndResume(t *testing.T) {
	for _, c := range []struct{ name, hold, answer, toITSP, toPBX string }{
		{"sendonly", strings.Replace(offer, "sendrecv", "sendonly", 1), answer + "a=recvonly\n", "sendonly", "recvonly"},
		{"inactive", strings.Replace(offer, "sendrecv", "inactive", 1), answer + "a=inactive\n", "inactive", "inactive"},
		{"c=0.0.0.0", strings.Replace(offer, "c=IN IP4 192.168.1.44", "c=IN IP4 0.0.0.0", 1), answer + "a=recvonly\n", "sendonly", "recvonly"},
		{"answered sendrecv", strings.Replace(offer, "sendrecv", "sendonly", 1), answer + "a=sendrecv\n", "sendonly", "recvonly"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			first, ok := w.setUp()
			held := w.want(w.send(pbxAddr, reInvite(ok, 11, c.hold)), "a 100, b INVITE")[1]
			if got := directionOf(held); got != c.toITSP {
				t.Errorf("the ITSP reads %s, want %s\n%s", got, c.toITSP, body(held))
			}
			if !strings.Contains(body(held), "c=IN IP4 203.0.113.7\r\n") {
				t.Errorf("the ITSP reads another address:\n%s", body(held))
			}
			if version(first) != "1" || version(held) != "2" {
				t.Errorf("versions %s and %s, want 1 and 2", version(first), version(held))
			}
			heldOK := w.want(w.send(itspAddr, respond(held, 200, gateway, c.answer)), "a 200")[0]
			if got := directionOf(heldOK); got != c.toPBX {
				t.Errorf("the PBX reads %s, want %s", got, c.toPBX)
			}
			w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "b ACK")
			if !w.s.calls.All()[0].Held() {
				t.Error("the call is not held")
			}
			resumed := w.want(w.send(pbxAddr, reInvite(ok, 12, offer)), "a 100, b INVITE")[1]
			if got := directionOf(resumed); got != "sendrecv" {
				t.Errorf("after the resume the ITSP reads %s", got)
			}
			if version(resumed) != "3" {
				t.Errorf("version %s, want 3", version(resumed))
			}
			resumedOK := w.want(w.send(itspAddr, respond(resumed, 200, gateway, answer)), "a 200")[0]
			if got := directionOf(resumedOK); got != "none" && got != "sendrecv" {
				t.Errorf("after the resume the PBX reads %s", got)
			}
			w.want(w.send(pbxAddr, inDialog(ok, "ACK", 12, "")), "b ACK")
			refresh := w.want(w.send(pbxAddr, reInvite(ok, 13, offer)), "a 100, b INVITE")[1]
			if version(refresh) != "3" {
				t.Errorf("a refresh without a change has version %s, want 3", version(refresh))
			}
			w.want(w.send(itspAddr, respond(refresh, 200, gateway, answer)), "a 200")
			w.want(w.send(pbxAddr, inDialog(ok, "ACK", 13, "")), "b ACK")
			w.bye(ok, 14)
		})
	}
}

// A refused re-INVITE leaves everything as it was: media, direction, version.
func TestRefusedReInvite(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	before := w.s.calls.All()[0].State()
	changed := strings.Replace(offer, "49170", "50000", 1)
	re := w.want(w.send(pbxAddr, reInvite(ok, 11, strings.Replace(changed, "sendrecv", "inactive", 1))), "a 100, b INVITE")[1]
	no := w.want(w.send(itspAddr, respond(re, 488, "", "")), "b ACK, a 488")[1]
	w.want(w.send(pbxAddr, ackOf(no, "INVITE11")), "")
	if after := w.s.calls.All()[0].State(); after != before {
		t.Errorf("the call is %s, was %s", after, before)
	}
	far := w.s.calls.All()[0].Line(0, 0)
	if far.Remote != netip.MustParseAddrPort("192.168.1.44:49170") || far.Direction.String() != "sendrecv" {
		t.Errorf("the PBX's media is %v", far)
	}
	w.bye(ok, 12)
}

// ackOf is the PBX's ACK for a final response other than 2xx.
func ackOf(resp wire, branch string) string {
	return "ACK sip:192.168.1.1:5060 SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKpbx" + branch + "\nMax-Forwards: 70\nFrom: " +
		resp.field("From") + "\nTo: " + resp.field("To") + "\nCall-ID: " + resp.field("Call-ID") + "\nCSeq: " + itoa(resp.msg.CSeq()) + " ACK\nContent-Length: 0\n\n"
}

// RFC 3261 section 14.2: one INVITE at a time.
func TestGlare(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	far := respond(inv, 200, gateway, answer)
	re := w.want(w.send(pbxAddr, reInvite(ok, 11, offer)), "a 100, b INVITE")[1]
	w.want(w.send(pbxAddr, reInvite(ok, 12, offer)), "a 100, a 500")
	glare := fromITSP(inv.bytes, far, "INVITE", 1, "Contact: <sip:gw@198.51.100.77:5062>\nContent-Type: application/sdp\nContent-Length: LENGTH\n\n"+answer)
	w.want(w.send(itspAddr, glare), "b 100, b 491")
	w.want(w.send(itspAddr, respond(re, 200, gateway, answer)), "a 200")
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "b ACK")
	w.wait(33 * time.Second)
	w.bye(ok, 13)
}

// The ITSP may change the session as well, and its codec.
func TestReInviteFromCallee(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	far := respond(inv, 200, gateway, answer)
	other := strings.ReplaceAll(strings.ReplaceAll(answer, "8 101", "0"), "a=rtpmap:8 PCMA/8000\n", "")
	re := w.want(w.send(itspAddr, fromITSP(inv.bytes, far, "INVITE", 1, gateway+"Content-Type: application/sdp\nContent-Length: LENGTH\n\n"+other)), "b 100, a INVITE")[1]
	if !strings.Contains(body(re), "RTP/AVP 0\r\n") || !strings.Contains(body(re), "c=IN IP4 192.168.1.1\r\n") {
		t.Errorf("the PBX reads\n%s", body(re))
	}
	if re.field("Call-ID") != "secret-call@192.168.1.10" || re.field("From") != ok.field("To") || re.field("To") != ok.field("From") {
		t.Errorf("the request is not in the PBX's dialog:\n%s", re.bytes)
	}
	agreed := w.want(w.send(pbxAddr, respond(re, 200, "Contact: <sip:100@192.168.1.10:5060>\n", strings.Replace(offer, "8 101", "0", 1))), "b 200")[0]
	w.want(w.send(itspAddr, fromITSP(inv.bytes, far, "ACK", 1, "")), "a ACK")
	if !strings.Contains(body(agreed), "RTP/AVP 0\r\n") {
		t.Errorf("the ITSP reads\n%s", body(agreed))
	}
	w.bye(ok, 11)
}

func TestByeFromCallee(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	far := respond(inv, 200, gateway, answer)
	out := w.want(w.send(itspAddr, fromITSP(inv.bytes, far, "BYE", 1, "Reason: Q.850;cause=16\nContent-Length: 0\n\n")), "b 200, a BYE")
	if out[1].field("Reason") != "Q.850;cause=16" || out[1].field("To") != ok.field("From") {
		t.Errorf("the PBX gets\n%s", out[1].bytes)
	}
	w.want(w.send(pbxAddr, respond(out[1], 200, "", "")), "")
	w.nothingLeft()
}

// Both sides hang up at once: each BYE is answered, neither is lost.
func TestByeFromBoth(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	far := respond(inv, 200, gateway, answer)
	one := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, b BYE")
	w.want(w.send(itspAddr, fromITSP(inv.bytes, far, "BYE", 1, "")), "b 200")
	w.want(w.send(itspAddr, respond(one[1], 481, "", "")), "")
	w.nothingLeft()
}

// A BYE that nobody answers is given up after 64*T1.
func TestByeLost(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, b BYE")
	w.nothingLeft()
}

func TestInfoAndOptionsInDialog(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	far := respond(inv, 200, gateway, answer)
	info := w.want(w.send(pbxAddr, inDialog(ok, "INFO", 11, "Content-Type: application/dtmf-relay\nContent-Length: LENGTH\n\nSignal=5\nDuration=160\n")), "b INFO")[0]
	if !strings.Contains(info.bytes, "Signal=5\r\n") {
		t.Errorf("the digit is lost:\n%s", info.bytes)
	}
	resp := w.want(w.send(itspAddr, respond(info, 200, "", "")), "a 200")[0]
	if resp.field("CSeq") != "11 INFO" {
		t.Errorf("CSeq is %q", resp.field("CSeq"))
	}
	options := w.want(w.send(itspAddr, fromITSP(inv.bytes, far, "OPTIONS", 1, "")), "a OPTIONS")[0]
	w.want(w.send(pbxAddr, respond(options, 200, "", "")), "b 200")
	unknown := w.want(w.send(pbxAddr, inDialog(ok, "PING", 12, "")), "b PING")[0]
	back := w.want(w.send(itspAddr, respond(unknown, 405, "Allow: INVITE, REGISTER, BYE\n", "")), "a 405")[0]
	if back.field("Allow") != "INVITE, BYE" {
		t.Errorf("Allow is %q", back.field("Allow"))
	}
	w.bye(ok, 13)
}

// A request that says the dialog is gone ends the call on both sides.
func TestDialogLost(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	info := w.want(w.send(pbxAddr, inDialog(ok, "INFO", 11, "")), "b INFO")[0]
	out := w.want(w.send(itspAddr, respond(info, 481, "", "")), "a 481, a BYE, b BYE")
	w.want(w.send(pbxAddr, respond(out[1], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(out[2], 481, "", "")), "")
	w.nothingLeft()
}

// RFC 3261 section 12.2.1.1: route set and remote target decide where
// requests within the dialog go.
func TestRouteSet(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	routes := "Record-Route: <sip:198.51.100.9;lr>, <sip:198.51.100.8:5070;lr>\n"
	ok := w.want(w.send(itspAddr, respond(inv, 200, routes+gateway, answer)), "a 200")[0]
	if ok.field("Record-Route") != "" {
		t.Errorf("the PBX learns the ITSP's proxies:\n%s", ok.bytes)
	}
	ack := w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")[0]
	if ack.to != netip.MustParseAddrPort("198.51.100.8:5070") {
		t.Errorf("the ACK goes to %v", ack.to)
	}
	if got := string(ack.msg.Bytes(ack.msg.RequestURI())); got != "sip:gw@198.51.100.77:5062" {
		t.Errorf("the Request-URI is %q", got)
	}
	if !strings.Contains(ack.bytes, "Route: <sip:198.51.100.8:5070;lr>\r\nRoute: <sip:198.51.100.9;lr>\r\n") {
		t.Errorf("the route set is not reversed:\n%s", ack.bytes)
	}
	out := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, b BYE")
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
	w.nothingLeft()
}

// Nobody is heard on any media line: both sides are told that the call is over.
func TestMediaTimeout(t *testing.T) {
	w := newWorld(t)
	w.setUp()
	w.want(w.wait(59*time.Second), "")
	out := w.want(w.wait(time.Second+time.Millisecond), "a BYE, b BYE")
	w.want(w.send(pbxAddr, respond(out[0], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
	w.nothingLeft()
}

// A held call may be silent for longer.
func TestHeldTimeout(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	held := w.want(w.send(pbxAddr, reInvite(ok, 11, strings.Replace(offer, "sendrecv", "inactive", 1))), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(held, 200, gateway, answer+"a=inactive\n")), "a 200")
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "b ACK")
	w.want(w.wait(9*time.Minute), "")
	out := w.wait(70 * time.Second)
	if len(out) < 2 || out[0].label() != "BYE" || out[1].label() != "BYE" {
		t.Fatalf("the SBC sent %s", labels(out))
	}
	w.nothingLeft()
}

// RTP that is heard keeps a call alive, and reaches the other side.
func TestMediaFlows(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	port := func(x wire) uint16 {
		at := strings.Index(body(x), "m=audio ")
		n := uint16(0)
		for _, c := range body(x)[at+8:] {
			if c < '0' || c > '9' {
				break
			}
			n = n*10 + uint16(c-'0')
		}
		return n
	}
	rtp := append([]byte{0x80, 8, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4}, make([]byte, 160)...)
	ours := netip.AddrPortFrom(netip.MustParseAddr("192.168.1.1"), port(ok))
	sent, cause := w.media.Inject(ours, netip.MustParseAddrPort("192.168.1.44:49170"), rtp)
	if cause != 0 || sent.To != netip.MustParseAddrPort("198.51.100.77:6000") || sent.From.Port() != port(inv) {
		t.Errorf("the packet went %v to %v (%v)", sent.From, sent.To, cause)
	}
	if _, cause := w.media.Inject(ours, netip.MustParseAddrPort("192.168.1.66:49170"), rtp); cause.String() != "wrong_source" {
		t.Errorf("a stranger's packet: %v", cause)
	}
	for range 5 {
		w.want(w.wait(50*time.Second), "")
		w.media.Inject(ours, netip.MustParseAddrPort("192.168.1.44:49170"), rtp)
	}
	w.bye(ok, 11)
}
