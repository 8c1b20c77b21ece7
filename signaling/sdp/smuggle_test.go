package sdp

import (
	"errors"
	"strings"
	"testing"

	"sbc/signaling/edit"
)

// ambiguous are descriptions in which one reader finds another address, port
// or number of streams than the next. They are refused, whatever the line ends.
var ambiguous = map[string]struct{ cause, sdp string }{
	"a CR before c=":             {"sdp_syntax", head + audio + "a=x\rc=IN IP4 192.0.2.66\r\n"},
	"a CR before m=":             {"sdp_syntax", head + "a=x\rm=audio 6666 RTP/AVP 0\r\n" + audio},
	"NUL before c=":              {"sdp_syntax", head + audio + "a=x\x00\r\nc=IN IP4 192.0.2.66\r\n"},
	"NUL in c=":                  {"sdp_syntax", "v=0\r\nc=IN IP4 192.0.2.1\x00.66\r\n" + audio},
	"NUL behind everything":      {"sdp_syntax", head + audio + "\x00m=audio 6666 RTP/AVP 0\r\n"},
	"two c= of one stream":       {"sdp_syntax", head + audio + "c=IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.66\r\n"},
	"two c= of the session":      {"sdp_syntax", head + "c=IN IP4 192.0.2.66\r\n" + audio},
	"a second description":       {"sdp_syntax", head + audio + head + audio},
	"white space before c=":      {"sdp_syntax", head + audio + " c=IN IP4 192.0.2.66\r\n"},
	"white space behind c":       {"sdp_syntax", head + audio + "c =IN IP4 192.0.2.66\r\n"},
	"no letter":                  {"sdp_syntax", head + audio + "=IN IP4 192.0.2.66\r\n"},
	"an address with zeros":      {"sdp_syntax", "v=0\r\nc=IN IP4 192.0.2.010\r\n" + audio},
	"an address as one number":   {"sdp_syntax", "v=0\r\nc=IN IP4 3221225985\r\n" + audio},
	"an address in hexadecimal":  {"sdp_address", "v=0\r\nc=IN IP4 0xC0000201\r\n" + audio},
	"a port with a sign":         {"sdp_port", head + "m=audio +6666 RTP/AVP 0\r\n"},
	"a port that wraps":          {"sdp_port", head + "m=audio 72202 RTP/AVP 0\r\n"},
	"a port that wraps 32 bits":  {"sdp_port", head + "m=audio 4294973962 RTP/AVP 0\r\n"},
	"a port in hexadecimal":      {"sdp_port", head + "m=audio 0x1a0a RTP/AVP 0\r\n"},
	"a tab instead of a space":   {"sdp_port", head + "m=audio 6666\t7777 RTP/AVP 0\r\n"},
	"33 streams":                 {"sdp_limit", head + manyMedia(33)},
	"33 streams, all off":        {"sdp_limit", head + strings.Repeat("m=audio 0 RTP/AVP 0\r\n", 33)},
	"1,000 candidates":           {"sdp_limit", head + audio + manyCandidates(1000)},
	"1,000 candidates elsewhere": {"sdp_limit", head + manyCandidates(999) + audio + manyCandidates(1)},
	"a line over 8 KiB":          {"sdp_limit", head + audio + "a=" + strings.Repeat("x", 8<<10) + "\r\n"},
	"its last line over 8 KiB":   {"sdp_limit", head + audio + "a=" + strings.Repeat("x", 8<<10)},
}

func TestAmbiguous(t *testing.T) {
	var s Session
	for name, c := range ambiguous {
		for _, text := range []string{c.sdp, strings.ReplaceAll(c.sdp, "\r\n", "\n")} {
			raw := []byte("before\r\n" + text + "\r\nc=IN IP4 192.0.2.99\r\n")
			err := s.Parse(raw, edit.Span{Start: len("before\r\n"), End: len("before\r\n") + len(text)})
			var e *Error
			if !errors.As(err, &e) || e.Cause != c.cause || (e.Status == 488) != (c.cause == "sdp_limit" || c.cause == "sdp_address") {
				t.Errorf("%s: %v, want %s", name, err, c.cause)
			}
		}
	}
}

// What is unknown is no error: unknown lines, attributes, media and transports
// stand where they stood.
func TestUnknownPasses(t *testing.T) {
	for _, line := range []string{"b=X-FROB:12", "b=:", "a=frob", "a=frob:\x01\xff", "a=", "z=0", "k=clear:x", "Z=1", "i=m=audio 6666 RTP/AVP 0", "a=c=IN IP4 192.0.2.66", "e=v=0"} {
		for _, end := range []string{"\r\n", "\n", "\r\r\n"} {
			raw := []byte(head + line + end + audio + line + end + "m=x-frob 7 X/Y/Z q\r\n" + line)
			var s Session
			if err := s.Parse(raw, whole(raw)); err != nil {
				t.Errorf("%q: %v", line, err)
				continue
			}
			checkViews(t, &s)
			if len(s.Media) != 2 || string(s.Media[0].Port.Of(raw)) != "49170" || string(s.Media[1].Port.Of(raw)) != "7" || s.Media[1].Addr.String() != "192.0.2.1" {
				t.Errorf("%q with %q: %+v", line, end, s.Media)
			}
		}
	}
}
