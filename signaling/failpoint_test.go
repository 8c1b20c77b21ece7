//go:build failpoint

package signaling

import (
	"strings"
	"testing"

	"sbc/telemetry"
)

// A bug that a message meets ends the call of that message and no other. What
// caused it is kept.
func TestPanicEndsOneCall(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	other := strings.NewReplacer("pbxone", "two", "secret-call", "other-call").Replace(invite)
	inv2 := w.want(w.send(pbxAddr, other), "a 100, b INVITE")[1]
	broken := w.s.calls.All()[0].ID

	out := w.want(w.send(pbxAddr, inDialog(ok, "INFO", 11, "X-Failpoint: now\nContent-Length: 0\n\n")), "a 500, a BYE, b BYE")
	w.want(w.send(pbxAddr, respond(out[1], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(out[2], 200, "", "")), "")
	if w.s.stats.panics != 1 || w.s.calls.Len() != 1 {
		t.Fatalf("%d panics, %d calls are left of two", w.s.stats.panics, w.s.calls.Len())
	}
	kept := false
	for _, e := range w.s.ring.Read(broken) {
		kept = kept || e.Kind == telemetry.End && strings.Contains(string(e.Payload), "X-Failpoint: now")
	}
	if !kept {
		t.Error("the message that met the bug is not in the trace")
	}
	ok2 := w.want(w.send(itspAddr, respond(inv2, 200, gateway, answer)), "a 200")[0]
	w.want(w.send(pbxAddr, strings.Replace(ackFor(ok2), "ACK10", "ACKtwo", 1)), "b ACK")
	w.bye(ok2, 11)
}
