package topology

import (
	"fmt"
	"testing"
)

const benchInvite = "INVITE sip:+4930123456@203.0.113.7:5060;user=phone SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKf0c2hq7wkm3d5x9a2b4c;rport\r\n" +
	"Max-Forwards: 69\r\n" +
	"From: \"Alice\" <sip:+4930999888@203.0.113.1>;tag=h7d2k5m9q3x8w4c6v1b0\r\n" +
	"To: <sip:+4930123456@203.0.113.7>\r\n" +
	"Call-ID: m4n8b2v6c0x1z5k9j3h7g2f6d0s4\r\n" +
	"CSeq: 20131 INVITE\r\n" +
	"Contact: <sip:203.0.113.1:5060>\r\n" +
	"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK\r\n" +
	"Supported: timer, 100rel, replaces\r\n" +
	"P-Asserted-Identity: <sip:+4930999888@203.0.113.1>\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 330\r\n" +
	"\r\n" +
	"v=0\r\no=- 4611731400430051336 2 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n" +
	"m=audio 20482 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=rtcp:20483\r\na=sendrecv\r\n" +
	"a=ssrc:1234567890 cname:4611731400430051336\r\n"

func BenchmarkAudit(b *testing.B) {
	out := []byte(benchInvite)
	var call, realm Known
	for i := range 12 {
		call.AddToken(fmt.Appendf(nil, "%08x-%04d-token@10.7.%d.5", i*77777, i, i), "Call-ID")
		call.AddHost(fmt.Appendf(nil, "10.7.%d.5", i), "endpoint")
	}
	for i := range 20 {
		realm.AddHost(fmt.Appendf(nil, "10.9.%d.5", i), "listener")
		realm.AddHost(fmt.Appendf(nil, "host%d.lan.example", i), "peer")
	}
	leaks := make([]Leak, 0, 4)
	b.SetBytes(int64(len(out)))
	b.ReportAllocs()
	for b.Loop() {
		if leaks = Audit(out, leaks[:0], &call, &realm); len(leaks) != 0 {
			b.Fatal(leaks)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(out)), "ns/octet")
}
