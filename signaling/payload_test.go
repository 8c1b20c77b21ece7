package signaling

import (
	"net/netip"
	"strings"
	"testing"

	"sbc/mediarelay"
)

const numberedOffer = `v=0
o=alice 2890844526 2890844526 IN IP4 192.168.1.44
s=-
c=IN IP4 192.168.1.44
t=0 0
m=audio 49170 RTP/AVP 111 8 101
a=rtpmap:111 opus/48000/2
a=fmtp:111 useinbandfec=1
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
`

const numberedAnswer = `v=0
o=gw 1 1 IN IP4 198.51.100.77
s=-
c=IN IP4 198.51.100.77
t=0 0
m=audio 6000 RTP/AVP 107 8 96
a=rtpmap:107 OPUS/48000/2
a=rtcp-fb:107 nack
a=rtpmap:8 PCMA/8000
a=rtpmap:96 telephone-event/8000
a=fmtp:96 0-15
`

// Where the answer numbers a format in another way than the offer, each side
// reads and hears its own numbers, in this exchange and in later ones.
func TestPayloadTypesOfEachSide(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, strings.Replace(invite, offer, numberedOffer, 1)), "a 100, b INVITE")[1]
	ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, numberedAnswer)), "a 200")[0]
	wantLines(t, "the PBX", body(ok), "RTP/AVP 111 8 101", "a=rtpmap:111 OPUS", "a=rtcp-fb:111 nack", "a=rtpmap:101 tele", "a=fmtp:101 0-15")
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")

	pbx, gw := netip.MustParseAddrPort("192.168.1.44:49170"), netip.MustParseAddrPort("198.51.100.77:6000")
	st := w.s.records[w.s.calls.All()[0].ID].streams[0]
	for _, c := range []struct {
		side      mediarelay.Side
		from      netip.AddrPort
		pt, heard byte
	}{
		{mediarelay.A, pbx, 111, 107}, {mediarelay.A, pbx, 101, 96}, {mediarelay.A, pbx, 8, 8},
		{mediarelay.B, gw, 107, 111}, {mediarelay.B, gw, 111, 111}, {mediarelay.B, gw, 96 | 0x80, 101 | 0x80},
	} {
		rtp := []byte{0x80, c.pt, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3}
		if sent, cause := w.media.Inject(st.Local(c.side).RTP(), c.from, rtp); cause != mediarelay.Pass || sent.Bytes[1] != c.heard {
			t.Errorf("payload type %d of side %v: %v, %v, want %d", c.pt, c.side, cause, sent.Bytes, c.heard)
		}
	}

	re := w.want(w.fromFar(inv, "INVITE", 1, farReInvite(numberedAnswer)), "b 100, a INVITE")[1]
	wantLines(t, "the PBX", body(re), "RTP/AVP 111 8 101", "a=rtpmap:111 OPUS")
	got := w.want(w.send(pbxAddr, respond(re, 200, "Contact: <sip:100@192.168.1.10:5060>\n", numberedOffer)), "b 200")[0]
	wantLines(t, "the ITSP", body(got), "RTP/AVP 107 8 96", "a=rtpmap:107 opus", "a=fmtp:107 useinbandfec=1", "a=fmtp:96 0-15")
	w.want(w.fromFar(inv, "ACK", 1, gateway+"Content-Length: 0\n\n"), "a ACK")
	w.bye(ok, 11)
}

func wantLines(t *testing.T, who, text string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(text, l) {
			t.Errorf("%s reads no %q:\n%s", who, l, text)
		}
	}
}

// Formats that are not told apart by their names alone keep their numbers, and
// so does a line with redundancy, whose packets hold payload types.
func TestPayloadTypesThatStay(t *testing.T) {
	for _, c := range []struct{ name, offered, answered string }{
		{"two of one kind", "m=video 49180 RTP/AVP 96 97\na=rtpmap:96 H264/90000\na=rtpmap:97 H264/90000\n", "m=video 6002 RTP/AVP 98\na=rtpmap:98 H264/90000\n"},
		{"another one has the number", "m=video 49180 RTP/AVP 96 97\na=rtpmap:96 VP8/90000\na=rtpmap:97 H264/90000\n", "m=video 6002 RTP/AVP 97 96\na=rtpmap:97 VP8/90000\na=rtpmap:96 VP9/90000\n"},
		{"redundancy", "m=video 49180 RTP/AVP 96 97\na=rtpmap:96 red/90000\na=rtpmap:97 H264/90000\n", "m=video 6002 RTP/AVP 98 99\na=rtpmap:98 red/90000\na=rtpmap:99 H264/90000\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			inv := w.want(w.send(pbxAddr, strings.Replace(invite, offer, offer+c.offered, 1)), "a 100, b INVITE")[1]
			ok := w.want(w.send(itspAddr, respond(inv, 200, gateway, answer+c.answered)), "a 200")[0]
			formats := c.answered[strings.Index(c.answered, "RTP/AVP"):strings.Index(c.answered, "\n")]
			wantLines(t, "the PBX", body(ok), formats)
			w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
			w.bye(ok, 11)
		})
	}
}
