package signaling

import (
	"net/netip"
	"strings"
	"testing"

	"sbc/mediarelay"
	"sbc/signaling/sdp"
)

// audioOf returns where a description wants audio to be sent.
func audioOf(t *testing.T, x wire) netip.AddrPort {
	t.Helper()
	var s sdp.Session
	if err := s.Parse(x.msg.Raw, x.msg.Body()); err != nil || len(s.Media) == 0 {
		t.Fatalf("no session description: %v\n%s", err, x.bytes)
	}
	return s.Media[0].RTP()
}

// Found by the simulation: after early media of a target that then failed, the
// caller's media still went there, and the same description of the next target
// got another version.
func TestFailoverAfterEarlyMedia(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	first := w.want(w.send(itspAddr, respond(inv, 183, gateway, answer)), "a 183")[0]
	rtp := append([]byte{0x80, 8, 0, 1}, make([]byte, 168)...)
	from := netip.MustParseAddrPort("192.168.1.44:49170")
	if sent, cause := w.media.Inject(audioOf(t, first), from, rtp); cause != mediarelay.Pass || sent.To.Addr().String() != "198.51.100.77" {
		t.Fatalf("early media: %v to %v", cause, sent.To)
	}
	inv2 := w.want(w.send(itspAddr, respond(inv, 503, "", "")), "b ACK, b INVITE")[1]
	if sent, cause := w.media.Inject(audioOf(t, first), from, rtp); cause != mediarelay.NoRemote {
		t.Errorf("after the 503: %v to %v, want %v", cause, sent.To, mediarelay.NoRemote)
	}
	second := w.want(w.send(backup, respond(inv2, 183, gateway, answer)), "a 183")[0]
	if a, b := body(first), body(second); a != b {
		t.Errorf("two descriptions that say the same differ:\n%s\n%s", a, b)
	}
	w.want(w.send(backup, respond(inv2, 486, "", "")), "b ACK, a 486")
	w.want(w.send(pbxAddr, pbxAck(second)), "")
	w.nothingLeft()
}

// Found by the simulation: who offers in its 2xx gets an answer in the ACK
// even if the caller is gone by then (RFC 3261 section 13.2.1).
func TestLateOfferThatNobodyAnswers(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, withoutBody(invite)), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "a 180")
	out := w.want(w.send(pbxAddr, cancelOf(invite)), "a 200, a 487, b CANCEL")
	w.want(w.send(pbxAddr, pbxAck(out[1])), "")
	crossed := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "b ACK, b BYE")
	if !strings.Contains(body(crossed[0]), "m=audio 0 RTP/AVP 8\r\n") {
		t.Errorf("the ACK does not decline the offer:\n%s", crossed[0].bytes)
	}
	w.want(w.send(itspAddr, respond(crossed[1], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(out[2], 200, "", "")), "")
	w.nothingLeft()
}

// Found by the simulation: an address that the caller's own Via names and a
// candidate of the callee too was taken for a leak.
func TestSamePrivateAddressOnBothSides(t *testing.T) {
	w := newWorld(t)
	via := "Via: SIP/2.0/UDP phone.lan:5070;branch=z9hG4bKphone;received=10.0.0.5\n"
	inv := w.want(w.send(pbxAddr, strings.Replace(invite, "Max-Forwards", via+"Max-Forwards", 1)), "a 100, b INVITE")[1]
	candidate := "a=candidate:1 1 UDP 2130706431 10.0.0.5 6000 typ host\n"
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer+candidate)), "a 200")[0]
	if strings.Count(ok.bytes, "10.0.0.5") != 1 {
		t.Errorf("want 10.0.0.5 once, in the PBX's own Via:\n%s", ok.bytes)
	}
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	w.bye(ok, 11)
}
