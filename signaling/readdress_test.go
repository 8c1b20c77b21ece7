package signaling

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/policy"
)

// The router gets another address while a call is up: what is sent from then on
// names it, in the dialog that is there and in a new one, and the audit knows it
// as ours.
func TestReaddress(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	w.s.Readdress(Advertised{Realm: 1, Hosts: map[int]string{listenerOutside: "192.0.2.7:5070"}, Media: Addrs{IP4: netip.MustParseAddr("192.0.2.8")}})
	re := w.want(w.send(pbxAddr, inDialog(ok, "INVITE", 11, pbxContact+"Content-Type: application/sdp\nContent-Length: LENGTH\n\n"+offer)), "a 100, b INVITE")[1]
	if re.field("Contact") != "<sip:192.0.2.7:5070>" || !strings.HasPrefix(re.field("Via"), "SIP/2.0/UDP 192.0.2.7:5070;") || !strings.Contains(re.bytes, "\r\nc=IN IP4 192.0.2.8\r\n") {
		t.Errorf("in the dialog:\n%s", re.bytes)
	}
	w.want(w.send(itspAddr, respond(re, 200, gateway, answer)), "a 200")
	again := strings.NewReplacer("pbxone", "pbxtwo", "secret-call", "other-call")
	inv := w.want(w.send(pbxAddr, again.Replace(invite)), "a 100, b INVITE")[1]
	if strings.Contains(inv.bytes, "203.0.113.7") || inv.field("Contact") != "<sip:192.0.2.7:5070>" {
		t.Errorf("a new call:\n%s", inv.bytes)
	}
	w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")
}

// Calls that are up are told of the new address at once, each by an INVITE of
// ours with what was agreed to; a re-INVITE that crosses it is refused for a
// moment, and one that we meet is tried again.
func TestReaddressRenews(t *testing.T) {
	moves := func(o *Options, _ *policy.Options) { o.Realms[1].Moves = true }
	w := newWorld(t, moves)
	_, ok := w.setUp()
	w.s.Readdress(Advertised{Realm: 1, Hosts: map[int]string{listenerOutside: "192.0.2.7"}, Media: Addrs{IP4: netip.MustParseAddr("192.0.2.8")}})
	re := w.want(w.sent(), "b INVITE")[0]
	if re.field("Contact") != "<sip:192.0.2.7>" || !strings.Contains(re.bytes, "\r\nc=IN IP4 192.0.2.8\r\n") || strings.Contains(re.bytes, "IP4 203.0.113.7") || !strings.Contains(re.bytes, " 2 IN IP4 192.0.2.8\r\ns=") {
		t.Errorf("the renewal is\n%s", re.bytes)
	}
	w.want(w.send(pbxAddr, inDialog(ok, "INVITE", 11, pbxContact+"Content-Type: application/sdp\nContent-Length: LENGTH\n\n"+offer)), "a 100, a 500")
	w.want(w.send(itspAddr, respond(re, 491, "", "")), "b ACK")
	list := w.wait(5 * time.Second)
	again := list[len(list)-1]
	out := w.want(w.send(itspAddr, respond(again, 200, gateway, strings.Replace(answer, "6000", "6002", 1))), "b ACK")
	if !strings.Contains(out[0].bytes, "Content-Length: 0") {
		t.Errorf("the ACK is\n%s", out[0].bytes)
	}
	w.want(w.send(itspAddr, respond(again, 200, gateway, strings.Replace(answer, "6000", "6002", 1))), "b ACK")
	if at := w.media.Streams(); at != 1 {
		t.Errorf("%d streams", at)
	}
	bye := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 12, "")), "a 200, b BYE")[1]
	w.want(w.send(itspAddr, respond(bye, 200, "", "")), "")
	w.nothingLeft()
}

// A call that ends while its renewal is under way, and one whose far end never
// answers it: nothing is left.
func TestReaddressUnanswered(t *testing.T) {
	moves := func(o *Options, _ *policy.Options) { o.Realms[1].Moves = true }
	elsewhere := Advertised{Realm: 1, Media: Addrs{IP4: netip.MustParseAddr("192.0.2.8")}}
	w := newWorld(t, moves)
	_, ok := w.setUp()
	w.s.Readdress(elsewhere)
	re := w.want(w.sent(), "b INVITE")[0]
	w.want(w.send(itspAddr, respond(re, 100, "", "")), "")
	bye := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 12, "")), "a 200, b BYE, b CANCEL")
	w.want(w.send(itspAddr, respond(bye[1], 200, "", "")), "")
	w.wait(40 * time.Second)
	w.nothingLeft()

	w = newWorld(t, moves)
	_, ok = w.setUp()
	w.s.Readdress(elsewhere)
	w.want(w.sent(), "b INVITE")
	w.wait(33 * time.Second)
	w.want(w.send(pbxAddr, inDialog(ok, "BYE", 12, "")), "a 200")
	w.nothingLeft()
}
