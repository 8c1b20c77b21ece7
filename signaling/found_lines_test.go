package signaling

import (
	"strings"
	"testing"
)

// An answer has a line for each that was offered, and no more (RFC 3264
// section 6).
const tooManyLines = answer + "m=audio 6002 RTP/AVP 8\n"

// Found by the simulation: more lines in a 183 than were offered made us panic.
func TestEarlyAnswerWithTooManyLines(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	early := w.want(w.send(itspAddr, respond(inv, 183, gateway, tooManyLines)), "a 183")[0]
	if body(early) != "" {
		t.Errorf("the answer crossed:\n%s", early.bytes)
	}
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	w.bye(ok, 11)
}

func TestAnswerInAckWithTooManyLines(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, withoutBody(invite)), "a 100, b INVITE")[1]
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	ack := inDialog(ok, "ACK", 10, "Content-Type: application/sdp\nContent-Length: LENGTH\n\n"+tooManyLines)
	out := w.want(w.send(pbxAddr, ack), "b ACK, a BYE, b BYE")
	if !strings.Contains(body(out[0]), "m=audio 0 ") {
		t.Errorf("the ACK does not decline the offer:\n%s", out[0].bytes)
	}
	w.want(w.send(pbxAddr, respond(out[1], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(out[2], 200, "", "")), "")
	w.nothingLeft()
}

// Media whose path is a name of the far side (MSRP, RFC 4975) cannot be relayed
// by port: the line is refused, and its path told to nobody.
func TestMSRPIsRefused(t *testing.T) {
	w := newWorld(t)
	chat := "m=message 7654 TCP/MSRP *\na=accept-types:text/plain\na=path:msrp://192.168.1.44:7654/iau39;tcp\n"
	inv := w.want(w.send(pbxAddr, strings.Replace(invite, offer, offer+chat, 1)), "a 100, b INVITE")[1]
	if b := body(inv); !strings.Contains(b, "m=message 0 TCP/MSRP *\r\n") || strings.Contains(b, "a=path") {
		t.Errorf("the ITSP reads\n%s", b)
	}
	w.want(w.send(itspAddr, respond(inv, 200, gateway, answer+"m=message 0 TCP/MSRP *\n")), "a 200")
}
