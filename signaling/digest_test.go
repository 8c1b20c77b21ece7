package signaling

import (
	"strings"
	"testing"
)

// A challenge crosses, and so does its answer: realm and nonce are between
// client and challenger, auth-int is not offered because we change the body,
// and the host that the client hashed stays in the Request-URI.
func TestDigestPassesThrough(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	challenge := "Proxy-Authenticate: Digest realm=\"sip.itsp.example\", nonce=\"8f3a\", qop=\"auth,auth-int\", algorithm=SHA-256\n"
	no := w.want(w.send(itspAddr, respond(inv, 407, challenge, "")), "b ACK, a 407")[1]
	if got := no.field("Proxy-Authenticate"); !strings.Contains(got, `realm="sip.itsp.example", nonce="8f3a"`) || strings.Contains(got, "auth-int") || !strings.Contains(got, `qop="auth"`) {
		t.Errorf("the challenge is %s", got)
	}
	w.want(w.send(pbxAddr, pbxAck(no)), "")

	answer := `Proxy-Authorization: Digest username="100", realm="sip.itsp.example", nonce="8f3a", uri="sip:+4930123@192.168.1.1", response="aa", qop=auth, nc=00000001, cnonce="c"` + "\n"
	again := strings.NewReplacer("pbxone", "pbxtwo", "CSeq: 10", "CSeq: 11", "Contact:", answer+"Contact:").Replace(invite)
	inv = w.want(w.send(pbxAddr, again), "a 100, b INVITE")[1]
	if !strings.HasPrefix(inv.bytes, "INVITE sip:+4930123@192.168.1.1 SIP/2.0\r\n") || inv.field("Proxy-Authorization") == "" {
		t.Errorf("the answer does not fit the challenge:\n%s", inv.bytes)
	}
	if strings.Contains(inv.field("Contact")+inv.field("Via")+inv.field("From")+inv.field("To"), "192.168.") {
		t.Errorf("it leaks:\n%s", inv.bytes)
	}
}
