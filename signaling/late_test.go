package signaling

import (
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sbc/mediarelay"
	"sbc/policy"
	"sbc/topology"
)

// A 2xx that comes when the call has been given up: its sender gets an ACK each
// time, and one BYE, and nothing is kept for it.
func TestLate2xx(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) { p.Routes[0].To = []int{1} })
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	late := w.wait(33 * time.Second)
	w.want(w.send(pbxAddr, pbxAck(late[len(late)-1])), "")
	for _, want := range []string{"b ACK, b BYE", "b ACK"} {
		out := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), want)
		for _, x := range out {
			if !strings.HasPrefix(x.bytes, x.label()+" sip:gw@198.51.100.77:5062 SIP/2.0\r\n") || x.field("Call-ID") != inv.field("Call-ID") ||
				x.field("To") != inv.field("To")+";tag=fartag99" || x.field("From") != inv.field("From") {
				t.Errorf("not in the dialog of the 2xx:\n%s", x.bytes)
			}
		}
		if len(out) > 1 {
			w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
		}
	}
	w.nothingLeft()
}

// The same where the 2xx is the offer: RFC 3261 section 13.2.1 wants an answer
// in its ACK, and the one that we can give declines.
func TestOfferTooLate(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) { p.Routes[0].To = []int{1} })
	inv := w.want(w.send(pbxAddr, withoutBody(invite)), "a 100, b INVITE")[1]
	late := w.wait(33 * time.Second)
	w.want(w.send(pbxAddr, pbxAck(late[len(late)-1])), "")
	out := w.want(w.send(itspAddr, respond(inv, 200, gateway, offer)), "b ACK, b BYE")
	if !strings.Contains(out[0].bytes, "\r\nm=audio 0 RTP/AVP ") {
		t.Errorf("the ACK does not decline:\n%s", out[0].bytes)
	}
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
	w.nothingLeft()
}

// RFC 3261 section 9.2: the responses to an INVITE and to its CANCEL carry the
// same tag.
func TestTagOfTheCancel(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	ringing := w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "a 180")[0]
	out := w.want(w.send(pbxAddr, cancelOf(invite)), "a 200, a 487, b CANCEL")
	for _, x := range out[:2] {
		if x.field("To") != ringing.field("To") {
			t.Errorf("To is %q in the 180 and %q in\n%s", ringing.field("To"), x.field("To"), x.bytes)
		}
	}
	w.want(w.send(pbxAddr, pbxAck(out[1])), "")
	w.want(w.send(itspAddr, respond(out[2], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(inv, 487, "", "")), "b ACK")
	w.nothingLeft()
}

// RFC 3261 section 8.1.3.3: a response that names more hops than us was
// delivered to the wrong one.
func TestResponseWithMoreHops(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	for _, more := range []string{"\nVia: SIP/2.0/UDP 198.51.100.9;branch=z9hG4bKx\n", ", SIP/2.0/UDP 198.51.100.9;branch=z9hG4bKx\n"} {
		w.want(w.send(itspAddr, strings.Replace(respond(inv, 486, "", ""), "\nFrom:", more+"From:", 1)), "")
	}
	no := w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// RFC 3261 section 8.1.3.1: no way to send counts as 503, not as silence.
func TestNoWayToSend(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) { p.Routes[0].To = []int{1} })
	w.send(pbxAddr, invite)
	for _, tx := range w.s.clients {
		w.s.fail(tx)
	}
	no := w.want(w.sent(), "a 503")[0]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()

	w = newWorld(t)
	_, ok := w.setUp()
	w.want(w.send(pbxAddr, inDialog(ok, "INFO", 11, "")), "b INFO")
	for _, tx := range w.s.clients {
		if tx.method.String() == "INFO" {
			w.s.fail(tx)
		}
	}
	if got := labels(w.sent()); !strings.HasPrefix(got, "a 503") {
		t.Errorf("the SBC sent %s", got)
	}
	w.nothingLeft()
}

// RFC 3261 section 19.1.6: what a tel: URI says beside the number goes into
// the user part.
func TestTelParameters(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, replaced("INVITE sip:+4930123@192.168.1.1 SIP", "INVITE tel:+4930123;npdi;rn=+4930999;phone-context=pbx.lan SIP")), "a 100, b INVITE")[1]
	const want = "INVITE sip:+4930123;npdi;rn=+4930999;phone-context=sip.itsp.example@sip.itsp.example;user=phone SIP/2.0\r\n"
	if !strings.HasPrefix(inv.bytes, want) {
		t.Errorf("want %s got\n%s", want, inv.bytes)
	}
}

// The account of a call shows what went out, and each change: also what the
// audit took out.
func TestLadderOfAScrubbedMessage(t *testing.T) {
	w := newWorld(t)
	for i := range w.s.opt.Realms {
		w.s.opt.Realms[i].Topology.Audit = topology.ModeScrub
	}
	inv := w.want(w.send(pbxAddr, replaced("User-Agent: OfficePBX 1.2", "X-Whence: secret-call@192.168.1.10")), "a 100, b INVITE")[1]
	l := w.s.ladder(w.s.calls.All()[0].ID)
	i := slices.IndexFunc(l, func(e LadderEntry) bool { return e.Kind == "out" && e.Label == "INVITE" })
	if i < 0 {
		t.Fatalf("no INVITE: %+v", l)
	}
	if l[i].Message != inv.bytes {
		t.Errorf("shown:\n%s\nsent:\n%s", l[i].Message, inv.bytes)
	}
	for _, field := range []string{"Contact", "X-Whence"} {
		if !slices.ContainsFunc(l[i].Changes, func(c ChangeInfo) bool { return c.Field == field }) {
			t.Errorf("nothing is said of %s: %+v", field, l[i].Changes)
		}
	}
}

// Media counts while a call lasts, and each packet once.
func TestMediaCountsDuringTheCall(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	counted := func() string {
		page := httptest.NewRecorder()
		w.s.metrics.Handler(func() bool { return true }).ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
		for line := range strings.Lines(page.Body.String()) {
			if n, ok := strings.CutPrefix(line, "sbc_media_packets_total "); ok {
				return strings.TrimSpace(n)
			}
		}
		return "nothing"
	}
	speak := func(seq byte) {
		for _, r := range w.s.records {
			rtp := []byte{0x80, 8, 0, seq, 0, 0, 0, 0, 0, 0, 0, 1, 0xd5}
			if _, cause := w.media.Inject(r.streams[0].Local(mediarelay.A).RTP(), netip.MustParseAddrPort("192.168.1.44:49170"), rtp); cause != mediarelay.Pass {
				t.Errorf("dropped: %v", cause)
			}
		}
	}
	speak(1)
	speak(2)
	w.wait(6 * time.Second)
	if got := counted(); got != "2" {
		t.Errorf("counted %s after a while, want 2", got)
	}
	speak(3)
	w.bye(ok, 11)
	if got := counted(); got != "3" {
		t.Errorf("counted %s at the end, want 3", got)
	}
}

// A 2xx to a re-INVITE that comes when its call is over: the dialog has had its
// BYE, and a second one would carry a CSeq that was used.
func TestLate2xxToReinvite(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	re := w.want(w.send(pbxAddr, inDialog(ok, "INVITE", 11, pbxContact+"Content-Type: application/sdp\nContent-Length: LENGTH\n\n"+offer)), "a 100, b INVITE")[1]
	bye := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 12, "")), "a 200, a 487, b BYE")[2]
	w.want(w.send(itspAddr, respond(bye, 200, "", "")), "")
	w.wait(70 * time.Second)
	w.want(w.send(itspAddr, respond(re, 200, gateway, answer)), "b ACK")
	w.nothingLeft()
}
