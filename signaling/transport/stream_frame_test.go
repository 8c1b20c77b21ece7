package transport_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sbc/signaling/transport"
)

// request is a MESSAGE with that many octets of body; with fields behind those
// that it needs.
func request(n, body int, fields ...string) string {
	return fmt.Sprintf("MESSAGE sip:bob@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKnashds%d\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:alice@192.0.2.1>;tag=a\r\nTo: <sip:bob@192.0.2.9>\r\nCall-ID: call-%d\r\nCSeq: 1 MESSAGE\r\n"+
		"%sContent-Length: %d\r\n\r\n%s", n, n, strings.Join(fields, ""), body, strings.Repeat("b", body))
}

// noLength is a request without Content-Length and with these fields instead.
func noLength(fields string) string {
	return strings.Replace(request(1, 0), "Content-Length: 0\r\n", fields, 1)
}

const clientHello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and a random"

// streams are what far ends send, and what is found in it: "ping", the cause
// and status of a message, or how the stream ends.
var streams = []struct {
	name, text string
	want       []string
}{
	{"nothing", "", nil},
	{"one message", request(1, 0), []string{"ok"}},
	{"with a body", request(1, 30), []string{"ok"}},
	{"pipelined", request(1, 3) + request(2, 0) + request(3, 100), []string{"ok", "ok", "ok"}},
	{"CRLFs before the start line", "\r\n" + request(1, 0) + "\r\n" + request(2, 5), []string{"ok", "ok"}},
	{"odd line ends before the start line", "\n\r\n\n\r\r\n\n" + request(1, 0), []string{"ok"}},
	{"keepalive: ping", "\r\n\r\n", []string{"ping"}},
	{"keepalive: pings and messages", "\r\n\r\n" + request(1, 0) + "\r\n\r\n\r\n\r\n" + request(2, 2), []string{"ping", "ok", "ping", "ping", "ok"}},
	{"keepalive: pong", request(1, 0) + "\r\n" + request(2, 0), []string{"ok", "ok"}},
	{"not_sip: text", "hello, world\r\nhow are you\r\n\r\n", []string{"verdict 2"}},
	{"not_sip: octets", "\x00\x01\x02\x03\x04\x05", []string{"verdict 2"}},
	{"not_sip behind a message", request(1, 0) + "hello, world\r\n\r\n", []string{"ok", "verdict 2"}},
	{"wrong_protocol: TLS", clientHello, []string{"verdict 3"}},
	{"wrong_protocol: HTTP", "GET / HTTP/1.1\r\nHost: sbc\r\n\r\n", []string{"verdict 3"}},
	{"wrong_protocol: HTTP, one line", "POST /x HTTP/1.0\r\n", []string{"verdict 3"}},
	{"content_length: none", noLength("") + request(2, 0), []string{"content_length 400", "verdict 1"}},
	{"content_length: twice", noLength("Content-Length: 0\r\nl: 0\r\n"), []string{"content_length 400", "verdict 1"}},
	{"content_length: twice, unequal", noLength("Content-Length: 0\r\nContent-Length: 9\r\n") + "123456789", []string{"content_length 400", "verdict 1"}},
	{"content_length: negative", noLength("Content-Length: -1\r\n"), []string{"content_length 400", "verdict 1"}},
	{"content_length: signed", noLength("Content-Length: +1\r\n") + "x", []string{"content_length 400", "verdict 1"}},
	{"content_length: hexadecimal", noLength("Content-Length: 0x10\r\n"), []string{"content_length 400", "verdict 1"}},
	{"content_length: empty", noLength("Content-Length: \r\n"), []string{"content_length 400", "verdict 1"}},
	{"content_length: beyond 2^31", noLength("Content-Length: 2147483648\r\n"), []string{"content_length 400", "verdict 1"}},
	{"content_length: beyond 2^64", noLength("Content-Length: 18446744073709551617\r\n"), []string{"content_length 400", "verdict 1"}},
	{"too_large: body", noLength("Content-Length: 65537\r\n"), []string{"too_large 413", "verdict 1"}},
	{"line_ending", strings.Replace(request(1, 0), "70\r\n", "70\n", 1), []string{"line_ending 400", "verdict 1"}},
	{"line_ending in what is no start line", "SIP/\n000", []string{"line_ending 0", "verdict 1"}},
	{"version", strings.Replace(request(1, 3), "SIP/2.0\r", "SIP/3.0\r", 1) + request(2, 0), []string{"version 505", "ok"}},
}

// Large ones: split at random places only.
var largeStreams = []struct {
	name, text string
	want       []string
}{
	{"the largest body", request(1, 64<<10) + request(2, 0), []string{"ok", "ok"}},
	{"long fields", request(1, 10, strings.Repeat("Z: "+strings.Repeat("x", 4000)+"\r\n", 7)) + request(2, 0), []string{"ok", "ok"}},
	{"too_large: field", request(1, 0, "Z: "+strings.Repeat("x", 9000)+"\r\n"), []string{"too_large 513", "verdict 1"}},
	{"too_large: fields", request(1, 0, strings.Repeat("Z: 1\r\n", 300)), []string{"too_large 513", "verdict 1"}},
	{"too_large: Vias", request(1, 0, strings.Repeat("Via: SIP/2.0/TCP h;branch=z9hG4bK1\r\n", 71)), []string{"too_large 513", "verdict 1"}},
	{"too_large: header section", request(1, 0, strings.Repeat("Z: "+strings.Repeat("x", 4000)+"\r\n", 9)), []string{"too_large 513", "verdict 1"}},
	{"too_large: no end", "MESSAGE sip:a SIP/2.0\r\n" + strings.Repeat("Z: "+strings.Repeat("x", 4000)+"\r\n", 20), []string{"too_large 0", "verdict 1"}},
	{"too_large: no line", "MESSAGE sip:" + strings.Repeat("x", 40000), []string{"too_large 0", "verdict 1"}},
	{"a thousand pings", strings.Repeat("\r\n\r\n", 1000) + request(1, 0), append(slices.Repeat([]string{"ping"}, 1000), "ok")},
}

// short gives each thing found its first words.
func short(found []string) []string {
	var all []string
	for _, f := range found {
		w := strings.Fields(f)
		if w[0] != "ok" && w[0] != "ping" {
			w[0] += " " + w[1]
		}
		all = append(all, w[0])
	}
	return all
}

// check feeds text in pieces that end at cuts and compares with whole.
func check(t *testing.T, text string, whole []string, cuts ...int) {
	t.Helper()
	var pieces [][]byte
	at := 0
	for _, c := range append(cuts, len(text)) {
		pieces = append(pieces, []byte(text[at:c]))
		at = c
	}
	if got := transport.Frames(pieces...); !slices.Equal(got, whole) {
		t.Fatalf("cut at %v: got\n%.2000q\nwant\n%.2000q", cuts, got, whole)
	}
}

// What is found in a stream does not depend on where it is cut.
func TestFramesOfSplitStreams(t *testing.T) {
	for _, s := range streams {
		t.Run(s.name, func(t *testing.T) {
			whole := transport.Frames([]byte(s.text))
			if got := short(whole); !slices.Equal(got, s.want) {
				t.Fatalf("found %q, want %q", got, s.want)
			}
			all := make([]int, len(s.text))
			for i := range s.text {
				check(t, s.text, whole, i)
				check(t, s.text, whole, i, min(i+1, len(s.text)))
				all[i] = i
			}
			check(t, s.text, whole, all...)
		})
	}
}

func TestFramesOfLargeStreams(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, s := range largeStreams {
		t.Run(s.name, func(t *testing.T) {
			whole := transport.Frames([]byte(s.text))
			if got := short(whole); !slices.Equal(got, s.want) {
				t.Fatalf("found %q, want %q", got, s.want)
			}
			for range 50 {
				cuts := make([]int, 1+rnd.IntN(40))
				for i := range cuts {
					cuts[i] = rnd.IntN(len(s.text))
				}
				slices.Sort(cuts)
				check(t, s.text, whole, cuts...)
			}
		})
	}
}

// The same octets in one piece and in many give the same messages, errors and
// pings.
func FuzzFrames(f *testing.F) {
	for _, s := range streams {
		f.Add([]byte(s.text), uint64(len(s.text)))
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		whole := transport.Frames(text)
		rnd := rand.New(rand.NewPCG(seed, 1))
		var pieces [][]byte
		for rest := text; len(rest) > 0; {
			n := 1 + rnd.IntN(min(len(rest), 1<<rnd.IntN(12)))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if got := transport.Frames(pieces...); !slices.Equal(got, whole) {
			t.Fatalf("in pieces\n%q\nwhole\n%q", got, whole)
		}
	})
}
