package signaling

import (
	"strings"
	"testing"
	"time"

	"sbc/mediarelay"
	"sbc/policy"
)

// bye ends the call from the PBX and checks that nothing is left.
func (w *world) bye(ok wire, seq uint32) {
	w.t.Helper()
	out := w.want(w.send(pbxAddr, inDialog(ok, "BYE", seq, "")), "a 200, b BYE")
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
	w.nothingLeft()
}

func TestEarlyMedia(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	early := w.want(w.send(itspAddr, respond(inv, 183, gateway, answer)), "a 183")[0]
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	if a, b := body(early), body(ok); a != b {
		t.Errorf("the answer in 183 and in 200 differ:\n%s\n%s", a, b)
	}
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	w.bye(ok, 11)
}

func body(x wire) string { return string(x.msg.Bytes(x.msg.Body())) }

func withoutBody(msg string) string {
	head, _, _ := strings.Cut(msg, "Content-Type: application/sdp\n")
	return head + "Content-Length: 0\n\n"
}

func TestLateOffer(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, withoutBody(invite)), "a 100, b INVITE")[1]
	if b := body(inv); b != "" {
		t.Fatalf("the INVITE has a body: %s", b)
	}
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	if !strings.Contains(body(ok), "c=IN IP4 192.168.1.1\r\n") {
		t.Errorf("the offer in the 200 does not name our address:\n%s", body(ok))
	}
	ack := w.want(w.send(pbxAddr, inDialog(ok, "ACK", 10, "Content-Type: application/sdp\nContent-Length: LENGTH\n\n"+offer)), "b ACK")[0]
	if !strings.Contains(body(ack), "c=IN IP4 203.0.113.7\r\n") || strings.Contains(body(ack), "m=audio 0") {
		t.Errorf("the answer in the ACK does not name our address:\n%s", body(ack))
	}
	w.bye(ok, 11)
}

// RFC 3261 section 13.2.1: the ACK has to carry the answer.
func TestLateOfferWithoutAnswer(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, withoutBody(invite)), "a 100, b INVITE")[1]
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	out := w.want(w.send(pbxAddr, ackFor(ok)), "b ACK, a BYE, b BYE")
	w.want(w.send(pbxAddr, respond(out[1], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(out[2], 200, "", "")), "")
	w.nothingLeft()
}

func cancelOf(msg string) string {
	var b strings.Builder
	for _, line := range strings.Split(msg, "\n") {
		switch name, _, _ := strings.Cut(line, ":"); name {
		case "Via", "From", "To", "Call-ID", "Max-Forwards":
			b.WriteString(line + "\n")
		}
	}
	return strings.Replace(strings.SplitN(msg, "\n", 2)[0], "INVITE", "CANCEL", 1) + "\n" + b.String() + "CSeq: 10 CANCEL\nContent-Length: 0\n\n"
}

func pbxAck(resp wire) string {
	return "ACK sip:+4930123@192.168.1.1 SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKpbxone;rport\nMax-Forwards: 70\nFrom: " +
		resp.field("From") + "\nTo: " + resp.field("To") + "\nCall-ID: secret-call@192.168.1.10\nCSeq: 10 ACK\nContent-Length: 0\n\n"
}

// RFC 3261 section 9.1: a CANCEL waits for a provisional response.
func TestCancelBeforeProvisional(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	out := w.want(w.send(pbxAddr, cancelOf(invite)), "a 200, a 487")
	w.want(w.send(pbxAddr, pbxAck(out[1])), "")
	cancel := w.want(w.send(itspAddr, respond(inv, 100, "", "")), "b CANCEL")[0]
	w.want(w.send(itspAddr, respond(cancel, 200, "", "")), "")
	w.want(w.send(itspAddr, respond(inv, 487, "", "")), "b ACK")
	w.nothingLeft()
}

func TestCancelWhileRinging(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "a 180")
	out := w.want(w.send(pbxAddr, cancelOf(invite)), "a 200, a 487, b CANCEL")
	w.want(w.send(pbxAddr, pbxAck(out[1])), "")
	w.want(w.send(itspAddr, respond(out[2], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(inv, 487, "", "")), "b ACK")
	w.nothingLeft()
}

// A 200 that crosses our CANCEL is acknowledged, and its dialog ended.
func TestCancelCrosses200(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "a 180")
	out := w.want(w.send(pbxAddr, cancelOf(invite)), "a 200, a 487, b CANCEL")
	w.want(w.send(pbxAddr, pbxAck(out[1])), "")
	won := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "b ACK, b BYE")
	w.want(w.send(itspAddr, respond(out[2], 481, "", "")), "")
	w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "b ACK")
	w.want(w.send(itspAddr, respond(won[1], 200, "", "")), "")
	w.nothingLeft()
}

// RFC 3261 section 9.2: a CANCEL that comes after the 200 has no effect.
func TestCancelTooLate(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	w.want(w.send(pbxAddr, cancelOf(invite)), "a 200")
	w.bye(ok, 11)
}

func TestCancelOfNothing(t *testing.T) {
	w := newWorld(t)
	w.want(w.send(pbxAddr, cancelOf(invite)), "a 481")
	w.nothingLeft()
}

func TestBusy(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	out := w.want(w.send(itspAddr, respond(inv, 486, "Warning: 399 gw.carrier.example \"no circuit\"\n", "")), "b ACK, a 486")
	if strings.Contains(out[1].bytes, "carrier.example") {
		t.Errorf("the PBX learns the gateway's name:\n%s", out[1].bytes)
	}
	again := w.want(w.wait(600*time.Millisecond), "a 486")
	if again[0].bytes != out[1].bytes {
		t.Error("the response that is sent again differs from the first")
	}
	w.want(w.send(pbxAddr, pbxAck(out[1])), "")
	w.nothingLeft()
}

// A peer that says 503 or nothing at all makes way for the next.
func TestFailover(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func(w *world, inv wire) []wire
		want string
	}{
		{"503", func(w *world, inv wire) []wire { return w.send(itspAddr, respond(inv, 503, "", "")) }, "b ACK, b INVITE"},
		{"silence", func(w *world, inv wire) []wire {
			w.want(w.wait(31*time.Second), "b INVITE, b INVITE, b INVITE, b INVITE, b INVITE")
			return w.wait(1200 * time.Millisecond)
		}, "b INVITE, b INVITE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
			out := c.fail(w, inv)
			next := out[len(out)-1]
			if next.to != backup {
				t.Fatalf("the next INVITE goes to %v\n%v", next.to, labels(out))
			}
			if strings.Contains(next.bytes, "sip.itsp.example") || next.field("Call-ID") == inv.field("Call-ID") {
				t.Errorf("the second peer learns of the first:\n%s", next.bytes)
			}
			ok := w.want(w.send(backup, respond(next, 200, gateway, answer)), "a 200")[0]
			w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
			out = w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, b BYE")
			w.want(w.send(backup, respond(out[1], 200, "", "")), "")
			w.nothingLeft()
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) { p.Routes[0].To = []int{1} })
	w.send(pbxAddr, invite)
	w.wait(31900 * time.Millisecond)
	out := w.want(w.wait(200*time.Millisecond), "a 408")
	w.want(w.send(pbxAddr, pbxAck(out[0])), "")
	w.nothingLeft()
}

// RFC 3261 section 16.8: an INVITE that rings for ever is given up.
func TestRingTimeout(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "a 180")
	w.want(w.wait(179*time.Second), "")
	out := w.want(w.wait(time.Second+time.Millisecond), "a 408, b CANCEL")
	w.want(w.send(pbxAddr, pbxAck(out[0])), "")
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(inv, 487, "", "")), "b ACK")
	w.nothingLeft()
}

// The callee dies after our CANCEL: 64*T1 later nothing of it is left.
func TestNoFinalAfterCancel(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "a 180")
	out := w.want(w.send(pbxAddr, cancelOf(invite)), "a 200, a 487, b CANCEL")
	w.want(w.send(pbxAddr, pbxAck(out[1])), "")
	w.nothingLeft()
}

// RFC 3261 section 13.3.1.4: the 200 is sent again until its ACK comes; after
// 64*T1 without one, both sides are told that the call is over.
func TestNoAck(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")
	w.want(w.wait(8*time.Second), "a 200, a 200, a 200, a 200")
	out := w.wait(24*time.Second + time.Millisecond)
	if got := labels(out); !strings.HasSuffix(got, "b ACK, a BYE, b BYE") {
		t.Fatalf("the SBC sent %s", got)
	}
	n := len(out)
	w.want(w.send(pbxAddr, respond(out[n-2], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(out[n-1], 200, "", "")), "")
	w.nothingLeft()
}

// The callee's 200 comes again because our ACK was lost.
func TestRetransmitted200(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "b ACK")
	w.want(w.send(pbxAddr, ackFor(ok)), "")
	w.bye(ok, 11)
}

// A retransmitted INVITE gets the same octets again, and opens no second call.
func TestRetransmittedInvite(t *testing.T) {
	w := newWorld(t)
	first := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")
	again := w.want(w.send(pbxAddr, invite), "a 100")
	if first[0].bytes != again[0].bytes {
		t.Errorf("the answer changed:\n%s\n%s", first[0].bytes, again[0].bytes)
	}
	w.want(w.send(itspAddr, respond(first[1], 603, "", "")), "b ACK, a 603")
	w.nothingLeft()
}

// A pool of 100 pairs, 1,000 calls offered: exactly 100 are up, the others are
// told at once, and afterwards all pairs are there again when they have rested.
func TestPortsExhausted(t *testing.T) {
	w := newWorld(t)
	var up []wire
	for i := range 1000 {
		text := strings.NewReplacer("pbxone", "b"+itoa(uint32(i)), "secret-call", "call-number-"+itoa(uint32(i))).Replace(invite)
		switch out := w.send(pbxAddr, text); labels(out) {
		case "a 100, b INVITE":
			up = append(up, out[1])
		case "a 100, a 503":
			if out[1].field("Retry-After") == "" {
				t.Errorf("no Retry-After:\n%s", out[1].bytes)
			}
		default:
			t.Fatalf("the SBC sent %s", labels(out))
		}
	}
	if n := w.s.stats.rejects["ports"]; len(up) != 100 || n != 900 {
		t.Errorf("%d calls are up and %d were refused for want of ports, of 1000", len(up), n)
	}
	w.want(w.send(itspAddr, respond(up[0], 486, "", "")), "b ACK, a 486")
	again := strings.NewReplacer("pbxone", "again", "secret-call", "call-again").Replace(invite)
	w.want(w.send(pbxAddr, again), "a 100, a 503") // the pair has to rest
	w.wait(mediarelay.DefaultRest)
	again = strings.NewReplacer("pbxone", "later", "secret-call", "call-later").Replace(invite)
	up[0] = w.want(w.send(pbxAddr, again), "a 100, b INVITE")[1]
	for _, inv := range up {
		w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")
	}
	w.nothingLeft()
	for _, use := range w.media.Ports() {
		if use.InUse != 0 || use.Resting != 0 {
			t.Errorf("%+v", use)
		}
	}
}

func TestCallsLimit(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) { p.Peers[1].Limits.Calls, p.Peers[2].Limits.Calls = 1, 1 })
	one := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	second := strings.NewReplacer("pbxone", "two", "secret-call", "other-call").Replace(invite)
	two := w.want(w.send(pbxAddr, second), "a 100, b INVITE")[1]
	if two.to != backup {
		t.Errorf("the second call goes to %v", two.to)
	}
	third := strings.NewReplacer("pbxone", "three", "secret-call", "third-call").Replace(invite)
	w.want(w.send(pbxAddr, third), "a 100, a 503")
	w.want(w.send(itspAddr, respond(one, 486, "", "")), "b ACK, a 486")
	w.want(w.send(backup, respond(two, 486, "", "")), "b ACK, a 486")
	w.nothingLeft()
}

// RFC 3264 section 6: an answer has as many media lines as the offer. One with
// more is of no use to the caller, and takes no port.
func TestAnswerWithMoreLines(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	out := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer+"m=video 7000 RTP/AVP 96\n")), "b ACK, a 500, b BYE")
	w.want(w.send(pbxAddr, pbxAck(out[1])), "")
	w.want(w.send(itspAddr, respond(out[2], 200, "", "")), "")
	w.nothingLeft()
}
