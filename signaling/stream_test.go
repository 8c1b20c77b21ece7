package signaling

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/policy"
	"sbc/signaling/b2bua"
)

const (
	streamInside = iota + 2
	streamOutside
)

// newStreams is a world with TCP on both sides. The ITSP's target names the
// transport.
func newStreams(t *testing.T, transport string) *world {
	return newWorld(t, func(o *Options, p *policy.Options) {
		for _, l := range o.Listeners[:2] {
			l.TCP = true
			o.Listeners = append(o.Listeners, l)
		}
		p.Peers[1].Target.Transport = transport
		p.Routes[0].To = []int{1}
	})
}

// A call that comes by one connection and goes out by another one: nothing is
// sent twice, and each dialog stays on its connection though Contact names
// another port.
func TestCallOverTCP(t *testing.T) {
	w := newStreams(t, policy.TCP)
	pbx := b2bua.Flow{Listener: streamInside, Remote: netip.MustParseAddrPort("192.168.1.10:41234"), Conn: 7}
	itsp := b2bua.Flow{Listener: streamOutside, Remote: itspAddr, Conn: 9}
	tcp := strings.NewReplacer("SIP/2.0/UDP", "SIP/2.0/TCP", ":5060>", ":5060;transport=tcp>")

	out := w.by(pbx, tcp.Replace(invite))
	if got := labels(out); got != "a 100, b INVITE" || out[0].flow.Conn != pbx.Conn {
		t.Fatalf("%s by %v", got, out[0].flow)
	}
	inv := out[1]
	if inv.flow != (b2bua.Flow{Listener: streamOutside, Remote: itspAddr}) {
		t.Errorf("the INVITE goes by %v", inv.flow)
	}
	if via, contact := inv.field("Via"), inv.field("Contact"); !strings.HasPrefix(via, "SIP/2.0/TCP 203.0.113.7:5060;") || contact != "<sip:203.0.113.7:5060;transport=tcp>" {
		t.Errorf("Via %q, Contact %q", via, contact)
	}
	if again := w.wait(20 * time.Second); len(again) != 0 {
		t.Errorf("sent again: %v", again)
	}
	ok := w.by(itsp, respond(inv, 200, "Contact: <sip:gw@198.51.100.5:5062;transport=TCP>\n", answer))[0]
	if ok.flow.Conn != pbx.Conn || ok.flow.Remote != pbxAddr {
		t.Errorf("the 200 goes by %v", ok.flow)
	}
	ack := w.by(pbx, tcp.Replace(ackFor(ok)))[0]
	if ack.label() != "ACK" || ack.flow.Conn != itsp.Conn || ack.flow.Listener != streamOutside {
		t.Errorf("%s by %v", ack.label(), ack.flow)
	}
	bye := w.by(itsp, fromITSP(inv.bytes, respond(inv, 200, gateway, answer), "BYE", 1, ""))
	if got := labels(bye); got != "b 200, a BYE" {
		t.Fatalf("the SBC sent %q", got)
	}
	for _, x := range bye {
		if x.label() == "BYE" {
			if x.flow.Conn != pbx.Conn {
				t.Errorf("the BYE goes by %v", x.flow)
			}
			w.by(pbx, respond(x, 200, "", ""))
		}
	}
	w.nothingLeft()
}

// large makes an INVITE longer than fits into one datagram on any path.
func large(invite string) string {
	return strings.Replace(invite, "Max-Forwards", "Subject: "+strings.Repeat("x", 1300)+"\nMax-Forwards", 1)
}

// RFC 3261 section 18.1.1: a large request goes by TCP, but only where that has
// worked before; and by UDP after all when it works no more.
func TestLargeRequest(t *testing.T) {
	w := newStreams(t, "")
	var names *strings.Replacer // of the call
	call := func(n string) wire {
		t.Helper()
		names = strings.NewReplacer("pbxone", "pbx"+n, "secret-call", "call"+n)
		return w.want(w.send(pbxAddr, names.Replace(large(invite))), "a 100, b INVITE")[1]
	}
	refuse := func(inv wire, by b2bua.Flow) {
		t.Helper()
		no := w.by(by, respond(inv, 486, "", ""))
		w.send(pbxAddr, names.Replace(pbxAck(no[len(no)-1])))
	}
	udp := b2bua.Flow{Listener: listenerOutside, Remote: itspAddr}
	inv := call("1")
	if inv.flow.Listener != listenerOutside || !strings.HasPrefix(inv.field("Via"), "SIP/2.0/UDP ") {
		t.Errorf("TCP has not worked yet, and is used: %v %s", inv.flow, inv.field("Via"))
	}
	refuse(inv, udp)

	w.s.opt.streams.works[1].Store(true)
	inv = call("2")
	if inv.flow.Listener != streamOutside || !strings.HasPrefix(inv.field("Via"), "SIP/2.0/TCP 203.0.113.7:5060;") {
		t.Errorf("TCP works, and is not used: %v %s", inv.flow, inv.field("Via"))
	}
	refuse(inv, b2bua.Flow{Listener: streamOutside, Remote: itspAddr, Conn: 3})

	inv = call("3")
	branch := inv.msg.Bytes(inv.msg.Via().Branch)
	for _, tx := range w.s.clients {
		if strings.Contains(inv.bytes, string(tx.bytes)) {
			w.s.fail(tx)
		}
	}
	again := w.want(w.sent(), "b INVITE")[0]
	if again.flow != udp || !strings.HasPrefix(again.field("Via"), "SIP/2.0/UDP 203.0.113.7:5060;") || string(again.msg.Bytes(again.msg.Via().Branch)) != string(branch) {
		t.Errorf("after the connection failed: %v %s", again.flow, again.field("Via"))
	}
	if got := labels(w.wait(time.Second)); got != "b INVITE" {
		t.Errorf("by UDP it is not sent again, but %q", got)
	}
	refuse(again, udp)
	if inv = call("4"); inv.flow != udp {
		t.Errorf("TCP has failed, and is used")
	}
	refuse(inv, udp)
	w.wait(40 * time.Second)
}

// What breaks off a stream ends its connection, with an answer where one is
// due.
func TestBrokenStream(t *testing.T) {
	w := newStreams(t, policy.TCP)
	pbx := b2bua.Flow{Listener: streamInside, Remote: pbxAddr, Conn: 7}
	if got := labels(w.by(pbx, strings.Replace(invite, "Max-Forwards: 70", "Max-Forwards: 700", 1))); got != "a 400" {
		t.Errorf("of what is wrong, but ends where it says, the SBC sent %q", got)
	}
	bad := strings.Replace(invite, "Content-Length: LENGTH\n", "", 1)
	out := w.by(pbx, bad)
	if got := labels(out); got != "a 400, a close" || out[1].flow != pbx {
		t.Errorf("the SBC sent %q by %v", got, out)
	}
	stranger := b2bua.Flow{Listener: streamOutside, Remote: netip.MustParseAddrPort("192.0.2.66:4000"), Conn: 8}
	if got := labels(w.by(stranger, bad)); got != "b close" {
		t.Errorf("a stranger got %q", got)
	}
	if got := labels(w.send(pbxAddr, bad)); got != "a 100, b INVITE" {
		t.Errorf("by UDP the SBC sent %q", got)
	}
}

// A connection breaks before there is a response: the request goes once more, by
// a new one, and its far end sees the same transaction. When that breaks too it
// has failed.
func TestConnectionBreaks(t *testing.T) {
	w := newStreams(t, policy.TCP)
	breaks := func(conn uint64) []wire {
		w.s.Broke(b2bua.Flow{Listener: streamOutside, Remote: itspAddr, Conn: conn})
		return w.sent()
	}
	carried := func(conn uint64) {
		for _, tx := range w.s.clients {
			tx.conn = conn
		}
	}
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	carried(9)
	w.want(breaks(8), "")
	if again := w.want(breaks(9), "b INVITE")[0]; again.bytes != inv.bytes {
		t.Errorf("it goes again as\n%s", again.bytes)
	}
	carried(10)
	no := w.want(breaks(10), "a 503")[0]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}
