package signaling

import (
	"net/netip"
	"strings"
	"testing"

	"sbc/mediarelay"
	"sbc/policy"
	"sbc/signaling/b2bua"
)

var (
	itsp6  = netip.MustParseAddrPort("[2001:db8:5::5]:5060")
	ours6  = netip.MustParseAddr("2001:db8:7::7")
	inner6 = netip.MustParseAddr("fd00:1::1")
)

const answer6 = `v=0
o=gw 1 1 IN IP6 2001:db8:5::77
s=-
c=IN IP6 2001:db8:5::77
t=0 0
m=audio 6000 RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=rtcp:6009 IN IP6 2001:db8:5::78
`

const gateway6 = "Contact: <sip:gw@[2001:db8:5::77]:5062>\n"

// newFamilies is a world whose ITSP speaks IPv6; both realms have both.
func newFamilies(t *testing.T) *world {
	return newWorld(t, func(o *Options, p *policy.Options) {
		o.Realms[0].Media.IP6, o.Realms[1].Media.IP6 = inner6, ours6
		o.Listeners = append(o.Listeners,
			Listener{Realm: 0, Addr: netip.AddrPortFrom(inner6, 5060), Host: "[fd00:1::1]:5060"},
			Listener{Realm: 1, Addr: netip.AddrPortFrom(ours6, 5060), Host: "[2001:db8:7::7]:5060"})
		p.Peers[1].Target = policy.Target{Host: "2001:db8:5::5", Addr: itsp6.Addr(), Port: 5060}
		p.Peers[1].Domain = ""
		p.Routes[0].To = []int{1}
	})
}

// A call from IPv4 to IPv6: each side reads and reaches its own family.
func TestCallToIPv6(t *testing.T) {
	w := newFamilies(t)
	by := b2bua.Flow{Listener: 3, Remote: itsp6}
	out := w.send(pbxAddr, invite)
	if len(out) != 2 || out[1].flow != by {
		t.Fatalf("the SBC sent %v", out)
	}
	inv := out[1]
	if uri := inv.msg.Bytes(inv.msg.RequestURI()); string(uri) != "sip:+4930123@[2001:db8:5::5]" {
		t.Errorf("Request-URI %s", uri)
	}
	wantLines(t, "the ITSP", inv.bytes, "Via: SIP/2.0/UDP [2001:db8:7::7]:5060;", "Contact: <sip:[2001:db8:7::7]:5060>", "\r\nc=IN IP6 2001:db8:7::7\r\n", " IN IP6 2001:db8:7::7\r\ns=")
	if strings.Contains(inv.bytes, "192.168.") || strings.Contains(inv.bytes, "203.0.113.") {
		t.Errorf("the ITSP reads\n%s", inv.bytes)
	}
	ok := w.by(by, respond(inv, 200, gateway6, answer6))[0]
	wantLines(t, "the PBX", ok.bytes, "\r\nc=IN IP4 192.168.1.1\r\n", "Contact: <sip:192.168.1.1:5060>")
	if strings.Contains(ok.bytes, "2001:db8") || strings.Contains(ok.bytes, "IP6") {
		t.Errorf("the PBX reads\n%s", ok.bytes)
	}
	ack := w.send(pbxAddr, ackFor(ok))[0]
	if ack.flow.Remote != netip.MustParseAddrPort("[2001:db8:5::77]:5062") || ack.flow.Listener != 3 {
		t.Errorf("the ACK goes to %v", ack.flow)
	}

	st := w.s.records[w.s.calls.All()[0].ID].streams[0]
	rtp := []byte{0x80, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3}
	gw := netip.MustParseAddrPort("[2001:db8:5::77]:6000")
	if sent, cause := w.media.Inject(st.Local(mediarelay.A).RTP(), netip.MustParseAddrPort("192.168.1.44:49170"), rtp); cause != mediarelay.Pass || sent.To != gw {
		t.Errorf("media to the ITSP: %v %v", cause, sent.To)
	}
	if sent, cause := w.media.Inject(st.Local(mediarelay.B).RTP(), gw, rtp); cause != mediarelay.Pass || sent.To != netip.MustParseAddrPort("192.168.1.44:49170") {
		t.Errorf("media to the PBX: %v %v", cause, sent.To)
	}

	// A re-offer must stay in the family that its side has ports in.
	re := w.send(pbxAddr, reInvite(ok, 11, strings.NewReplacer("IP4 192.168.1.44", "IP6 fd00:1::44").Replace(offer)))
	if got := labels(re); got != "a 488" && got != "a 100, a 488" {
		t.Errorf("another family in the middle of a call: %q", got)
	}
	w.send(pbxAddr, ackOf(re[len(re)-1], "INVITE11"))
	for _, x := range w.send(pbxAddr, inDialog(ok, "BYE", 12, "")) {
		if x.label() == "BYE" {
			w.by(by, respond(x, 200, "", ""))
		}
	}
	w.nothingLeft()
}

// A call within IPv6; and a line of another family than the others is refused.
func TestCallWithinIPv6(t *testing.T) {
	w := newFamilies(t)
	inside, outside := b2bua.Flow{Listener: 0, Remote: pbxAddr}, b2bua.Flow{Listener: 3, Remote: itsp6}
	offer6 := strings.NewReplacer("IP4 192.168.1.44", "IP6 fd00:1::44").Replace(offer)
	inv := w.by(inside, strings.Replace(invite, offer, offer6, 1))[1]
	wantLines(t, "the ITSP", body(inv), "\r\nc=IN IP6 2001:db8:7::7\r\n")
	ok := w.by(outside, respond(inv, 200, gateway6, answer6))[0]
	wantLines(t, "the PBX", body(ok), "\r\nc=IN IP6 fd00:1::1\r\n")
	w.send(pbxAddr, ackFor(ok))
	w.send(pbxAddr, inDialog(ok, "BYE", 11, ""))

	mixed := offer6 + "m=video 49180 RTP/AVP 99\nc=IN IP4 192.168.1.44\n"
	text := strings.NewReplacer("pbxone", "pbxtwo", "secret-call", "other").Replace(strings.Replace(invite, offer, mixed, 1))
	if got := labels(w.send(pbxAddr, text)); got != "a 100, a 488" {
		t.Errorf("lines of two families: %q", got)
	}
	for i, bad := range []string{"::ffff:192.168.1.44", "fe80::1", "ff02::1", "::1"} {
		text := strings.NewReplacer("pbxone", "pbx"+itoa(uint32(i)), "secret-call", "bad"+itoa(uint32(i))).Replace(strings.Replace(invite, offer, strings.ReplaceAll(offer6, "fd00:1::44", bad), 1))
		if got := labels(w.send(pbxAddr, text)); got != "a 100, a 488" {
			t.Errorf("media to %s: %q", bad, got)
		}
	}
}

// Where a realm has one family only, offers of the other one are refused.
func TestFamilyThatARealmHasNot(t *testing.T) {
	w := newWorld(t)
	offer6 := strings.NewReplacer("IP4 192.168.1.44", "IP6 fd00:1::44").Replace(offer)
	if got := labels(w.send(pbxAddr, strings.Replace(invite, offer, offer6, 1))); got != "a 100, a 488" {
		t.Errorf("the SBC sent %q", got)
	}
}
