package signaling

import (
	"net/netip"
	"strings"
	"testing"

	"sbc/mediarelay"
	"sbc/policy"
	"sbc/signaling/b2bua"
)

// A PBX on the host of the SBC: the same address, other ports, for signaling
// and for media. Calls both ways are calls like any other.
func TestPBXOnTheSameHost(t *testing.T) {
	beside := netip.MustParseAddrPort("192.168.1.1:5080")
	w := newWorld(t, func(o *Options, p *policy.Options) {
		p.Peers[0].Target = policy.Target{Host: "192.168.1.1", Addr: beside.Addr(), Port: beside.Port()}
		o.Realms[0].Ports = [2]uint16{20000, 20199}
	})
	by := b2bua.Flow{Listener: listenerInside, Remote: beside}
	here := strings.NewReplacer("192.168.1.10:5060", "192.168.1.1:5080", "192.168.1.10", "192.168.1.1", "192.168.1.44", "192.168.1.1")
	out := w.by(by, here.Replace(invite))
	if len(out) != 2 || out[1].label() != "INVITE" || out[0].to != beside {
		t.Fatalf("the SBC sent %v", out)
	}
	inv := out[1]
	ok := w.send(itspAddr, respond(inv, 200, gateway, answer))[0]
	if ok.to != beside || ok.label() != "200" {
		t.Fatalf("the SBC sent %v", ok)
	}
	w.by(by, here.Replace(ackFor(ok)))
	st := w.s.records[w.s.calls.All()[0].ID].streams[0]
	rtp := []byte{0x80, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3}
	phone := netip.MustParseAddrPort("192.168.1.1:49170")
	if sent, cause := w.media.Inject(st.Local(mediarelay.B).RTP(), netip.MustParseAddrPort("198.51.100.77:6000"), rtp); cause != mediarelay.Pass || sent.To != phone {
		t.Errorf("media to the PBX: %v, %v", cause, sent.To)
	}
	for _, x := range w.by(by, here.Replace(inDialog(ok, "BYE", 11, ""))) {
		if x.label() == "BYE" {
			w.send(itspAddr, respond(x, 200, "", ""))
		}
	}
	w.nothingLeft()

	back := w.send(itspAddr, fromITSPInvite)
	if len(back) != 2 || back[1].to != beside || !strings.HasPrefix(back[1].bytes, "INVITE sip:200@192.168.1.1:5080 SIP/2.0\r\n") {
		t.Fatalf("the SBC sent %v", back)
	}
	// A port of ours that no call has is still a mistake.
	bad := strings.NewReplacer("pbxone", "pbxtwo", "secret-call", "second", "49170", "20100").Replace(here.Replace(invite))
	if got := w.by(by, bad); got[len(got)-1].label() != "488" {
		t.Errorf("media to a port of ours that nobody has: %v", got)
	}
}

const fromITSPInvite = `INVITE sip:200@203.0.113.7 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.5:5060;branch=z9hG4bKitspone
Max-Forwards: 70
From: <sip:+49301@sip.itsp.example>;tag=itsptag
To: <sip:200@203.0.113.7>
Call-ID: call@198.51.100.5
CSeq: 1 INVITE
Contact: <sip:gw@198.51.100.77:5062>
Content-Type: application/sdp
Content-Length: LENGTH

` + answer
