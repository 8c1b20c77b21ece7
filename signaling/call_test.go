package signaling

import (
	"strings"
	"testing"
)

const gateway = "Contact: <sip:gw@198.51.100.77:5062>\n"

// setUp takes a call from the PBX to the ITSP to the ACK.
func (w *world) setUp() (inv, ok wire) {
	w.t.Helper()
	out := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")
	inv = out[1]
	w.want(w.send(itspAddr, respond(inv, 180, gateway, "")), "a 180")
	ok = w.want(w.send(itspAddr, respond(inv, 200, gateway, answer)), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	return inv, ok
}

// ackFor is the PBX's ACK for a 200.
func ackFor(ok wire) string { return inDialog(ok, "ACK", ok.msg.CSeq(), "") }

// inDialog is a request of the PBX in the dialog that ok opened.
func inDialog(ok wire, method string, seq uint32, rest string) string {
	if rest == "" {
		rest = "Content-Length: 0\n\n"
	}
	contact := ok.field("Contact")
	uri := strings.Trim(contact, "<>")
	return method + " " + uri + " SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKpbx" + method + itoa(seq) +
		"\nMax-Forwards: 70\nFrom: " + ok.field("From") + "\nTo: " + ok.field("To") +
		"\nCall-ID: " + ok.field("Call-ID") + "\nCSeq: " + itoa(seq) + " " + method + "\n" + rest
}

func itoa(n uint32) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func TestCall(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	for _, secret := range []string{"192.168.1", "pbx.lan", "secret-call", "pbxtag", "OfficePBX", "Phone of alice"} {
		if strings.Contains(inv.bytes, secret) {
			t.Errorf("the ITSP learns %q:\n%s", secret, inv.bytes)
		}
	}
	for _, secret := range []string{"198.51.100", "fartag99", "203.0.113"} {
		if strings.Contains(ok.bytes, secret) {
			t.Errorf("the PBX learns %q:\n%s", secret, ok.bytes)
		}
	}
	if got := string(inv.msg.Bytes(inv.msg.RequestURI())); got != "sip:+4930123@sip.itsp.example" {
		t.Errorf("the Request-URI is %q", got)
	}
	if got := ok.field("Call-ID"); got != "secret-call@192.168.1.10" {
		t.Errorf("the PBX gets Call-ID %q", got)
	}
	out := w.want(w.send(pbxAddr, inDialog(ok, "BYE", 11, "")), "a 200, b BYE")
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
	w.nothingLeft()
}
