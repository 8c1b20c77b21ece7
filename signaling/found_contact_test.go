package signaling

import (
	"strings"
	"testing"
)

// Found by the simulation: a Contact of a scheme that is none became the
// Request-URI of our BYE, which nobody can read.
func TestContactOfAnotherScheme(t *testing.T) {
	w := newWorld(t)
	bad := strings.Replace(invite, "Contact: <sip:", "Contact: <zip:", 1)
	out := w.want(w.send(pbxAddr, bad), "a 100, a 400")
	w.want(w.send(pbxAddr, pbxAck(out[1])), "")

	w = newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	ok := w.want(w.send(itspAddr, respond(inv, 200, strings.Replace(gateway, "sip:", "zip:", 1), answer)), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	bye := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, b BYE")[1]
	if got := string(bye.msg.Bytes(bye.msg.RequestURI())); got != "sip:+4930123@sip.itsp.example" {
		t.Errorf("the BYE goes to %q", got)
	}
	w.want(w.send(itspAddr, respond(bye, 200, "", "")), "")
	w.nothingLeft()
}

// The same with a Record-Route, which without lr becomes the Request-URI.
func TestRecordRouteOfAnotherScheme(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway+"Record-Route: <zip:198.51.100.9>\n", answer)), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	bye := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, b BYE")[1]
	if got := string(bye.msg.Bytes(bye.msg.RequestURI())); got != "sip:gw@198.51.100.77:5062" || bye.field("Route") != "" {
		t.Errorf("the BYE goes to %q", got)
	}
	w.want(w.send(itspAddr, respond(bye, 200, "", "")), "")
	w.nothingLeft()
}
