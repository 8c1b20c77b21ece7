package signaling

import (
	"strings"
	"testing"
)

const message = "MESSAGE sip:+4930123@192.168.1.1 SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKmsg\nMax-Forwards: 70\nFrom: <sip:100@pbx.lan>;tag=m\nTo: <sip:+4930123@192.168.1.1>\nCall-ID: msg@192.168.1.10\nCSeq: 1 MESSAGE\n"

// A body that nobody can know the meaning of does not cross, and its sender
// hears of it; nor does one that two readers would split in two ways.
func TestBodiesThatNobodyKnows(t *testing.T) {
	for name, c := range map[string]struct{ rest, want string }{
		"untyped":          {"Content-Length: LENGTH\n\nhello", "a 400"},
		"broken multipart": {"Content-Type: multipart/mixed;boundary=b\nContent-Length: LENGTH\n\n--b\nContent-Type: text/plain\n\nhello\n", "a 400"},
		"text":             {"Content-Type: text/plain\nContent-Length: LENGTH\n\nhello", "b MESSAGE"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.want(w.send(pbxAddr, message+c.rest), c.want)
			_, ok := w.setUp()
			w.want(w.send(pbxAddr, inDialog(ok, "MESSAGE", 11, c.rest)), c.want)
		})
	}
}

// RFC 3911 section 4: a call cannot replace one and join another.
func TestReplacesAndJoin(t *testing.T) {
	w := newWorld(t)
	w.want(w.send(pbxAddr, strings.Replace(invite, "Contact:", "Replaces: a@b;to-tag=1;from-tag=2\nJoin: a@b;to-tag=1;from-tag=2\nContact:", 1)), "a 100, a 400")
}

// Space before the colon is legal, and a fold there is what some take for an
// end: what goes on has neither (RFC 3261 sections 7.3.1 and 25.1).
func TestNothingBeforeTheColon(t *testing.T) {
	w := newWorld(t)
	text := strings.NewReplacer("Max-Forwards:", "Max-Forwards \t:", "Supported:", "Supported\n :", "Content-Length: LENGTH", "Content-Length :\n  LENGTH").Replace(invite)
	inv := w.want(w.send(pbxAddr, text), "a 100, b INVITE")[1]
	for _, name := range []string{"Max-Forwards: 69\r\n", "\r\nSupported: timer, 100rel\r\n", "\r\nContent-Length: "} {
		if !strings.Contains(inv.bytes, name) {
			t.Errorf("no %q in\n%s", name, inv.bytes)
		}
	}
}
