package sip_test

import (
	"fmt"
	"strings"
	"testing"

	"sbc/signaling/sip"
)

// sipI is a body as of SIP-I: SDP and ISUP side by side.
const sipI = "preamble\r\n" +
	"--b1\r\n" +
	"Content-Type: application/isup;version=itu-t92+\r\nContent-Disposition: signal;handling=optional\r\n" +
	"\r\n" +
	"\x01\x00\n--b\r\n--\x00\r\n" +
	"--b1 \t\r\n" +
	"c:\r\n application/SDP\r\n" +
	"\r\n" +
	"v=0\r\ns=-\r\n" +
	"\r\n--b1\r\n" +
	"\r\n" +
	"untyped" +
	"\r\n--b1--\r\nepilogue\r\n"

func typed(t *testing.T, contentType, body string) *sip.Message {
	t.Helper()
	text := with(t, invite, "Content-Type: application/sdp\r\nContent-Length: 5", contentType+fmt.Sprintf("Content-Length: %d", len(body)))
	return parse(t, strings.TrimSuffix(text, "v=0\r\n")+body)
}

func TestBodyPart(t *testing.T) {
	nested := func(depth int, inner string) (contentType, body string) {
		contentType, body = "Content-Type: application/sdp\r\n", inner
		for i := range depth {
			body = fmt.Sprintf("--n%d\r\n%s\r\n%s\r\n--n%d--", i, contentType, body, i)
			contentType = fmt.Sprintf("Content-Type: multipart/mixed ; boundary=\"n%d\"\r\n", i)
		}
		return contentType, body
	}
	mixed := "Content-Type: Multipart/Mixed;boundary=b1\r\n"
	four, fourBody := nested(4, "v=0\r\n")
	five, fiveBody := nested(5, "v=0\r\n")
	for _, c := range []struct{ name, contentType, body, want, part string }{
		{"the body itself", "Content-Type: application/SDP ;charset=x\r\n", "v=0\r\n", "application/sdp", "v=0\r\n"},
		{"untyped", "", "v=0\r\n", "application/sdp", "v=0\r\n"},
		{"untyped, but other", "", "v=0\r\n", "text/plain", "-"},
		{"no body", "Content-Type: application/sdp\r\n", "", "application/sdp", "-"},
		{"other type", "c: text/plain\r\n", "hello", "application/sdp", "-"},
		{"SIP-I", mixed, sipI, "application/sdp", "v=0\r\ns=-\r\n"},
		{"SIP-I, the other part", mixed, sipI, "application/isup", "\x01\x00\n--b\r\n--\x00"},
		{"not in SIP-I", mixed, sipI, "text/plain", "-"},
		{"LF only", mixed, "--b1\nContent-Type: application/sdp\n\nv=0\ns=-\n--b1--", "application/sdp", "v=0\ns=-"},
		{"empty part", mixed, "--b1\r\nContent-Type: application/sdp\r\n\r\n\r\n--b1--", "application/sdp", ""},
		{"a part without an empty line", mixed, "--b1\r\nContent-Type: application/sdp\r\n--b1--", "application/sdp", "-"},
		{"parts without octets", mixed, "--b1\r\n--b1\r\n--b1--", "application/sdp", "-"},
		{"nested four times", four, fourBody, "application/sdp", "v=0\r\n"},
		{"nested five times", five, fiveBody, "application/sdp", "!"},
		{"sixteen parts", mixed, strings.Repeat("--b1\r\n\r\nx\r\n", 16) + "--b1--", "text/plain", "-"},
		{"seventeen parts", mixed, strings.Repeat("--b1\r\n\r\nx\r\n", 17) + "--b1--", "text/plain", "!"},
		{"no boundary named", "Content-Type: multipart/mixed\r\n", sipI, "application/sdp", "!"},
		{"empty boundary", "Content-Type: multipart/mixed;boundary=\"\"\r\n", sipI, "application/sdp", "!"},
		{"boundary too long", "Content-Type: multipart/mixed;boundary=" + strings.Repeat("b", 71) + "\r\n", sipI, "application/sdp", "!"},
		{"other boundary", "Content-Type: multipart/mixed;boundary=b2\r\n", sipI, "application/sdp", "!"},
		{"unterminated", mixed, strings.Replace(sipI, "--b1--", "--b1-", 1) + "--b1x--", "application/sdp", "!"},
		{"unterminated behind what was looked for", mixed, "--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n", "application/sdp", "!"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := typed(t, c.contentType, c.body)
			part, ok, err := m.BodyPart(c.want)
			got := "-"
			if e, bad := err.(*sip.Error); bad {
				got = "!"
				if e.Cause != "multipart" || e.Status != 400 || ok {
					t.Errorf("got %+v, %v", e, ok)
				}
			} else if ok {
				got = string(m.Bytes(part))
			}
			if got != c.part {
				t.Errorf("got %q, want %q", got, c.part)
			}
		})
	}
}

// TestBodyOfRFC4475 finds the parts of mpart01, one of which is binary.
func TestBodyOfRFC4475(t *testing.T) {
	m := parse(t, string(read(t, "testdata/rfc4475/mpart01.dat")))
	for mediaType, n := range map[string]int{"text/plain": 5, "application/octet-stream": 342} {
		part, ok, err := m.BodyPart(mediaType)
		if !ok || err != nil || part.Len() != n {
			t.Errorf("%s: %d octets, %v, %v; want %d", mediaType, part.Len(), ok, err, n)
		}
	}
}
