package signaling

import (
	"strings"
	"testing"

	"sbc/policy"
)

const elsewhere = "Contact: <sip:4711@198.51.100.6>;q=0.9, <sip:4712@10.99.99.99>\nContact: <tel:+4930999>\n"

// A 3xx goes on to the caller, who may follow it by way of us; where the peer
// wanted to send it is nobody's to know.
func TestRedirectPasses(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	no := w.want(w.send(itspAddr, respond(inv, 302, elsewhere, "")), "b ACK, a 302")[1]
	if strings.Contains(no.bytes, "198.51.100.") || strings.Contains(no.bytes, "10.99.") || !strings.Contains(no.bytes, "<sip:4711@192.168.1.1:5060>;q=0.9") || !strings.Contains(no.bytes, "<sip:4712@192.168.1.1:5060>") {
		t.Errorf("the PBX reads\n%s", no.bytes)
	}
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// Where the file says so, it is followed: to peers, and to nobody else.
func TestRedirectFollowed(t *testing.T) {
	follow := func(_ *Options, p *policy.Options) {
		p.Routes[0].To = []int{1}
		p.Peers[1].Redirect = policy.RedirectFollow
	}
	w := newWorld(t, follow)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	next := w.want(w.send(itspAddr, respond(inv, 302, elsewhere, "")), "b ACK, b INVITE")[1]
	if next.to != backup || !strings.HasPrefix(next.bytes, "INVITE sip:4711@198.51.100.6 SIP/2.0\r\n") {
		t.Errorf("it goes to %v:\n%s", next.to, next.bytes)
	}
	no := w.want(w.send(backup, respond(next, 486, "", "")), "b ACK, a 486")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()

	// A ring of redirections ends.
	w = newWorld(t, follow)
	inv = w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	for range 4 {
		inv = w.want(w.send(itspAddr, respond(inv, 302, "Contact: <sip:4711@sip.itsp.example>\n", "")), "b ACK, b INVITE")[1]
	}
	no = w.want(w.send(itspAddr, respond(inv, 302, "Contact: <sip:4711@sip.itsp.example>\n", "")), "b ACK, a 302")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()

	// To strangers it goes to the caller.
	w = newWorld(t, follow)
	inv = w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	no = w.want(w.send(itspAddr, respond(inv, 302, "Contact: <sip:4712@10.99.99.99>\n", "")), "b ACK, a 302")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// RFC 3261 section 16.3: a request that comes back as we sent it is a loop; one
// that goes on to another number is a spiral, and a call.
func TestLoopAndSpiral(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) { p.Routes[0].To, p.Routes[1].To = []int{1}, []int{1} })
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	proxied := func(uri string) string {
		text := strings.ReplaceAll(inv.bytes, "\r\n", "\n")
		text = strings.Replace(text, "Via:", "Via: SIP/2.0/UDP 198.51.100.5:5060;branch=z9hG4bKproxy"+uri+"\nVia:", 1)
		return strings.Replace(text, "INVITE sip:+4930123@", "INVITE sip:"+uri+"@", 1)
	}
	w.want(w.send(itspAddr, proxied("+4930123")), "b 482")
	if n := w.s.stats.rejects["loop"]; n != 1 {
		t.Errorf("counted %d times", n)
	}
	w.want(w.send(itspAddr, proxied("4711")), "b 100, b INVITE")
}
