package signaling

import (
	"net/netip"
	"strings"
	"testing"

	"sbc/policy"
)

const offeredVideo = "m=video 49180 RTP/AVP 99\na=rtpmap:99 H264/90000\n"

// streams tells how many pairs of ports a side has out.
func (w *world) wantStreams(want int, when string) {
	w.t.Helper()
	if n := w.media.Streams(); n != want {
		w.t.Errorf("%s: %d media lines have ports, want %d", when, n, want)
	}
}

// A line that is offered with port 0 needs no ports (RFC 3264 section 5.1), and
// gets them when it is switched on.
func TestLineThatIsOff(t *testing.T) {
	w := newWorld(t)
	off := strings.Replace(offer+offeredVideo, "video 49180", "video 0", 1)
	inv := w.want(w.send(pbxAddr, strings.Replace(invite, offer, off, 1)), "a 100, b INVITE")[1]
	w.wantStreams(1, "video offered with port 0")
	if !strings.Contains(body(inv), "m=video 0 ") {
		t.Errorf("the ITSP reads\n%s", body(inv))
	}
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer+"m=video 0 RTP/AVP 99\n")), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	re := w.want(w.send(pbxAddr, reInvite(ok, 11, offer+offeredVideo)), "a 100, b INVITE")[1]
	w.wantStreams(2, "video switched on")
	agreed := w.want(w.send(itspAddr, respond(re, 200, gateway, answer+video)), "a 200")[0]
	if strings.Contains(body(re)+body(agreed), "m=video 0 ") {
		t.Errorf("video is off:\n%s\n%s", body(re), body(agreed))
	}
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 11, "")), "b ACK")
	w.bye(ok, 12)
}

// The ports of a line that the other side refuses are given back, and so are
// those of a line that is taken out, or whose offer comes to nothing.
func TestLineThatIsRefused(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, strings.Replace(invite, offer, offer+offeredVideo, 1)), "a 100, b INVITE")[1]
	w.wantStreams(2, "video offered")
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer+"m=video 0 RTP/AVP 99\n")), "a 200")[0]
	w.wantStreams(1, "video refused")
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")

	re := w.want(w.send(pbxAddr, reInvite(ok, 11, offer+offeredVideo)), "a 100, b INVITE")[1]
	w.wantStreams(2, "video offered again")
	no := w.want(w.send(itspAddr, respond(re, 488, "", "")), "b ACK, a 488")[1]
	w.want(w.send(pbxAddr, ackOf(no, "INVITE11")), "")
	w.wantStreams(1, "offer refused")

	re = w.want(w.send(pbxAddr, reInvite(ok, 12, offer+offeredVideo)), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(re, 200, gateway, answer+video)), "a 200")
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 12, "")), "b ACK")
	w.wantStreams(2, "video agreed to")
	re = w.want(w.send(pbxAddr, reInvite(ok, 13, strings.Replace(offer+offeredVideo, "video 49180", "video 0", 1))), "a 100, b INVITE")[1]
	w.wantStreams(2, "video to be taken out")
	w.want(w.send(itspAddr, respond(re, 200, gateway, answer+"m=video 0 RTP/AVP 99\n")), "a 200")
	w.want(w.send(pbxAddr, inDialog(ok, "ACK", 13, "")), "b ACK")
	w.wantStreams(1, "video taken out")
	w.bye(ok, 14)
}

// A call that goes on to a peer in another realm takes its ports there.
func TestFailoverToAnotherRealm(t *testing.T) {
	w := newWorld(t, func(o *Options, p *policy.Options) {
		p.Realms = append(p.Realms, policy.Realm{Name: "third"})
		third := o.Realms[1]
		third.Name, third.Media = "third", Addrs{IP4: netip.MustParseAddr("192.0.2.1")}
		o.Realms = append(o.Realms, third)
		o.Listeners = append(o.Listeners, Listener{Realm: 2, Addr: netip.MustParseAddrPort("192.0.2.1:5060"), Host: "192.0.2.1:5060"})
		p.Peers[2].Realm = 2
	})
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	out := w.want(w.send(itspAddr, respond(inv, 503, "", "")), "b ACK, b INVITE")
	if b := body(out[1]); !strings.Contains(b, "c=IN IP4 192.0.2.1\r\n") || !strings.Contains(b, "m=audio 4") {
		t.Errorf("the backup reads\n%s", b)
	}
	w.wantStreams(1, "second target")
	w.send(pbxAddr, cancelOf(invite))
	w.media.Close()
}
