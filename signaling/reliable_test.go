package signaling

import (
	"strings"
	"testing"
)

const sdpBody = "Content-Type: application/sdp\nContent-Length: LENGTH\n\n"

func reliableRing(inv wire, rseq, sdp string) string {
	return respond(inv, 183, gateway+"Require: 100rel\nRSeq: "+rseq+"\n", sdp)
}

// RFC 3262: a reliable response goes on with its RSeq; the PRACK goes back
// with the number that the INVITE has on the other leg.
func TestReliableProvisional(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	if got := inv.field("Supported"); got != "timer, 100rel" {
		t.Errorf("Supported: %s", got)
	}
	early := w.want(w.send(itspAddr, reliableRing(inv, "7719", answer)), "a 183")[0]
	if early.field("Require") != "100rel" || early.field("RSeq") != "7719" || early.field("Contact") == "" {
		t.Errorf("the 183 is not reliable:\n%s", early.bytes)
	}
	again := w.want(w.send(itspAddr, reliableRing(inv, "7719", answer)), "a 183")[0]
	if again.bytes != early.bytes {
		t.Errorf("sent again it differs:\n%s\n%s", early.bytes, again.bytes)
	}
	prack := w.want(w.send(pbxAddr, inDialog(early, "PRACK", 11, "RAck: 7719 10 INVITE\nContent-Length: 0\n\n")), "b PRACK")[0]
	seq, _, _ := strings.Cut(inv.field("CSeq"), " ")
	if got, want := prack.field("RAck"), "7719 "+seq+" INVITE"; got != want {
		t.Errorf("RAck: %s, want %s", got, want)
	}
	w.want(w.send(itspAddr, respond(prack, 200, "", "")), "a 200")
	// The 200 has no description: the reliable response had the answer.
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, "")), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	w.bye(ok, 12)
}

// A PRACK that acknowledges nothing.
func TestPRACKRefused(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	early := w.want(w.send(itspAddr, reliableRing(inv, "1", answer)), "a 183")[0]
	for i, c := range []struct{ rack, want string }{
		{"RAck: 1 9 INVITE\n", "a 481"},
		{"RAck: 1 10 UPDATE\n", "a 481"},
		{"RAck: 1 x INVITE\n", "a 400"},
		{"", "a 400"},
	} {
		w.want(w.send(pbxAddr, inDialog(early, "PRACK", uint32(11+i), c.rack+"Content-Length: 0\n\n")), c.want)
	}
	if n := w.s.stats.rejects["prack"]; n != 4 {
		t.Errorf("counted %d times", n)
	}
	no := w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// RFC 3262 section 5: the offer in a reliable response, its answer in PRACK.
func TestOfferInReliableResponse(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, withoutBody(invite)), "a 100, b INVITE")[1]
	early := w.want(w.send(itspAddr, reliableRing(inv, "1", answer)), "a 183")[0]
	if !strings.Contains(body(early), "c=IN IP4 192.168.1.1\r\n") || !strings.Contains(body(early), "m=audio 20") {
		t.Errorf("the offer does not name us:\n%s", early.bytes)
	}
	if again := w.want(w.send(itspAddr, reliableRing(inv, "1", answer)), "a 183")[0]; again.bytes != early.bytes {
		t.Errorf("sent again, the response reads\n%s\nand not\n%s", again.bytes, early.bytes)
	}
	prack := w.want(w.send(pbxAddr, inDialog(early, "PRACK", 11, "RAck: 1 10 INVITE\n"+sdpBody+offer)), "b PRACK")[0]
	if !strings.Contains(body(prack), "c=IN IP4 203.0.113.7\r\n") || !strings.Contains(body(prack), "m=audio 30") {
		t.Errorf("the answer does not name us:\n%s", prack.bytes)
	}
	w.want(w.send(itspAddr, respond(prack, 200, "", "")), "a 200")
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, "")), "a 200")[0]
	ack := w.want(w.send(pbxAddr, inDialog(ok, "ACK", 10, "")), "b ACK")[0]
	if body(ack) != "" {
		t.Errorf("the ACK has a body:\n%s", ack.bytes)
	}
	w.bye(ok, 12)
}

// RFC 3311: the session changes while the phone rings, from either side, and
// again when the call is up.
func TestUPDATE(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	early := w.want(w.send(itspAddr, reliableRing(inv, "1", answer)), "a 183")[0]
	prack := w.want(w.send(pbxAddr, inDialog(early, "PRACK", 11, "RAck: 1 10 INVITE\nContent-Length: 0\n\n")), "b PRACK")[0]
	w.want(w.send(itspAddr, respond(prack, 200, "", "")), "a 200")

	held := strings.Replace(offer, "a=sendrecv", "a=sendonly", 1)
	up := w.want(w.send(pbxAddr, inDialog(early, "UPDATE", 12, "Contact: <sip:100@192.168.1.10:5060>\n"+sdpBody+held)), "b UPDATE")[0]
	if !strings.Contains(body(up), "a=sendonly") || version(up) == version(inv) || up.field("Contact") != "<sip:203.0.113.7:5060>" {
		t.Errorf("UPDATE:\n%s", up.bytes)
	}
	// Glare: the other side's offer meets ours.
	far := fromITSP(inv.bytes, respond(inv, 183, gateway, answer), "UPDATE", 5, gateway+sdpBody+answer)
	w.want(w.send(itspAddr, far), "b 491")
	w.want(w.send(pbxAddr, inDialog(early, "UPDATE", 13, "Contact: <sip:100@192.168.1.10:5060>\n"+sdpBody+offer)), "a 500")
	yes := w.want(w.send(itspAddr, respond(up, 200, gateway, answer+"a=recvonly\n")), "a 200")[0]
	if !strings.Contains(body(yes), "a=recvonly") {
		t.Errorf("the answer:\n%s", yes.bytes)
	}
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, "")), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")

	// Resumed by the callee; the answer comes in the 200.
	far = fromITSP(inv.bytes, respond(inv, 200, gateway, answer), "UPDATE", 6, gateway+sdpBody+answer)
	back := w.want(w.send(itspAddr, far), "a UPDATE")[0]
	w.want(w.send(pbxAddr, respond(back, 200, "Contact: <sip:100@192.168.1.10:5060>\n", offer)), "b 200")
	if w.s.calls.All()[0].Held() {
		t.Error("the call is held")
	}
	// A refused one changes nothing.
	up = w.want(w.send(pbxAddr, inDialog(ok, "UPDATE", 14, "Contact: <sip:100@192.168.1.10:5060>\n"+sdpBody+held)), "b UPDATE")[0]
	w.want(w.send(itspAddr, respond(up, 488, "", "")), "a 488")
	if w.s.calls.All()[0].Held() {
		t.Error("the refused UPDATE holds the call")
	}
	// One without a description moves nothing but the target.
	up = w.want(w.send(pbxAddr, inDialog(ok, "UPDATE", 15, "Contact: <sip:100@192.168.1.66:5066>\nContent-Length: 0\n\n")), "b UPDATE")[0]
	w.want(w.send(itspAddr, respond(up, 200, gateway, "")), "a 200")
	bye := w.fromFar(inv, "BYE", 7, "")[1]
	if !strings.HasPrefix(bye.bytes, "BYE sip:100@192.168.1.66:5066 ") {
		t.Errorf("the target did not move:\n%s", bye.bytes)
	}
	w.want(w.send(pbxAddr, respond(bye, 200, "", "")), "")
	w.nothingLeft()
}
