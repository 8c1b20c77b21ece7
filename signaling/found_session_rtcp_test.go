package signaling

import (
	"strings"
	"testing"
)

// Found by the simulation: a=rtcp or a=rtcp-mux before the first m= line made
// the hiding of a description panic.
func TestRTCPAtSessionLevel(t *testing.T) {
	for _, line := range []string{"a=rtcp:49171\n", "a=rtcp-mux\n"} {
		w := newWorld(t)
		inv := w.want(w.send(pbxAddr, strings.Replace(invite, "t=0 0\n", "t=0 0\n"+line, 1)), "a 100, b INVITE")[1]
		if strings.Contains(body(inv), "a=rtcp") {
			t.Errorf("%q crossed:\n%s", line, body(inv))
		}
		w.want(w.send(itspAddr, respond(inv, 486, "", "")), "b ACK, a 486")
		w.nothingLeft()
	}
}
