package signaling

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/policy"
	"sbc/signaling/b2bua"
)

// fromFar sends a request of the ITSP in the dialog that inv and its 200 opened.
func (w *world) fromFar(inv wire, method string, seq uint32, rest string) []wire {
	w.t.Helper()
	return w.send(itspAddr, fromITSP(inv.bytes, respond(inv, 200, gateway, answer), method, seq, rest))
}

func farReInvite(sdp string) string {
	return gateway + "Content-Type: application/sdp\nContent-Length: LENGTH\n\n" + sdp
}

// RFC 3261 section 20.16: a CSeq of 0 is as good as any.
func TestCSeqZero(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, replaced("CSeq: 10 INVITE", "CSeq: 0 INVITE")), "a 100, b INVITE")[1]
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	if got := ok.field("CSeq"); got != "0 INVITE" {
		t.Errorf("the 200 has CSeq %q", got)
	}
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 0, "")), "b ACK")
	info := w.want(w.fromFar(inv, "INFO", 0, ""), "a INFO")[0]
	if got := w.want(w.send(pbxAddr, respond(info, 200, "", "")), "b 200")[0].field("CSeq"); got != "0 INFO" {
		t.Errorf("the 200 to the INFO has CSeq %q", got)
	}
	w.bye(ok, 1)
}

// RFC 3261 section 12.2.2: a request that is refused has used its number.
func TestCSeqOfARefusedRequest(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	w.want(w.send(pbxAddr, inDialog(ok, "REGISTER", 12, "")), "a 405")
	w.want(w.send(pbxAddr, inDialog(ok, "INFO", 11, "")), "a 500")
	w.bye(ok, 13)
}

// RFC 3261 section 14.1: the remote target is part of what a refused
// re-INVITE leaves as it was.
func TestRefusedReInviteKeepsTheTarget(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	moved := strings.Replace(reInvite(ok, 11, offer), "<sip:100@192.168.1.10:5060>", "<sip:100@192.168.1.66:5066>", 1)
	re := w.want(w.send(pbxAddr, moved), "a 100, b INVITE")[1]
	no := w.want(w.send(itspAddr, respond(re, 488, "", "")), "b ACK, a 488")[1]
	w.want(w.send(pbxAddr, ackOf(no, "INVITE11")), "")
	bye := w.fromFar(inv, "BYE", 1, "")[1]
	if bye.to != pbxAddr || !strings.HasPrefix(bye.bytes, "BYE sip:100@192.168.1.10:5060 ") {
		t.Errorf("the BYE goes to %v:\n%s", bye.to, bye.bytes)
	}
	w.want(w.send(pbxAddr, respond(bye, 200, "", "")), "")
	w.nothingLeft()
}

// A re-INVITE that succeeds moves the target.
func TestReInviteMovesTheTarget(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	moved := strings.Replace(reInvite(ok, 11, offer), "<sip:100@192.168.1.10:5060>", "<sip:100@192.168.1.66:5066>", 1)
	re := w.want(w.send(pbxAddr, moved), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(re, 200, gateway, answer)), "a 200")
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "b ACK")
	bye := w.fromFar(inv, "BYE", 1, "")[1]
	if want := netip.MustParseAddrPort("192.168.1.66:5066"); bye.to != want {
		t.Errorf("the BYE goes to %v, want %v", bye.to, want)
	}
	w.want(w.send(pbxAddr, respond(bye, 200, "", "")), "")
	w.nothingLeft()
}

// An INVITE while the first one has no final response is pending, not lost.
func TestReInviteInEarlyDialog(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	ringing := w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "a 180")[0]
	out := w.want(w.send(pbxAddr, reInvite(ringing, 11, offer)), "a 100, a 500")
	if out[1].field("Retry-After") == "" {
		t.Errorf("no Retry-After:\n%s", out[1].bytes)
	}
	w.want(w.send(pbxAddr, ackOf(out[1], "INVITE11")), "")
	no := w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// Digits are sent while an announcement plays before the answer: requests
// cross in an early dialog, from both sides.
func TestRequestsInEarlyDialog(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	early := w.want(w.send(itspAddr, respond(inv, 183, gateway, answer)), "a 183")[0]
	info := w.want(w.send(pbxAddr, inDialog(early, "INFO", 11, "")), "b INFO")[0]
	if got := info.field("To"); !strings.Contains(got, ";tag=fartag99") {
		t.Errorf("To is %q", got)
	}
	if !strings.HasPrefix(info.bytes, "INFO sip:gw@198.51.100.77:5062 ") {
		t.Errorf("the INFO goes elsewhere:\n%s", info.bytes)
	}
	w.want(w.send(itspAddr, respond(info, 200, "", "")), "a 200")
	back := w.want(w.fromFar(inv, "INFO", 1, ""), "a INFO")[0]
	w.want(w.send(pbxAddr, respond(back, 200, "", "")), "b 200")
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	w.bye(ok, 12)
}

// Without a tag of the callee there is no dialog with it yet.
func TestRequestBeforeTheEarlyDialog(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.want(w.fromFar(inv, "INFO", 1, ""), "b 481")
	no := w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// RFC 3261 section 15: a caller may end an early dialog by BYE.
func TestByeInEarlyDialog(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	ringing := w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "a 180")[0]
	out := w.want(w.send(pbxAddr, inDialog(ringing, "BYE", 11, "")), "a 200, a 487, b CANCEL")
	w.want(w.send(pbxAddr, pbxAck(out[1])), "")
	w.want(w.send(itspAddr, respond(out[2], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(inv, 487, "", "")), "b ACK")
	w.nothingLeft()
}

// RFC 3261 section 13.2.2.4: each branch of a fork that answers later is
// acknowledged and ended, once, however often its 200 comes.
func TestForked200(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	fork := strings.ReplaceAll(respond(inv, 200, gateway, answer), "fartag99", "secondtag")
	out := w.want(w.send(itspAddr, fork), "b ACK, b BYE")
	for _, x := range out {
		if !strings.Contains(x.field("To"), "secondtag") {
			t.Errorf("not for the second branch:\n%s", x.bytes)
		}
	}
	w.want(w.send(itspAddr, fork), "b ACK")
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
	w.want(w.send(itspAddr, fork), "b ACK")
	for i := range 100 {
		w.send(itspAddr, strings.ReplaceAll(respond(inv, 200, gateway, answer), "fartag99", fmt.Sprintf("fork%04d", i)))
	}
	if n := len(w.s.clients); n > 20 {
		t.Errorf("%d client transactions for answers to one INVITE", n)
	}
	w.wait(33 * time.Second)
	w.bye(ok, 11)
}

// A 18x that was overtaken by the 200 goes nowhere.
func TestLate18x(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "")
	w.bye(ok, 11)
}

// Our ACK for the first 200 is lost, and the next INVITE is under way when
// that 200 comes again: it still has to be acknowledged.
func TestRetransmitted200WhileReInvite(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	re := w.want(w.send(pbxAddr, reInvite(ok, 11, offer)), "a 100, b INVITE")[1]
	ack := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "b ACK")[0]
	if got, want := ack.msg.CSeq(), inv.msg.CSeq(); got != want {
		t.Errorf("the ACK has CSeq %d, want %d", got, want)
	}
	w.want(w.send(itspAddr, respond(re, 200, gateway, answer)), "a 200")
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "b ACK")
	w.bye(ok, 12)
}

// An ACK that belongs to no INVITE of the dialog has no effect.
func TestAckOfAnotherNumber(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 9, "")), "")
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "")
	w.want(w.wait(500*time.Millisecond), "a 200")
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	w.bye(ok, 11)
}

// An ACK for nothing is dropped, and counted.
func TestAckOfNoDialog(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	w.want(w.send(pbxAddr, strings.Replace(ackFor(ok), "fartag", "nobody", 1)), "")
	w.want(w.send(pbxAddr, strings.Replace(ackFor(ok), "secret-call", "other-call", 1)), "")
	if n := w.s.stats.rejects["no_dialog"]; n != 1 {
		t.Errorf("counted %d", n)
	}
	w.bye(ok, 11)
}

// A BYE ends the call while a re-INVITE of either side is under way.
func TestByeWhileReInvite(t *testing.T) {
	for _, c := range []struct {
		name string
		bye  func(w *world, inv, ok wire) []wire
		want string
	}{
		{"from the caller", func(w *world, _, ok wire) []wire { return w.send(pbxAddr, inDialog(ok, "BYE", 12, "")) }, "a 200, a 487, b CANCEL, b BYE"},
		{"from the callee", func(w *world, inv, _ wire) []wire { return w.fromFar(inv, "BYE", 1, "") }, "b 200, a 487, b CANCEL, a BYE"},
		{"by the operator", func(w *world, _, _ wire) []wire {
			w.s.EndAll("operator")
			return w.sent()
		}, "a 480, b CANCEL, a BYE, b BYE"},
	} {
		for _, final := range []int{487, 200} {
			t.Run(fmt.Sprint(c.name, " ", final), func(t *testing.T) {
				w := newWorld(t)
				inv, ok := w.setUp()
				re := w.want(w.send(pbxAddr, reInvite(ok, 11, offer)), "a 100, b INVITE")[1]
				w.want(w.send(itspAddr, respond(re, 100, "", "")), "")
				out := w.want(c.bye(w, inv, ok), c.want)
				for _, x := range out {
					switch x.label() {
					case "487", "480":
						w.want(w.send(pbxAddr, ackOf(x, "INVITE11")), "")
					case "CANCEL", "BYE":
						to := itspAddr
						if x.to == pbxAddr {
							to = pbxAddr
						}
						w.want(w.send(to, respond(x, 200, "", "")), "")
					}
				}
				body := ""
				if final == 200 {
					body = answer
				}
				w.want(w.send(itspAddr, respond(re, final, gateway, body)), "b ACK")
				w.nothingLeft()
			})
		}
	}
}

// The operator may end a call in every state.
func TestHangupInEveryState(t *testing.T) {
	hangup := func(w *world) []wire {
		w.s.EndAll("operator")
		return w.sent()
	}
	for _, c := range []struct {
		name string
		do   func(w *world)
		want string
	}{
		{"calling", func(w *world) { w.send(pbxAddr, invite) }, "a 480"},
		{"ringing", func(w *world) {
			inv := w.send(pbxAddr, invite)[1]
			w.send(itspAddr, respond(inv, 180, gateway, ""))
		}, "a 480, b CANCEL"},
		{"answered", func(w *world) {
			inv := w.send(pbxAddr, invite)[1]
			w.send(itspAddr, respond(inv, 200, gateway, answer))
		}, "b ACK, a BYE, b BYE"},
		{"late offer answered", func(w *world) {
			inv := w.send(pbxAddr, withoutBody(invite))[1]
			w.send(itspAddr, respond(inv, 200, gateway, answer))
		}, "b ACK, a BYE, b BYE"},
		{"talking", func(w *world) { w.setUp() }, "a BYE, b BYE"},
		{"ending", func(w *world) {
			_, ok := w.setUp()
			w.send(pbxAddr, inDialog(ok, "BYE", 11, ""))
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.do(w)
			w.want(hangup(w), c.want)
			w.want(hangup(w), "")
			w.nothingLeft()
		})
	}
}

// A CANCEL says why: "completed elsewhere" is no missed call (RFC 3326).
func TestCancelReason(t *testing.T) {
	const reason = `SIP;cause=200;text="Call completed elsewhere"`
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.want(w.send(pbxAddr, strings.Replace(cancelOf(invite), "Content-Length", "Reason: "+reason+"\nContent-Length", 1)), "a 200, a 487")
	cancel := w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "b CANCEL")[0]
	if got := cancel.field("Reason"); got != reason {
		t.Errorf("Reason is %q:\n%s", got, cancel.bytes)
	}
	w.want(w.send(itspAddr, respond(cancel, 200, "", "")), "")
	w.want(w.send(itspAddr, respond(inv, 487, "", "")), "b ACK")
	w.nothingLeft()
}

// What a Reason must not tell is not told; the CANCEL goes out all the same.
func TestCancelReasonIsAudited(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "a 180")
	out := w.send(pbxAddr, strings.Replace(cancelOf(invite), "Content-Length", "Reason: SIP;cause=487;text=\"by 192.168.1.44\"\nContent-Length", 1))
	w.want(out, "a 200, a 487, b CANCEL")
	if strings.Contains(out[2].bytes, "192.168") {
		t.Errorf("the CANCEL tells:\n%s", out[2].bytes)
	}
	w.want(w.send(itspAddr, respond(out[2], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(inv, 487, "", "")), "b ACK")
	w.nothingLeft()
}

// A CANCEL comes from who sent the INVITE.
func TestCancelOfAnotherPeer(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) {
		p.Peers = append(p.Peers, policy.Peer{Name: "door", Realm: 0, Target: policy.Target{Host: "192.168.1.20", Addr: netip.MustParseAddr("192.168.1.20"), Port: 5060}})
	})
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.s.Datagram(w.now, listenerInside, netip.MustParseAddrPort("192.168.1.20:5060"), []byte(crlf(cancelOf(invite))))
	if got := w.sent(); len(got) != 1 || got[0].label() != "481" {
		t.Errorf("the SBC sent %v", got)
	}
	no := w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// RFC 3261 section 8.2.6.2: a response has the From and To of its request,
// also where a user agent writes them in another way than before.
func TestResponseHasFromOfItsRequest(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	from := `"Alice Again" <sip:100@pbx.lan>;tag=pbxtag`
	text := strings.Replace(inDialog(ok, "INFO", 11, ""), "From: "+ok.field("From"), "From: "+from, 1)
	info := w.want(w.send(pbxAddr, text), "b INFO")[0]
	if got, want := info.field("From"), inv.field("From"); got != want {
		t.Errorf("From of the dialog changed to %q from %q", got, want)
	}
	back := w.want(w.send(itspAddr, respond(info, 200, "", "")), "a 200")[0]
	if got := back.field("From"); got != from {
		t.Errorf("From is %q, want %q", got, from)
	}
	re := strings.Replace(reInvite(ok, 12, offer), "From: "+ok.field("From"), "From: "+from, 1)
	farInv := w.want(w.send(pbxAddr, re), "a 100, b INVITE")[1]
	back = w.want(w.send(itspAddr, respond(farInv, 200, gateway, answer)), "a 200")[0]
	if got := back.field("From"); got != from {
		t.Errorf("From is %q, want %q", got, from)
	}
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 12, "")), "b ACK")
	w.bye(ok, 13)
}

// A Contact must not turn what we send on ourselves, or on everybody.
func TestContactOfAForbiddenAddress(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "255.255.255.255", "224.0.1.75", "0.0.0.0", "[::1]"} {
		w := newWorld(t)
		inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
		ok := w.want(w.send(itspAddr, respond(inv, 200, "Contact: <sip:gw@"+host+":5062>\n", answer)), "a 200")[0]
		if ack := w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")[0]; ack.to != itspAddr {
			t.Errorf("with Contact %s the ACK goes to %v", host, ack.to)
		}
		w.bye(ok, 11)
	}
}

// Once all calls are to end, no new one begins.
func TestNoNewCallsAtTheEnd(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	w.s.Close("shutdown")
	out := w.want(w.sent(), "a BYE, b BYE")
	second := replaced("pbxone", "two", "secret-call", "other-call")
	no := w.want(w.send(pbxAddr, second), "a 100, a 503")[1]
	if no.field("Retry-After") == "" {
		t.Errorf("no Retry-After:\n%s", no.bytes)
	}
	w.want(w.send(pbxAddr, respond(out[0], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
	w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 481")
	w.nothingLeft()
}

// A response that needs an extension which does not cross, or numbers of a
// reliable response (RFC 3262), says so to nobody.
func TestReliableResponseThatNobodyAskedFor(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, replaced("timer, 100rel", "timer")), "a 100, b INVITE")[1]
	early := w.want(w.send(itspAddr, respond(inv, 183, gateway+"Require: 100rel, timer\nRSeq: 1\n", answer)), "a 183")[0]
	if r, n := early.field("Require"), early.field("RSeq"); r != "timer" || n != "" {
		t.Errorf("Require is %q, RSeq is %q", r, n)
	}
	no := w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// A Request-URI without a user names nobody: nothing is made up.
func TestNoUserInRequestURI(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, replaced("sip:+4930123@192.168.1.1", "sip:192.168.1.1")), "a 100, b INVITE")[1]
	if got := string(inv.msg.Bytes(inv.msg.RequestURI())); got != "sip:sip.itsp.example" {
		t.Errorf("the Request-URI is %q", got)
	}
	no := w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// A context of a number is a domain of the far side, in the Request-URI too.
func TestPhoneContextInRequestURI(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, strings.Replace(invite, "INVITE sip:+4930123@192.168.1.1", "INVITE sip:123;phone-context=office.corp.example;npdi@192.168.1.1;user=phone", 1)), "a 100, b INVITE")[1]
	uri := string(inv.msg.Bytes(inv.msg.RequestURI()))
	if strings.Contains(uri, "corp.example") || !strings.Contains(uri, ";npdi") || !strings.HasSuffix(uri, ";user=phone") {
		t.Errorf("the Request-URI is %q", uri)
	}
	no := w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// What a dialog knows of the other side does not grow with each re-INVITE.
func TestKnownIsBounded(t *testing.T) {
	w := newWorld(t, func(o *Options, _ *policy.Options) { o.Quiet, o.Held = 0, 0 })
	_, ok := w.setUp()
	size := func() (n int) {
		a, b := w.s.calls.All()[0].Known(b2bua.A), w.s.calls.All()[0].Known(b2bua.B)
		return a + b
	}
	for i := range uint32(400) {
		re := w.want(w.send(pbxAddr, reInvite(ok, 11+i, offer)), "a 100, b INVITE")[1]
		w.want(w.send(itspAddr, respond(re, 200, gateway, answer)), "a 200")
		w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11+i, "")), "b ACK")
		w.wait(33 * time.Second)
	}
	if n := size(); n > 600 {
		t.Errorf("%d identifiers are kept for one call", n)
	}
	w.bye(ok, 1000)
}

// 408 of a callee that rang is about the callee, not about the peer.
func TestNoFailoverAfterItRang(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "a 180")
	no := w.want(w.send(itspAddr, respond(inv, 408, "", "")), "b ACK, a 408")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}
