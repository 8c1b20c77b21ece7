package signaling

import (
	"net/netip"
	"strings"
	"testing"
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
