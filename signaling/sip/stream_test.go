package sip_test

import (
	"strings"
	"testing"

	"sbc/signaling/sip"
)

// TestStream brings messages octet by octet, and all at once.
func TestStream(t *testing.T) {
	text := "\r\n" + invite + ok200 + "\r\n" + invite
	for _, all := range []bool{false, true} {
		var got []string
		for b, have := []byte(text), 0; len(b) > 0; {
			if have++; all || have > len(b) {
				have = len(b)
			}
			var m sip.Message
			n, err := m.ParseStream(b[:have])
			if err != nil {
				t.Fatalf("%v in %q", err, b[:have])
			}
			if n > 0 {
				got = append(got, string(m.Raw))
				b, have = b[n:], 0
			}
		}
		if len(got) != 3 || got[0] != invite || got[1] != ok200 || got[2] != invite {
			t.Errorf("all at once %v: got %q", all, got)
		}
	}
}

func TestStreamRefuses(t *testing.T) {
	noLength := with(t, ok200, "Content-Length: 0\r\n", "")
	for _, c := range []struct {
		text   string
		n      int
		cause  string
		status int
	}{
		{"\r\n\r\n" + invite, 4, "keepalive", 0},
		{"\r\n\r\n", 4, "keepalive", 0},
		{noLength, len(noLength), "content_length", 0},
		{with(t, invite, "Content-Length: 5\r\n", ""), -1, "content_length", 400},
		{with(t, invite, "Content-Length: 5", "Content-Length: 65537"), -1, "too_large", 413},
		{with(t, invite, "Content-Length: 5", "Content-Length: 5\r\nl: 5"), -1, "content_length", 400},
		{with(t, invite, "CSeq: 314159", "CSeq: x"), -1, "cseq", 400},
		{"GET / HTTP/1.1\r\nHost: x\r\n", -1, "wrong_protocol", 0},
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", -1, "wrong_protocol", 0},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", -1, "wrong_protocol", 0},
		{"\x16\x03\x01\x02\n\x01\x00\x01\xfc\x03\x03", -1, "wrong_protocol", 0},
		{"\x00\x00\x00\x00", -1, "not_sip", 0},
		{"hello\r\n", -1, "not_sip", 0},
		{"INVITE sip:" + strings.Repeat("x", 40000), -1, "too_large", 0},
		{strings.Repeat("\r\n", 2), 4, "keepalive", 0},
		{"INVITE sip:a SIP/2.0\r\n" + strings.Repeat("X: 1\r\n", 8000), -1, "too_large", 0},
	} {
		var m sip.Message
		n, err := m.ParseStream([]byte(c.text))
		e, ok := err.(*sip.Error)
		if !ok || e.Cause != c.cause || e.Status != c.status || c.n >= 0 && n != c.n || n == 0 {
			t.Errorf("%.40q: got %d, %v; want %d, %s %d", c.text, n, err, c.n, c.cause, c.status)
		}
	}
}

func TestStreamWaits(t *testing.T) {
	for _, text := range []string{"", "\r", "\r\n", "\r\n\r", "\r\nIN", "I", "INVITE sip:a", invite[:200], invite[:len(invite)-1]} {
		var m sip.Message
		if n, err := m.ParseStream([]byte(text)); n != 0 || err != nil {
			t.Errorf("%q: got %d, %v; want to wait", text, n, err)
		}
	}
}

// TestMissing asks after each octet how many more it takes.
func TestMissing(t *testing.T) {
	fields := strings.Index(invite, "\r\n\r\n") + 4
	for i := range len(invite) {
		var m sip.Message
		if n, err := m.ParseStream([]byte(invite[:i])); n != 0 || err != nil {
			t.Fatalf("%d octets: %d, %v", i, n, err)
		}
		want := 1
		if i >= fields {
			want = len(invite) - i
		}
		if got := m.Missing(); got != want {
			t.Errorf("%d octets: %d are missing, want %d", i, got, want)
		}
	}
}
