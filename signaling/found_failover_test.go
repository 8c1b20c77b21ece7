package signaling

import (
	"testing"
	"time"
)

// What the caller has asked in an early dialog whose target fails is answered
// there, with its tag, and what that target makes of it later concerns nobody:
// neither its answer nor its silence touches the call with the next one.
func TestAskedBeforeFailover(t *testing.T) {
	for name, c := range map[string]struct{ method, fields, want string }{
		"PRACK":            {"PRACK", "RAck: 1 10 INVITE\nContent-Length: 0\n\n", "a 200"},
		"PRACK with offer": {"PRACK", "RAck: 1 10 INVITE\n" + sdpBody + offer, "a 481"},
		"UPDATE":           {"UPDATE", pbxContact + sdpBody + offer, "a 481"},
		"INFO":             {"INFO", "Content-Length: 0\n\n", "a 481"},
	} {
		for _, late := range []int{0, 200, 488} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t)
				inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
				early := w.want(w.send(itspAddr, reliableRing(inv, "1", answer)), "a 183")[0]
				text := inDialog(early, c.method, 11, c.fields)
				asked := w.want(w.send(pbxAddr, text), "b "+c.method)[0]
				out := w.want(w.send(itspAddr, respond(inv, 503, "", "")), "b ACK, "+c.want+", b INVITE")
				if got := out[1]; got.field("To") != fieldOf(text, "To") || got.field("CSeq") != "11 "+c.method {
					t.Errorf("it is answered\n%s", got.bytes)
				}
				if late != 0 {
					w.want(w.send(itspAddr, respond(asked, late, gateway, answer)), "")
				}
				w.want(w.send(backup, respond(out[2], 180, gateway, "")), "a 180")
				w.want(dropped(w.wait(34*time.Second), c.method), "")
				ok := w.want(w.send(backup, respond(out[2], 200, gateway, answer)), "a 200")[0]
				if body(ok) == "" {
					t.Errorf("no answer in\n%s", ok.bytes)
				}
				w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
				w.bye(ok, 12)
			})
		}
	}
}
