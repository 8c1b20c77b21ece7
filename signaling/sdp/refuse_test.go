package sdp

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sbc/signaling/edit"
)

const (
	head  = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	audio = "m=audio 49170 RTP/AVP 0\r\n"
)

// refused are descriptions that are not accepted, by the cause that is counted.
var refused = []struct {
	cause  string
	status int
	at     string // text at which the error points; "": the beginning
	sdp    string
}{
	{"sdp_syntax", 400, "", ""},
	{"sdp_syntax", 400, "", "\r\n\r\n"},
	{"sdp_syntax", 400, "", "o=- 1 1 IN IP4 192.0.2.1\r\nm=audio 49170 RTP/AVP 0\r\n"},
	{"sdp_syntax", 400, "Hello", "Hello, world\r\n"},
	{"sdp_syntax", 400, "<?xml", "<?xml version=\"1.0\"?>\r\n"},
	{"sdp_syntax", 400, "1\r\n", "v=1\r\ns=-\r\n"},
	{"sdp_syntax", 400, "\r\no=", "v=\r\no=- 1 1 IN IP4 192.0.2.1\r\n"},
	{"sdp_syntax", 400, "00", "v=00\r\n"},
	{"sdp_syntax", 400, "0\r\no=second", head + "v=0\r\no=second\r\n"},
	{"sdp_syntax", 400, "0\r\na=in-media", head + audio + "v=0\r\na=in-media\r\n"},
	{"sdp_syntax", 400, "0\r\na=late", audio + "v=0\r\na=late\r\n"},

	{"sdp_syntax", 400, "\x00", head + "a=x\x00y\r\n"},
	{"sdp_syntax", 400, "\x00", head + audio + "\x00"},
	{"sdp_syntax", 400, "\rc=", head + audio + "a=x\rc=IN IP4 192.0.2.9\r\n"},
	{"sdp_syntax", 400, "\r\r\x01", head + audio + "a=x\r\r\x01\r\n"},
	{"sdp_syntax", 400, "m\r\n", head + "m\r\n"},
	{"sdp_syntax", 400, "m \r\n", head + "m \r\n"},
	{"sdp_syntax", 400, " a=x", head + " a=x\r\n"},
	{"sdp_syntax", 400, "c =IN", head + audio + "c =IN IP4 192.0.2.9\r\n"},
	{"sdp_syntax", 400, "==", head + "==\r\n"},
	{"sdp_syntax", 400, "a:sendonly", head + audio + "a:sendonly\r\n"},

	{"sdp_syntax", 400, "m=audio", head + "m=audio 49170\r\n"},
	{"sdp_syntax", 400, "m=\r\n", head + "m=\r\n"},
	{"sdp_syntax", 400, "m=audio\t", head + "m=audio\t49170 RTP/AVP\r\n"},

	{"sdp_syntax", 400, "IN6", head + audio + "c=IN6 IP4 192.0.2.9\r\n"},
	{"sdp_syntax", 400, "IN", head + audio + "c=IN IP4\r\n"},
	{"sdp_syntax", 400, "ATM", head + audio + "c=ATM NSAP 47.0091\r\n"},
	{"sdp_syntax", 400, "IP5", head + audio + "c=IN IP5 192.0.2.9\r\n"},
	{"sdp_syntax", 400, "192.0.2.999", head + audio + "c=IN IP4 192.0.2.999\r\n"},
	{"sdp_syntax", 400, "192.0.2.9.1", head + audio + "c=IN IP4 192.0.2.9.1\r\n"},
	{"sdp_syntax", 400, "192.0.2", head + audio + "c=IN IP4 192.0.2\r\n"},
	{"sdp_syntax", 400, "192.0.02.9", head + audio + "c=IN IP4 192.0.02.9\r\n"},
	{"sdp_syntax", 400, "3221225993", head + audio + "c=IN IP4 3221225993\r\n"},
	{"sdp_syntax", 400, "2001:db8::9", head + audio + "c=IN IP4 2001:db8::9\r\n"},
	{"sdp_syntax", 400, "192.0.2.9", head + audio + "c=IN IP6 192.0.2.9\r\n"},
	{"sdp_syntax", 400, "[2001", head + audio + "c=IN IP6 [2001:db8::9]\r\n"},
	{"sdp_syntax", 400, "fe80::1%eth0", head + audio + "c=IN IP6 fe80::1%eth0\r\n"},
	{"sdp_syntax", 400, "bücher", head + audio + "c=IN IP4 bücher.example\r\n"},
	{"sdp_syntax", 400, "/127", head + audio + "c=IN IP4 /127\r\n"},
	{"sdp_syntax", 400, "IN IP4 192.0.2.8", head + audio + "c=IN IP4 192.0.2.9\r\nc=IN IP4 192.0.2.8\r\n"},
	{"sdp_syntax", 400, "IN IP4 192.0.2.8", head + "c=IN IP4 192.0.2.8\r\n" + audio},

	{"sdp_port", 400, "65536", head + "m=audio 65536 RTP/AVP 0\r\n"},
	{"sdp_port", 400, "-1", head + "m=audio -1 RTP/AVP 0\r\n"},
	{"sdp_port", 400, "+1", head + "m=audio +1 RTP/AVP 0\r\n"},
	{"sdp_port", 400, "0x10", head + "m=audio 0x10 RTP/AVP 0\r\n"},
	{"sdp_port", 400, "$", head + "m=audio $ RTP/AVP 0\r\n"},
	{"sdp_port", 400, "99999999999999999999", head + "m=audio 99999999999999999999 RTP/AVP 0\r\n"},
	{"sdp_port", 400, "5000/", head + "m=audio 5000/ RTP/AVP 0\r\n"},
	{"sdp_port", 400, "5000/0", head + "m=audio 5000/0 RTP/AVP 0\r\n"},
	{"sdp_port", 400, "5000/-2", head + "m=audio 5000/-2 RTP/AVP 0\r\n"},
	{"sdp_port", 400, "/2", head + "m=audio /2 RTP/AVP 0\r\n"},
	{"sdp_port", 400, "5000\t6000", head + "m=audio 5000\t6000 RTP/AVP 0\r\n"},

	{"sdp_limit", 488, "m=audio 33", head + manyMedia(32) + "m=audio 33 RTP/AVP 0\r\n"},
	{"sdp_limit", 488, "a=candidate:1000 ", head + audio + manyCandidates(1000)},
	{"sdp_limit", 488, "a=candidate:1000 ", head + manyCandidates(500) + audio + strings.TrimPrefix(manyCandidates(1000), manyCandidates(500))},
	{"sdp_limit", 488, "a=xx", head + audio + "a=" + strings.Repeat("x", 8191) + "\r\n"},

	{"sdp_address", 488, "media.example", head + audio + "c=IN IP4 media.example\r\n"},
	{"sdp_address", 488, "localhost", "v=0\r\nc=IN IP4 localhost\r\n" + audio},
	{"sdp_address", 488, "a.local", head + audio + "c=IN IP6 a.local/127\r\n"},
}

func manyMedia(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "m=audio %d RTP/AVP 0\r\n", 1+i)
	}
	return b.String()
}

func manyCandidates(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a=candidate:%d 1 UDP 1 192.0.2.1 5000 typ host\r\n", 1+i)
	}
	return b.String()
}

func TestRefused(t *testing.T) {
	var s Session
	for _, c := range refused {
		before := "body:"
		raw := []byte(before + c.sdp + "\r\nv=0\r\n")
		err := s.Parse(raw, edit.Span{Start: len(before), End: len(before) + len(c.sdp)})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%.60q: %v, want %s", c.sdp, err, c.cause)
			continue
		}
		at := strings.LastIndex(c.sdp, c.at) + len(before)
		if c.at == "" {
			at = len(before)
		}
		if e.Cause != c.cause || e.Status != c.status || e.At != at || e.Want == "" {
			t.Errorf("%.60q: %v (status %d), want %s, %d at octet %d", c.sdp, e, e.Status, c.cause, c.status, at)
		}
		if !strings.Contains(e.Error(), c.cause) {
			t.Errorf("the error %q does not name its cause", e)
		}
	}
}

// taken are descriptions that look wrong and are not.
var taken = map[string]string{
	"no media at all (RFC 3264 section 5)":     head,
	"the version alone":                        "v=0",
	"version not first":                        "s=-\r\nv=0\r\n" + audio,
	"trailing spaces":                          "v=0 \r\nc=IN IP4 192.0.2.1 \r\nm=audio 49170 RTP/AVP 0 \r\n",
	"more than one space":                      "v=0\r\nc=IN  IP4   192.0.2.1\r\nm=audio  49170  RTP/AVP  0\r\n",
	"no address":                               "v=0\r\n" + audio,
	"no formats":                               head + "m=audio 49170 RTP/AVP\r\n",
	"unknown bandwidth, attribute, letter":     head + "b=\r\nb=XX:-1\r\nb=AS:64:2\r\nz=?\r\n" + audio + "b=:\r\na=\r\na=:\r\na=:x\r\nQ=1\r\n",
	"unknown media and transport":              head + "m=hologram 5 QUIC/HTP a b c\r\n",
	"control characters in a text":             head + "a=x \x01\x1b[2J\xff\r\n" + audio,
	"a name where the stream is off":           head + "m=audio 0 RTP/AVP 0\r\nc=IN IP4 media.example\r\n",
	"a name that no stream uses":               "v=0\r\nc=IN IP4 media.example\r\n" + audio + "c=IN IP4 192.0.2.1\r\n",
	"a broken origin":                          "v=0\r\no=\r\no=x y\r\n" + audio,
	"a group with TTL":                         head + audio + "c=IN IP4 224.2.1.1/127/3\r\n",
	"32 m= lines":                              head + manyMedia(32),
	"999 candidates":                           head + audio + manyCandidates(999),
	"a line of 8 KiB":                          head + audio + "a=" + strings.Repeat("x", 8190) + "\r\n",
	"the highest port":                         head + "m=audio 65535 RTP/AVP 0\r\n",
	"zeros before the port":                    head + "m=audio 000000005000 RTP/AVP 0\r\n",
	"broken rtcp, candidate, rtpmap, crypto":   head + audio + "a=rtcp:\r\na=rtcp:x\r\na=candidate:\r\na=rtpmap:\r\na=crypto:\r\na=fmtp:0\r\n",
	"a direction at an unknown place":          head + "a=sendonly \r\n" + audio + "a=inactive\r\n",
	"an address of the other family elsewhere": head + audio + "c=IN IP6 2001:db8::1\r\n",
	"a mapped address":                         head + audio + "c=IN IP6 ::ffff:192.0.2.1\r\n",
}

func TestTaken(t *testing.T) {
	for name, text := range taken {
		raw := []byte(text)
		var s Session
		if err := s.Parse(raw, whole(raw)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkViews(t, &s)
	}
}
