package main

// invite is what a PBX sends: nine fields and an SDP body.
const invite = "INVITE sip:+4930123456@sip.itsp.example SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 192.168.1.10:5060;rport;branch=z9hG4bK-524287-1---a9f3c01be9d11e6f\r\n" +
	"Max-Forwards: 70\r\n" +
	"From: \"Alice Example\" <sip:alice@pbx.example>;tag=8d1c2b9a4e\r\n" +
	"To: <sip:+4930123456@sip.itsp.example>\r\n" +
	"Call-ID: 4c0b7a8e21d94f0bb1a3@192.168.1.10\r\n" +
	"CSeq: 314159 INVITE\r\n" +
	"Contact: <sip:alice@192.168.1.10:5060;transport=udp>\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 219\r\n" +
	"\r\n" +
	"v=0\r\n" +
	"o=alice 2890844526 2890844526 IN IP4 192.168.1.10\r\n" +
	"s=-\r\n" +
	"c=IN IP4 192.168.1.10\r\n" +
	"t=0 0\r\n" +
	"m=audio 49170 RTP/AVP 8 0 101\r\n" +
	"a=rtpmap:8 PCMA/8000\r\n" +
	"a=rtpmap:0 PCMU/8000\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\n" +
	"a=fmtp:101 0-15\r\n" +
	"a=sendrecv\r\n"

// What stands in the message that goes out.
const (
	viaHost    = "203.0.113.7"
	viaBranch  = "z9hG4bKk7f3qdx2v9w1r8t6b4n0"
	ourVia     = "SIP/2.0/UDP " + viaHost + ":5060;branch=" + viaBranch
	contactURI = "sip:k7f3qd@203.0.113.7:5060"
	ourContact = "<" + contactURI + ">"
	ourCallID  = "k7f3qdm5p8s2u6y0c4e9a1g3"
)

// looked is what a B2BUA needs to know of a request before it can write the
// one of its other leg. Both parsers fill it, so neither can leave a look out.
type looked struct {
	method, uriHost, uriUser    string
	viaHost, branch, transport  string
	fromTag, toTag              string
	callID, contactHost, sdp    string
	viaPort, cseq, hops, length int
}
