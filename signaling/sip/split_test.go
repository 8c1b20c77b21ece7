package sip_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sbc/signaling/sip"
)

// What follows on the stream behind each message of streamRows.
const follows = "OPTIONS sip:next@example.com SIP/2.0\r\n" +
	"Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKnext\r\n" +
	"Max-Forwards: 70\r\n" +
	"To: <sip:next@example.com>\r\n" +
	"From: <sip:alice@example.org>;tag=1\r\n" +
	"Call-ID: next\r\n" +
	"CSeq: 1 OPTIONS\r\n" +
	"Content-Length: 0\r\n\r\n"

// A streamRow is a message, made of invite by a change, and what is read of it
// and of follows behind it: from a stream, and all in one datagram. An outcome
// is a list of what was read: a message with the octets of its body, or a
// cause and the status of the answer; "close" where the stream is of no more
// use, "wait" where octets are left that are no message yet.
type streamRow struct {
	name, old, text  string
	stream, datagram string
}

const (
	both   = "INVITE 5, OPTIONS 0" // of a stream where nothing is wrong
	first  = "INVITE 5 +"          // of a datagram: what is behind the body is cut
	goesOn = ", OPTIONS 0"
)

// streamRows has a row for each cause of what can be wrong with octets.
var streamRows = []streamRow{
	{"right", "", "", both, first},
	{"a CRLF before", rightLine, "\r\n" + rightLine, both, first},
	{"a keepalive before", rightLine, "\r\n\r\n" + rightLine, "keepalive 0, " + both, first},
	{"two keepalives and a CRLF before", rightLine, "\r\n\r\n\r\n\r\n\r\n" + rightLine, "keepalive 0, keepalive 0, " + both, first},
	{"lone LF before", rightLine, "\n\n\n" + rightLine, both, first},
	{"8 KiB of LF before", rightLine, strings.Repeat("\n", 9000) + rightLine, "not_sip 0, close", first},

	{"not SIP", rightLine, "hello", "not_sip 0, close", "not_sip 0"},
	{"an octet that begins nothing", rightLine, "\x00" + rightLine, "not_sip 0, close", "control_octet 0"},
	{"one that begins nothing, HTTP behind", rightLine, "\x80 HTTP/1.1", "not_sip 0, close", "not_sip 0"},
	{"no empty line", "Content-Length: 5\r\n\r\nv=0\r\n", "Content-Length: 0\r\n", "field_name 400, close", "field_name 400"},
	{"HTTP", rightLine, "GET / HTTP/1.1", "wrong_protocol 0, close", "not_sip 0"},
	{"HTTP/2", rightLine, "PRI * HTTP/2.0\r\n\r\nSM", "wrong_protocol 0, close", "not_sip 0"},
	{"TLS", rightLine, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "wrong_protocol 0, close", "not_sip 0"},
	{"TLS with a line end", rightLine, "\x16\x03\x01\x02\n\x01\x00 SIP/2.0", "wrong_protocol 0, close", "not_sip 0"},
	{"nearly TLS", rightLine, "\x16\x04", "not_sip 0, close", "not_sip 0"},

	{"LF in the start line", rightLine + "\r\n", rightLine + "\n", "line_ending 400, close", "line_ending 400"},
	{"LF behind a field", "Max-Forwards: 70\r\n", "Max-Forwards: 70\n", "line_ending 400, close", "line_ending 400"},
	{"CR in a field", "Alice", "Al\rice", "line_ending 400, close", "line_ending 400"},
	{"LF for the empty line", "5\r\n\r\nv", "5\r\n\nv", "line_ending 400, close", "line_ending 400"},
	{"CR for the empty line", "5\r\n\r\nv", "5\r\n\r\r\n\r\nv", "line_ending 400, close", "line_ending 400"},
	{"LF in a field behind another fault", "To: Bob <sip:bob@example.com>\r\n", "To: \"Bob <sip:bob@example.com>\n", "line_ending 400, close", "line_ending 400"},
	{"LF behind a bad start line", rightLine + "\r\nVia", rightLine[:len(rightLine)-1] + "1\r\nX: 1\nVia", "version 505, close", "version 505"},
	{"NUL", "Alice", "Al\x00ice", "control_octet 400" + goesOn, "control_octet 400"},
	{"control octet in quotes", "Alice", "\"Al\x07ice\"", "control_octet 400" + goesOn, "control_octet 400"},
	{"invalid UTF-8", "Alice", "\"\xff\xfe\"", both, first},
	{"two spaces", rightLine, "INVITE  sip:bob@example.com SIP/2.0", "start_line 400" + goesOn, "start_line 400"},
	{"space at the end", rightLine, rightLine + " ", "start_line 400" + goesOn, "start_line 400"},
	{"brackets", rightLine, "INVITE <sip:bob@example.com> SIP/2.0", "start_line 400" + goesOn, "start_line 400"},
	{"headers in the URI", rightLine, "INVITE sip:b@example.com?Route=%3Csip:x%3E SIP/2.0", "uri_headers 400" + goesOn, "uri_headers 400"},
	{"long URI", rightLine, "INVITE sip:" + strings.Repeat("b", 2045) + " SIP/2.0", "uri_too_long 414" + goesOn, "uri_too_long 414"},
	{"scheme", rightLine, "INVITE urn:service:counseling SIP/2.0", "scheme 416" + goesOn, "scheme 416"},
	{"version", rightLine, "INVITE sip:bob@example.com SIP/3.0", "version 505" + goesOn, "version 505"},
	{"version in another case", rightLine, "INVITE sip:bob@example.com sIP/2.0", "not_sip 0, close", "not_sip 0"},
	{"CSeq of another method", "314159 INVITE", "314159 BYE", "cseq_method 400" + goesOn, "cseq_method 400"},
	{"CSeq too large", "314159 INVITE", "2147483648 INVITE", "cseq 400" + goesOn, "cseq 400"},
	{"no To", "To: Bob <sip:bob@example.com>\r\n", "", "missing_field 400" + goesOn, "missing_field 400"},
	{"no Via", rightVia, "", "via 0" + goesOn, "via 0"},
	{"unreadable Via", rightVia, "Via: x\r\n", "via 0" + goesOn, "via 0"},
	{"two Call-IDs", rightCallID, rightCallID + "\r\ni: x", "duplicate_field 400" + goesOn, "duplicate_field 400"},
	{"two Content-Types", rightCallID, rightCallID + "\r\nc: a/b", "duplicate_field 400" + goesOn, "duplicate_field 400"},
	{"no hop left", "Max-Forwards: 70", "Max-Forwards: 0", both, first},
	{"Max-Forwards", "Max-Forwards: 70", "Max-Forwards: 256", "max_forwards 400" + goesOn, "max_forwards 400"},
	{"no Max-Forwards", "Max-Forwards: 70\r\n", "", both, first},

	{"two Content-Lengths", "Content-Length: 5", "Content-Length: 5\r\nl: 5", "content_length 400, close", "content_length 400"},
	{"two Content-Lengths behind another fault", "Max-Forwards: 70", "Max-Forwards: x\r\nl: 5", "max_forwards 400, close", "max_forwards 400"},
	{"negative Content-Length", "Content-Length: 5", "Content-Length: -5", "content_length 400, close", "content_length 400"},
	{"signed Content-Length", "Content-Length: 5", "Content-Length: +5", "content_length 400, close", "content_length 400"},
	{"Content-Length in hex", "Content-Length: 5", "Content-Length: 0x5", "content_length 400, close", "content_length 400"},
	{"empty Content-Length", "Content-Length: 5", "Content-Length:", "content_length 400, close", "content_length 400"},
	{"Content-Length over 2^31", "Content-Length: 5", "Content-Length: 2147483648", "content_length 400, close", "content_length 400"},
	{"Content-Length over 2^64", "Content-Length: 5", "Content-Length: 18446744073709551621", "content_length 400, close", "content_length 400"},
	{"a list as Content-Length", "Content-Length: 5", "Content-Length: 5, 5", "content_length 400, close", "content_length 400"},

	// Where a datagram and a stream are read in different ways.
	{"no Content-Length", "Content-Length: 5\r\n", "", "content_length 400, close", fmt.Sprintf("INVITE %d", 5+len(follows))},
	{"Content-Length too short", "Content-Length: 5", "Content-Length: 3", "INVITE 3" + goesOn, "INVITE 3 +"},
	{"Content-Length shorter still", "Content-Length: 5", "Content-Length: 0", "INVITE 0, not_sip 0, close", "INVITE 0 +"},
	{"Content-Length too long", "Content-Length: 5", "Content-Length: 6", "INVITE 6, cseq_method 400", "INVITE 6 +"},
	{"Content-Length of all", "Content-Length: 5", fmt.Sprintf("Content-Length: %d", 5+len(follows)), fmt.Sprintf("INVITE %d", 5+len(follows)), fmt.Sprintf("INVITE %d", 5+len(follows))},
	{"Content-Length beyond all", "Content-Length: 5", fmt.Sprintf("Content-Length: %d", 6+len(follows)), "wait", "content_length 400"},
	{"octets behind the body", "v=0\r\n", "v=0\r\nrubbish\r\n", "INVITE 5, not_sip 0, close", first},
	{"a message in the body", "v=0\r\n", follows, "INVITE 5, cseq_method 400" + goesOn, first},
	{"zeros before", "Content-Length: 5", "Content-Length: 0000005", both, first},

	{"body over the limit", "Content-Length: 5", "Content-Length: 65537", "too_large 413, close", "content_length 400"},
	{"body of the limit", "Content-Length: 5\r\n\r\nv=0\r\n", "Content-Length: 65536\r\n\r\n" + strings.Repeat("x", 65536), "INVITE 65536, OPTIONS 0", "INVITE 65536 +"},
	{"fields over 32 KiB", "Max-Forwards: 70", "Max-Forwards: 70" + strings.Repeat("\r\nSubject: "+strings.Repeat("x", 4096), 8), "too_large 513, close", "too_large 513"},
	{"a header of 40 KiB", "Max-Forwards: 70", "Max-Forwards: 70" + strings.Repeat("\r\nZ: "+strings.Repeat("x", 2000), 20), "too_large 513, close", "too_large 513"},
	{"40 KiB without a line end", rightLine, "INVITE sip:" + strings.Repeat("x", 40000), "too_large 0, close", "not_sip 0"},
	{"fields over 32 KiB without a Via", rightVia, strings.Repeat("Subject: "+strings.Repeat("x", 4096)+"\r\n", 9), "too_large 0, close", "too_large 0"},
	{"a field over 8 KiB", "Max-Forwards: 70", "Max-Forwards: 70\r\nSubject: " + strings.Repeat("x", 8<<10), "too_large 513, close", "too_large 513"},
	{"300 fields", "Max-Forwards: 70", "Max-Forwards: 70" + strings.Repeat("\r\nZ: 1", 300), "too_large 513, close", "too_large 513"},
	{"1,000 Vias, a line each", rightVia, strings.Repeat("Via: SIP/2.0/UDP a\r\n", 1000), "too_large 513, close", "too_large 513"},
	{"1,000 Vias in one line", rightVia, "Via: SIP/2.0/UDP a" + strings.Repeat(",SIP/2.0/UDP a", 999) + "\r\n", "too_large 0, close", "too_large 0"},
	{"71 Vias, mixed", rightVia, "Via: SIP/2.0/UDP a" + strings.Repeat(",SIP/2.0/UDP a", 34) + "\r\n" + strings.Repeat("v:SIP/2.0/UDP a\r\n", 36), "too_large 513, close", "too_large 513"},
	{"70 Vias, mixed", rightVia, "Via: SIP/2.0/UDP a" + strings.Repeat(",SIP/2.0/UDP a", 34) + "\r\n" + strings.Repeat("v:SIP/2.0/UDP a\r\n", 35), both, first},

	{"white space before the colon", "Content-Length:", "Content-Length \t:", both, first},
	{"a fold before the colon", "Content-Length:", "l\r\n :", both, first},
	{"a folded Content-Length", "Content-Length: 5", "Content-Length:\r\n 5\r\n\t", both, first},
	{"field name", "Max-Forwards: 70", "Max-Forwards: 70\r\nSub ject: x", "field_name 400" + goesOn, "field_name 400"},
	{"no colon", "Max-Forwards: 70", "Max-Forwards: 70\r\nSubject", "field_name 400" + goesOn, "field_name 400"},
	{"a folded field", "314159 INVITE", "314159\r\n\t \r\n INVITE", both, first},
	{"a fold that looks like the empty line", "Max-Forwards: 70\r\n", "Max-Forwards: 70\r\n \r\n\t\r\n", both, first},
	{"unterminated quote", "To: Bob <", "To: \"Bob <", "quoting 400" + goesOn, "quoting 400"},
	{"stray separators in Via", rightVia, "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n", "syntax 400" + goesOn, "syntax 400"},
	{"stray separators in Contact", rightContact, rightContact + ";;,,", "syntax 400" + goesOn, "syntax 400"},
}

// TestStreamRows brings each row in pieces: what comes of it is the same.
func TestStreamRows(t *testing.T) {
	for _, r := range streamRows {
		t.Run(r.name, func(t *testing.T) {
			text := []byte(with(t, invite, r.old, r.text) + follows)
			for _, p := range splits(text) {
				if got := fromStream(text, p.next); got != r.stream {
					t.Fatalf("in %s: %q, want %q", p.name, got, r.stream)
				}
			}
			if got := fromDatagram(text); got != r.datagram {
				t.Errorf("in a datagram: %q, want %q", got, r.datagram)
			}
		})
	}
}

// TestStreamResponses: nobody answers a response, and the stream goes on.
func TestStreamResponses(t *testing.T) {
	for _, c := range []struct{ old, text, want string }{
		{"", "", "200 0, OPTIONS 0"},
		{"SIP/2.0 200 OK", "SIP/2.0 700 OK", "status 0, OPTIONS 0"},
		{"SIP/2.0 200 OK", "SIP/2.0 4294967301 OK", "status 0, OPTIONS 0"},
		{"SIP/2.0 200 OK", "sip/2.0 200 OK", "not_sip 0, close"},
		{"SIP/2.0 200 OK", "SIP/3.0 200 OK", "status 0, close"},
		{"314159 INVITE", "x INVITE", "cseq 0, OPTIONS 0"},
		{"Content-Length: 0", "Content-Length: 0\r\nl: 0", "content_length 0, close"},
		{"Content-Length: 0\r\n", "", "content_length 0, close"},
		{"Content-Length: 0", "Content-Length: 0\r\nRSeq: 1\r\nRSeq: 2", "duplicate_field 0, OPTIONS 0"},
	} {
		text := []byte(with(t, ok200, c.old, c.text) + follows)
		for _, p := range splits(text) {
			if got := fromStream(text, p.next); got != c.want {
				t.Fatalf("%q in %s: %q, want %q", c.text, p.name, got, c.want)
			}
		}
	}
}

// A split says how many octets come next, of those from i on.
type split struct {
	name string
	next func(i int) int
}

// splits are the ways in which text may come: in two pieces, cut at every
// place, in single octets, and in pieces drawn by seed. Of a long text not
// every place is tried, but each around which something ends.
func splits(text []byte) (list []split) {
	step := 1 + len(text)/2500
	for at := 0; at <= len(text); at++ {
		if at%step != 0 && at > 20 && at < len(text)-20 && text[at] != '\r' && text[at-1] != '\n' {
			continue
		}
		list = append(list, split{fmt.Sprintf("two pieces, cut at %d", at), func(i int) int {
			if i < at {
				return at - i
			}
			return len(text) - i
		}})
	}
	list = append(list, split{"single octets", func(int) int { return 1 }})
	for seed := range uint64(20) {
		draw := rand.New(rand.NewPCG(seed, 1))
		list = append(list, split{fmt.Sprintf("pieces by seed %d", seed), func(int) int { return 1 + draw.IntN(2+len(text)/8) }})
	}
	return list
}

// fromStream returns what is read when text comes in pieces.
func fromStream(text []byte, piece func(i int) int) string {
	var (
		m   sip.Message
		got []string
	)
	for have, taken := 0, 0; ; {
		for have > taken {
			n, err := m.ParseStream(text[taken:have:have])
			if n == 0 && err == nil {
				break
			}
			taken += n
			got = append(got, outcome(&m, err))
			if e, bad := err.(*sip.Error); bad && e.Close {
				return strings.Join(append(got, "close"), ", ")
			}
		}
		if have == len(text) {
			if taken < have {
				got = append(got, "wait")
			}
			return strings.Join(got, ", ")
		}
		have = min(have+piece(have), len(text))
	}
}

// fromDatagram returns what is read when text is one datagram; "+" says that
// octets behind the body were cut.
func fromDatagram(text []byte) string {
	var m sip.Message
	err := m.Parse(text)
	got := outcome(&m, err)
	if err == nil && m.Trailing() > 0 {
		got += " +"
	}
	return got
}

func outcome(m *sip.Message, err error) string {
	if e, bad := err.(*sip.Error); bad {
		return fmt.Sprintf("%s %d", e.Cause, e.Status)
	}
	if m.IsRequest() {
		return fmt.Sprintf("%s %d", m.MethodName(), m.Body().Len())
	}
	return fmt.Sprintf("%d %d", m.Status(), m.Body().Len())
}
