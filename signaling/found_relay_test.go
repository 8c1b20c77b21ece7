package signaling

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// RFC 4320 section 4.2: a request other than INVITE that the other side never
// answered gets no 408, which would come too late.
func TestRelayedRequestTimesOut(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	w.want(w.send(pbxAddr, inDialog(ok, "INFO", 11, "")), "b INFO")
	late := w.wait(33 * time.Second)
	if got := labels(late); strings.Contains(got, "408") || !strings.Contains(got, "a BYE, b BYE") {
		t.Errorf("the SBC sent %q", got)
	}
	w.nothingLeft()
}

// Found by the simulation: when a request timed out after the call had ended,
// the call was never forgotten.
func TestRelayedRequestTimesOutAfterBye(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	w.want(w.send(pbxAddr, inDialog(ok, "INFO", 11, "")), "b INFO")
	out := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 12, "")), "a 200, b BYE")
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
	w.nothingLeft()
}

// Found by the simulation: a response that a stranger had copied from the wire
// was taken for the peer's.
func TestResponseOfAStranger(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	forged := []byte(crlf(respond(inv, 200, gateway, answer)))
	w.s.Datagram(w.now, listenerOutside, netip.MustParseAddrPort("192.0.2.66:5060"), forged)
	w.want(w.sent(), "")
	w.s.Datagram(w.now, listenerInside, pbxAddr, forged)
	w.want(w.sent(), "")
	w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")
	w.nothingLeft()
}
