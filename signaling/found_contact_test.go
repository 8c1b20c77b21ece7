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

// Found by the simulation: headers of a URI have no place in a Request-URI.
func TestContactWithHeaders(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	headers := strings.NewReplacer("5062>", "5062?Subject=x>")
	ok := w.want(w.send(itspAddr, respond(inv, 200, headers.Replace(gateway)+"Record-Route: <sip:198.51.100.9?a=b>\n", answer)), "a 200")[0]
	ack := w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")[0]
	if got := string(ack.msg.Bytes(ack.msg.RequestURI())) + " " + ack.field("Route"); got != "sip:198.51.100.9 <sip:gw@198.51.100.77:5062>" {
		t.Errorf("the ACK goes to %q", got)
	}
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
