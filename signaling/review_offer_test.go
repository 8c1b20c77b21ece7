package signaling

import (
	"net/netip"
	"strings"
	"testing"

	"sbc/mediarelay"
	"sbc/topology"
)

// video is a second media line.
const video = "m=video 6002 RTP/AVP 99\na=rtpmap:99 H264/90000\n"

// An answer with more media lines than the offer breaks RFC 3264 section 6;
// it must not break us.
func TestDescriptionWithMoreLines(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(inv, 183, gateway, answer+video)), "a 183")
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	if n := w.s.stats.panics; n != 0 {
		t.Errorf("%d panics", n)
	}
	w.bye(ok, 11)

	w = newWorld(t)
	inv = w.want(w.send(pbxAddr, withoutBody(invite)), "a 100, b INVITE")[1]
	ok = w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	out := w.send(pbxAddr, inDialog(ok, "ACK", 10, "Content-Type: application/sdp\nContent-Length: LENGTH\n\n"+offer+video))
	w.want(out, "b ACK, a BYE, b BYE")
	if n := w.s.stats.panics; n != 0 {
		t.Errorf("%d panics", n)
	}
	w.nothingLeft()
}

// A description in an ACK that is no answer is not read.
func TestAckWithABody(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	bad := strings.Replace(offer, "v=0\n", "", 1)
	ack := w.want(w.send(pbxAddr, inDialog(ok, "ACK", 10, "Content-Type: application/sdp\nContent-Length: LENGTH\n\n"+bad)), "b ACK")[0]
	if b := body(ack); b != "" {
		t.Errorf("it crossed:\n%s", b)
	}
	w.bye(ok, 11)
}

// A re-INVITE without an offer is answered with one; the answer is in the
// ACK. Both sides may do that, and may refuse it.
func TestLateOfferInReInvite(t *testing.T) {
	contact := "Contact: <sip:100@192.168.1.10:5060>\n"
	w := newWorld(t)
	inv, ok := w.setUp()
	re := w.want(w.send(pbxAddr, inDialog(ok, "INVITE", 11, contact+"Content-Length: 0\n\n")), "a 100, b INVITE")[1]
	no := w.want(w.send(itspAddr, respond(re, 488, "", "")), "b ACK, a 488")[1]
	w.want(w.send(pbxAddr, ackOf(no, "INVITE11")), "")

	re = w.want(w.send(pbxAddr, inDialog(ok, "INVITE", 12, contact+"Content-Length: 0\n\n")), "a 100, b INVITE")[1]
	offered := w.want(w.send(itspAddr, respond(re, 200, gateway, strings.Replace(answer, "6000", "6010", 1))), "a 200")[0]
	if d := directionOf(offered); d != "none" && d != "sendrecv" {
		t.Errorf("the PBX is offered %s", d)
	}
	hold := strings.Replace(offer, "sendrecv", "sendonly", 1)
	ack := w.want(w.send(pbxAddr, inDialog(ok, "ACK", 12, "Content-Type: application/sdp\nContent-Length: LENGTH\n\n"+hold)), "b ACK")[0]
	if d := directionOf(ack); d != "sendonly" {
		t.Errorf("the ITSP reads %s", d)
	}
	if far := w.s.calls.All()[0].Line(1, 0); far.Remote.Port() != 6010 {
		t.Errorf("the ITSP's media is %v", far)
	}

	far := w.want(w.fromFar(inv, "INVITE", 1, gateway+"Content-Length: 0\n\n"), "b 100, a INVITE")[1]
	w.want(w.send(pbxAddr, respond(far, 200, contact, offer)), "b 200")
	w.want(w.fromFar(inv, "ACK", 1, "Content-Type: application/sdp\nContent-Length: LENGTH\n\n"+answer), "a ACK")
	if st := w.s.calls.All()[0].State(); st != "talking" {
		t.Errorf("the call is %s", st)
	}
	w.bye(ok, 13)
}

// A 2xx that should have had an answer and has none changes nothing, now and
// later.
func TestReInviteAnsweredWithoutDescription(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	hold := strings.Replace(strings.Replace(offer, "sendrecv", "inactive", 1), "49170", "50000", 1)
	re := w.want(w.send(pbxAddr, reInvite(ok, 11, hold)), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(re, 200, gateway, "")), "a 200")
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "b ACK")
	if far := w.s.calls.All()[0].Line(0, 0); far.Remote.Port() != 49170 || far.Direction.String() != "sendrecv" {
		t.Errorf("the PBX's media is %v", far)
	}
	far := w.want(w.fromFar(inv, "INVITE", 1, farReInvite(answer)), "b 100, a INVITE")[1]
	if d := directionOf(far); d != "none" && d != "sendrecv" {
		t.Errorf("the PBX is offered %s", d)
	}
	w.want(w.send(pbxAddr, respond(far, 200, "Contact: <sip:100@192.168.1.10:5060>\n", offer)), "b 200")
	w.want(w.fromFar(inv, "ACK", 1, ""), "a ACK")
	w.bye(ok, 12)
}

// Both sides hold, one resumes: each reads what the other allows.
func TestHoldFromBothSides(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	dir := func(sdp, d string) string {
		if strings.Contains(sdp, "a=sendrecv\n") {
			return strings.Replace(sdp, "sendrecv", d, 1)
		}
		return sdp + "a=" + d + "\n"
	}
	contact := "Contact: <sip:100@192.168.1.10:5060>\n"
	re := w.want(w.send(pbxAddr, reInvite(ok, 11, dir(offer, "sendonly"))), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(re, 200, gateway, dir(answer, "recvonly"))), "a 200")
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "b ACK")

	far := w.want(w.fromFar(inv, "INVITE", 1, farReInvite(dir(answer, "sendonly"))), "b 100, a INVITE")[1]
	both := w.want(w.send(pbxAddr, respond(far, 200, contact, dir(offer, "inactive"))), "b 200")[0]
	if d := directionOf(both); d != "inactive" {
		t.Errorf("when both hold, the ITSP reads %s", d)
	}
	w.want(w.fromFar(inv, "ACK", 1, ""), "a ACK")

	re = w.want(w.send(pbxAddr, reInvite(ok, 12, offer)), "a 100, b INVITE")[1]
	if d := directionOf(re); d != "sendrecv" {
		t.Errorf("the PBX resumes, the ITSP reads %s", d)
	}
	one := w.want(w.send(itspAddr, respond(re, 200, gateway, dir(answer, "sendonly"))), "a 200")[0]
	if d := directionOf(one); d != "sendonly" {
		t.Errorf("the ITSP still holds, the PBX reads %s", d)
	}
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 12, "")), "b ACK")
	w.bye(ok, 13)
}

// c=0.0.0.0 in an answer: the far end takes nothing, and what it sends comes
// from where it came from before.
func TestZeroAddressInAnAnswer(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	re := w.want(w.send(pbxAddr, reInvite(ok, 11, offer)), "a 100, b INVITE")[1]
	agreed := w.want(w.send(itspAddr, respond(re, 200, gateway, strings.Replace(answer, "c=IN IP4 198.51.100.77", "c=IN IP4 0.0.0.0", 1))), "a 200")[0]
	if d := directionOf(agreed); d != "sendonly" {
		t.Errorf("the PBX reads %s", d)
	}
	if !strings.Contains(body(agreed), "c=IN IP4 192.168.1.1\r\n") {
		t.Errorf("the PBX reads\n%s", body(agreed))
	}
	if far := w.s.calls.All()[0].Line(1, 0); far.Remote.String() != "198.51.100.77:6000" || far.Direction.String() != "sendonly" {
		t.Errorf("the ITSP's media is %v", far)
	}
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "b ACK")
	w.bye(ok, 12)
}

// A line that one side switches off is off for both; a line more takes ports.
func TestMediaLinesComeAndGo(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	two := strings.Replace(offer, "a=sendrecv\n", "a=sendrecv\nm=video 49180 RTP/AVP 99\n", 1)
	re := w.want(w.send(pbxAddr, reInvite(ok, 11, two)), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(re, 200, gateway, answer+video)), "a 200")
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "b ACK")
	if n := w.media.Streams(); n != 2 {
		t.Errorf("%d streams", n)
	}
	off := strings.Replace(two, "m=video 49180", "m=video 0", 1)
	re = w.want(w.send(pbxAddr, reInvite(ok, 12, off)), "a 100, b INVITE")[1]
	if !strings.Contains(body(re), "m=video 0 ") {
		t.Errorf("the ITSP reads\n%s", body(re))
	}
	agreed := w.want(w.send(itspAddr, respond(re, 200, gateway, answer+video)), "a 200")[0]
	if !strings.Contains(body(agreed), "m=video 0 ") {
		t.Errorf("the PBX reads\n%s", body(agreed))
	}
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 12, "")), "b ACK")
	if !w.s.calls.All()[0].Line(1, 1).Off {
		t.Error("the video of the ITSP is not off")
	}
	w.bye(ok, 13)
}

// RFC 3264 section 5: a description without media lines is legal. The address
// in it is ours.
func TestNoMediaLines(t *testing.T) {
	none := offer[:strings.Index(offer, "m=")]
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, strings.Replace(invite, offer, none, 1)), "a 100, b INVITE")[1]
	if !strings.Contains(body(inv), "IN IP4 203.0.113.7\r\n") || strings.Contains(body(inv), "198.51.100.5") {
		t.Errorf("the ITSP reads\n%s", body(inv))
	}
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer[:strings.Index(answer, "m=")])), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	re := w.want(w.send(pbxAddr, reInvite(ok, 11, offer)), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(re, 200, gateway, answer)), "a 200")
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "b ACK")
	if far := w.s.calls.All()[0].Line(0, 0); far.Off || far.Remote.Port() != 49170 {
		t.Errorf("the PBX's media is %v", far)
	}
	w.bye(ok, 12)
}

// RFC 5761 section 5.1.1: where the answer does not agree to multiplexing,
// RTCP has a port of its own, for the side that offered it too.
func TestMuxThatIsNotAgreedTo(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, withSDP("a=sendrecv\n", "a=sendrecv\na=rtcp-mux\n")), "a 100, b INVITE")[1]
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	if strings.Contains(body(ok), "rtcp-mux") {
		t.Fatalf("the PBX reads\n%s", body(ok))
	}
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	rr := []byte{0x80, 201, 0, 1, 1, 2, 3, 4}
	to := audioOf(t, inv)
	sent, cause := w.media.Inject(netip.AddrPortFrom(to.Addr(), to.Port()+1), netip.MustParseAddrPort("198.51.100.77:6001"), rr)
	if cause != mediarelay.Pass || sent.To != netip.MustParseAddrPort("192.168.1.44:49171") {
		t.Errorf("the ITSP's report goes to %v (%v)", sent.To, cause)
	}
	from := audioOf(t, ok)
	sent, cause = w.media.Inject(netip.AddrPortFrom(from.Addr(), from.Port()+1), netip.MustParseAddrPort("192.168.1.44:49171"), rr)
	if cause != mediarelay.Pass || sent.To != netip.MustParseAddrPort("198.51.100.77:6001") {
		t.Errorf("the PBX's report goes to %v (%v)", sent.To, cause)
	}
	w.bye(ok, 11)
}

// A description outside of INVITE, ACK and their responses offers nothing
// that we could relay; its addresses must not cross.
func TestDescriptionInOptions(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	other := strings.ReplaceAll(answer, "198.51.100.77", "10.99.99.99")
	options := w.want(w.send(pbxAddr, inDialog(ok, "OPTIONS", 11, "")), "b OPTIONS")[0]
	back := w.want(w.send(itspAddr, respond(options, 200, "", other)), "a 200")[0]
	if strings.Contains(back.bytes, "10.99.99.99") {
		t.Errorf("the PBX reads\n%s", back.bytes)
	}
	info := w.want(w.fromFar(inv, "INFO", 1, "Content-Type: application/sdp\nContent-Length: LENGTH\n\n"+other), "a INFO")[0]
	if strings.Contains(info.bytes, "10.99.99.99") {
		t.Errorf("the PBX reads\n%s", info.bytes)
	}
	w.want(w.send(pbxAddr, respond(info, 200, "", "")), "b 200")
	bye := w.want(w.fromFar(inv, "BYE", 2, "Content-Type: application/sdp\nContent-Length: LENGTH\n\n"+other), "b 200, a BYE")[1]
	if strings.Contains(bye.bytes, "10.99.99.99") {
		t.Errorf("the PBX reads\n%s", bye.bytes)
	}
	w.want(w.send(pbxAddr, respond(bye, 200, "", "")), "")
	w.nothingLeft()
}

// A leak never withholds what ends a call or tells how it goes: the message
// goes out with nothing of the other side in it.
func TestLeakWithholdsNothing(t *testing.T) {
	for mode := range map[topology.Mode]bool{topology.ModeRefuse: true, topology.ModeScrub: true} {
		t.Run(mode.String(), func(t *testing.T) {
			w := newWorld(t)
			for i := range w.s.opt.Realms {
				w.s.opt.Realms[i].Topology.Audit = mode
			}
			// The Call-ID of our leg to the ITSP in a place that cannot be scrubbed.
			inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
			leak := "Event: " + inv.field("Call-ID") + "\n"
			ringing := w.want(w.send(itspAddr, respond(inv, 180, gateway+"Record-Route: <sip:198.51.100.9;lr>\n"+leak, "")), "a 180")[0]
			if ringing.field("Contact") == "" {
				t.Errorf("no Contact:\n%s", ringing.bytes)
			}
			ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
			ack := w.want(w.send(pbxAddr, inDialog(ok, "ACK", 10, "Event: secret-call@192.168.1.10\nContent-Length: 0\n\n")), "b ACK")[0]
			info := w.want(w.send(pbxAddr, inDialog(ok, "INFO", 11, "")), "b INFO")[0]
			no := w.want(w.send(itspAddr, respond(info, 200, leak, "")), "a 200")[0]
			out := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 12, "Event: secret-call@192.168.1.10\nContent-Length: 0\n\n")), "a 200, b BYE")
			for _, x := range []wire{ringing, ack, no, out[1]} {
				if x.field("Event") != "" {
					t.Errorf("it leaks:\n%s", x.bytes)
				}
			}
			w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
			w.nothingLeft()
		})
	}
}

// A late offer whose answer cannot go out as it is must not be answered by
// nothing: the offer is declined and the call ends.
func TestLeakInTheAckThatAnswers(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, withoutBody(invite)), "a 100, b INVITE")[1]
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	out := w.want(w.send(pbxAddr, inDialog(ok, "ACK", 10, "Event: secret-call@192.168.1.10\nContent-Type: application/sdp\nContent-Length: LENGTH\n\n"+offer)), "b ACK, a BYE, b BYE")
	if !strings.Contains(body(out[0]), "m=audio 0 ") {
		t.Errorf("the offer is not declined:\n%s", out[0].bytes)
	}
	w.nothingLeft()
}

// A call becomes a fax in the media line that was its audio (ITU-T T.38
// section D.2.2), and audio again.
func TestAudioBecomesFax(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	fax := offer[:strings.Index(offer, "m=")] + "m=image 49190 udptl t38\na=T38FaxVersion:0\n"
	farFax := answer[:strings.Index(answer, "m=")] + "m=image 6020 udptl t38\na=T38FaxVersion:0\n"
	re := w.want(w.send(pbxAddr, reInvite(ok, 11, fax)), "a 100, b INVITE")[1]
	agreed := w.want(w.send(itspAddr, respond(re, 200, gateway, farFax)), "a 200")[0]
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "b ACK")
	udptl := []byte{0, 1, 2, 0xc0, 0x01, 0x80, 0}
	sent, cause := w.media.Inject(audioOf(t, agreed), netip.MustParseAddrPort("192.168.1.44:49190"), udptl)
	if cause != mediarelay.Pass || sent.To != netip.MustParseAddrPort("198.51.100.77:6020") {
		t.Errorf("the fax goes to %v (%v)", sent.To, cause)
	}
	re = w.want(w.send(pbxAddr, reInvite(ok, 12, offer)), "a 100, b INVITE")[1]
	agreed = w.want(w.send(itspAddr, respond(re, 200, gateway, answer)), "a 200")[0]
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 12, "")), "b ACK")
	rtp := append([]byte{0x80, 8, 0, 1}, make([]byte, 168)...)
	if sent, cause := w.media.Inject(audioOf(t, agreed), netip.MustParseAddrPort("192.168.1.44:49170"), rtp); cause != mediarelay.Pass {
		t.Errorf("the audio goes to %v (%v)", sent.To, cause)
	}
	w.bye(ok, 13)
}
