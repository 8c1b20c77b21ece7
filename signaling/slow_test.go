package signaling

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/policy"
	"sbc/signaling/b2bua"
)

// dropped takes the messages of one label out of a list: what is sent again.
func dropped(list []wire, label string) (rest []wire) {
	for _, x := range list {
		if x.label() != label {
			rest = append(rest, x)
		}
	}
	return rest
}

// slowly lets the far end think about the request out, which text asked for,
// for 10 s: the PBX, whose timer E runs, gets a 100 at 3.5 s and not before (RFC
// 4320 section 4.1), and then the answer.
func (w *world) slowly(text string, out wire) {
	w.t.Helper()
	method := out.label()
	for _, d := range []time.Duration{500 * time.Millisecond, time.Second} {
		w.want(dropped(w.wait(d), method), "")
		w.want(w.send(pbxAddr, text), "")
	}
	w.want(dropped(w.wait(2*time.Second-1), method), "")
	trying := w.want(dropped(w.wait(1), method), "a 100")[0]
	for _, name := range []string{"Via", "From", "Call-ID", "CSeq"} {
		if want := strings.TrimSuffix(fieldOf(text, name), ";rport"); !strings.HasPrefix(trying.field(name), want) {
			w.t.Errorf("%s is %q, want %q", name, trying.field(name), want)
		}
	}
	if want := fieldOf(text, "To"); trying.field("To") != want {
		w.t.Errorf("To is %q, want %q", trying.field("To"), want)
	}
	again := w.want(w.send(pbxAddr, text), "a 100")[0]
	if again.bytes != trying.bytes {
		w.t.Errorf("asked again it is answered\n%s", again.bytes)
	}
	w.want(dropped(w.wait(6500*time.Millisecond), method), "")
	w.want(w.send(itspAddr, respond(out, 200, "Expires: 0\n", "")), "a 200")
	w.want(w.send(pbxAddr, text), "a 200")
}

// fieldOf returns the first value of a field in text that is not folded.
func fieldOf(text, name string) string {
	_, rest, _ := strings.Cut(text, "\n"+name+": ")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

func TestLateAnswers(t *testing.T) {
	for _, c := range []struct{ method, fields string }{
		{"MESSAGE", ""},
		{"OPTIONS", ""},
		{"PUBLISH", "Event: presence\nExpires: 3600\n"},
		{"NOTIFY", pbxContact + "Event: message-summary\nSubscription-State: active\n"},
		{"REFER", pbxContact + "Refer-To: <sip:300@192.168.1.1>\nRefer-Sub: false\n"},
	} {
		t.Run(c.method, func(t *testing.T) {
			w := newWorld(t)
			text := request(c.method, "one", c.fields, "")
			w.slowly(text, w.want(w.send(pbxAddr, text), "b "+c.method)[0])
			if c.method == "REFER" { // no NOTIFY ends what it began
				w.wait(4 * time.Minute)
			}
			w.nothingLeft()
		})
	}
}

func TestLateAnswersWithinACall(t *testing.T) {
	for _, c := range []struct{ method, fields string }{
		{"INFO", ""}, {"UPDATE", pbxContact}, {"MESSAGE", ""}, {"OPTIONS", ""},
		{"REFER", pbxContact + "Refer-To: <sip:300@192.168.1.1>\n"},
		{"NOTIFY", pbxContact + "Event: refer\nSubscription-State: terminated;reason=noresource\n"},
		{"SUBSCRIBE", pbxContact + "Event: refer\nExpires: 0\n"},
	} {
		t.Run(c.method, func(t *testing.T) {
			w := newWorld(t)
			_, ok := w.setUp()
			text := inDialog(ok, c.method, 11, c.fields+"Content-Length: 0\n\n")
			w.slowly(text, w.want(w.send(pbxAddr, text), "b "+c.method)[0])
			out := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 12, "")), "a 200, b BYE")
			w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
			w.wait(4 * time.Minute)
			w.nothingLeft()
		})
	}
}

// The PRACK of a caller, which the callee acknowledges late.
func TestLateAnswerToPRACK(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	ringing := w.want(w.send(itspAddr, respond(inv, 180, gateway+"Require: 100rel\nRSeq: 7\n", "")), "a 180")[0]
	text := inDialog(ringing, "PRACK", 11, "RAck: "+ringing.field("RSeq")+" 10 INVITE\nContent-Length: 0\n\n")
	w.slowly(text, w.want(w.send(pbxAddr, text), "b PRACK")[0])
	no := w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// RFC 4320 section 4.1 wants the 100 over any transport.
func TestLateAnswerOverTCP(t *testing.T) {
	w := newStreams(t, policy.TCP)
	pbx := b2bua.Flow{Listener: streamInside, Remote: netip.MustParseAddrPort("192.168.1.10:41234"), Conn: 7}
	itsp := b2bua.Flow{Listener: streamOutside, Remote: itspAddr, Conn: 9}
	out := w.want(w.by(pbx, strings.Replace(request("MESSAGE", "one", "", ""), "SIP/2.0/UDP", "SIP/2.0/TCP", 1)), "b MESSAGE")[0]
	w.want(w.wait(3500*time.Millisecond-1), "")
	if trying := w.wait(1); len(trying) != 1 || trying[0].label() != "100" || trying[0].flow.Conn != pbx.Conn {
		t.Errorf("the SBC sent %v", trying)
	}
	w.want(w.wait(6*time.Second), "")
	if ok := w.by(itsp, respond(out, 200, "", "")); len(ok) != 1 || ok[0].label() != "200" {
		t.Errorf("the SBC sent %v", ok)
	}
	w.nothingLeft()
}

// RFC 3261 section 8.2.6.1: a 100 has the Timestamp of the request, and for how
// long it has waited.
func TestTimestampOfTheLate100(t *testing.T) {
	w := newWorld(t)
	out := w.want(w.send(pbxAddr, request("MESSAGE", "one", "Timestamp: 54.1\n", "")), "b MESSAGE")[0]
	trying := w.want(dropped(w.wait(4*time.Second), "MESSAGE"), "a 100")[0]
	if got := trying.field("Timestamp"); got != "54.1 3.5" {
		t.Errorf("Timestamp: %s", got)
	}
	w.want(w.send(itspAddr, respond(out, 200, "", "")), "a 200")
	w.nothingLeft()
}

// While one target after the other is tried there is one 100, counted from the
// request.
func TestLateAnswerOfTheNextPeer(t *testing.T) {
	w := newWorld(t)
	one := w.want(w.send(pbxAddr, request("MESSAGE", "one", "", "")), "b MESSAGE")[0]
	w.want(dropped(w.wait(3*time.Second), "MESSAGE"), "")
	two := w.want(w.send(itspAddr, respond(one, 503, "", "")), "b MESSAGE")[0]
	w.want(dropped(w.wait(499*time.Millisecond), "MESSAGE"), "")
	w.want(dropped(w.wait(time.Millisecond), "MESSAGE"), "a 100")
	w.want(dropped(w.wait(10*time.Second), "MESSAGE"), "")
	w.want(w.send(backup, respond(two, 200, "", "")), "a 200")
	w.nothingLeft()
}

// After the 100 nothing came: RFC 4320 section 4.2 forbids the 408.
func TestNoAnswerAfterThe100(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) { p.Routes[0].To = []int{1} })
	w.want(w.send(pbxAddr, request("MESSAGE", "one", "", "")), "b MESSAGE")
	w.want(dropped(w.wait(time.Minute), "MESSAGE"), "a 100")
	w.nothingLeft()
}

// A call that ends leaves what was asked in it under way: it gets its 100, and
// its answer.
func TestLateAnswerBehindTheBYE(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	info := w.want(w.send(pbxAddr, inDialog(ok, "INFO", 11, "")), "b INFO")[0]
	bye := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 12, "")), "a 200, b BYE")[1]
	w.want(w.send(itspAddr, respond(bye, 200, "", "")), "")
	w.want(dropped(w.wait(4*time.Second), "INFO"), "a 100")
	w.want(w.send(itspAddr, respond(info, 200, "", "")), "a 200")
	w.nothingLeft()
}

// A bug took the call of a request: there is nobody who could answer 100.
func TestLateAnswerOfNoCall(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	w.want(w.send(pbxAddr, inDialog(ok, "INFO", 11, "")), "b INFO")
	w.s.executeAll(w.s.calls.Drop(w.s.calls.All()[0], "bug", nil))
	w.want(dropped(w.wait(4*time.Second), "INFO"), "")
	if n := w.s.stats.panics; n != 0 {
		t.Errorf("%d panics", n)
	}
}

// Of several requests under way each has its own 100.
func TestLateAnswersThatCross(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	var out []wire
	for seq := uint32(11); seq < 14; seq++ {
		out = append(out, w.want(w.send(pbxAddr, inDialog(ok, "INFO", seq, "")), "b INFO")[0])
		w.wait(100 * time.Millisecond)
	}
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "a 200")
	both := w.want(dropped(w.wait(4*time.Second), "INFO"), "a 100, a 100")
	if both[0].field("CSeq") != "11 INFO" || both[1].field("CSeq") != "13 INFO" {
		t.Errorf("100 has CSeq %s, and %s", both[0].field("CSeq"), both[1].field("CSeq"))
	}
	w.want(w.send(itspAddr, respond(out[2], 200, "", "")), "a 200")
	w.want(w.send(itspAddr, respond(out[0], 200, "", "")), "a 200")
	bye := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 14, "")), "a 200, b BYE")[1]
	w.want(w.send(itspAddr, respond(bye, 200, "", "")), "")
	w.nothingLeft()
}

// What is answered at once sets no timer but those of RFC 3261.
func TestAnsweredAtOnce(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	before := w.s.timers.Len()
	for i, text := range []string{
		strings.Replace(request("OPTIONS", "one", "", ""), "sip:+4930123@192.168.1.1 SIP", "sip:192.168.1.1 SIP", 1),
		request("REGISTER", "two", "", ""),
		strings.Replace(request("MESSAGE", "three", "", ""), "Max-Forwards: 70", "Max-Forwards: 0", 1),
		inDialog(ok, "INFO", 9, ""),
	} {
		if got := labels(w.send(pbxAddr, text)); !strings.HasPrefix(got, "a ") {
			t.Fatalf("%d: the SBC sent %q", i, got)
		}
		if n := w.s.timers.Len() - before; n != i+1 {
			t.Errorf("%d: %d timers more", i, n)
		}
	}
	w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, b BYE")
	for _, x := range w.wait(30 * time.Second) {
		if x.label() != "BYE" {
			t.Errorf("the SBC sent\n%s", x.bytes)
		}
	}
}

// RFC 4320 section 4.1 has no provisional response but 100: one that a far end
// sends is dropped and counted, and its 100 is for us.
func TestProvisionalToOther(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	for i, out := range []wire{
		w.want(w.send(pbxAddr, request("MESSAGE", "one", "", "")), "b MESSAGE")[0],
		w.want(w.send(pbxAddr, inDialog(ok, "INFO", 11, "")), "b INFO")[0],
	} {
		w.want(w.send(itspAddr, respond(out, 100, "", "")), "")
		for _, status := range []int{180, 183, 199} {
			w.want(w.send(itspAddr, respond(out, status, gateway, "")), "")
		}
		if n := w.s.stats.rejects["stray_response"]; n != 3*(i+1) {
			t.Errorf("%d were counted", n)
		}
		w.want(w.send(itspAddr, respond(out, 200, "", "")), "a 200")
	}
	bye := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 12, "")), "a 200, b BYE")[1]
	w.want(w.send(itspAddr, respond(bye, 183, "", "")), "")
	w.want(w.send(itspAddr, respond(bye, 200, "", "")), "")
	w.nothingLeft()
}

// A 2xx to a SUBSCRIBE after its 100 makes its dialog as any.
func TestLateSubscription(t *testing.T) {
	w := newWorld(t)
	text := subscribe("one", "3600")
	out := w.want(w.send(pbxAddr, text), "b SUBSCRIBE")[0]
	trying := w.want(dropped(w.wait(4*time.Second), "SUBSCRIBE"), "a 100")[0]
	if strings.Contains(trying.field("To"), "tag=") || trying.field("Contact") != "" || trying.field("Record-Route") != "" {
		t.Errorf("the 100 makes a dialog:\n%s", trying.bytes)
	}
	w.want(w.send(itspAddr, respond(out, 200, gateway+"Expires: 60\n", "")), "a 200")
	w.wait(3 * time.Minute)
	w.nothingLeft()
}
