package sip

import (
	"fmt"
	"strings"
	"testing"
)

func bodyMessage(t *testing.T, contentType, body string) *Message {
	t.Helper()
	var m Message
	raw := "NOTIFY sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n" +
		"Call-ID: a\r\nCSeq: 1 NOTIFY\r\nMax-Forwards: 70\r\n" + contentType + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body
	if err := m.Parse([]byte(raw)); err != nil {
		t.Fatal(err)
	}
	return &m
}

func TestAppendParts(t *testing.T) {
	const nested = "--o\r\nContent-Type: multipart/mixed;boundary=i\r\n\r\n--i\r\nContent-Type: Text/Plain ; a=b\r\nX: y\r\n\r\none\r\n--i--\r\n" +
		"--o\r\n\r\ntwo\r\n--o--\r\n"
	for _, c := range []struct{ contentType, body, want string }{
		{"", "", ""},
		{"", "v=0", " 0 v=0"},
		{"Content-Type: text/plain;a=b\r\n", "x", "text/plain 0 x"},
		{"Content-Type: multipart/mixed;boundary=o\r\n", nested, "multipart/mixed 3 " + nested +
			"|multipart/mixed 1 --i\r\nContent-Type: Text/Plain ; a=b\r\nX: y\r\n\r\none\r\n--i--|Text/Plain 0 one| 0 two"},
	} {
		m := bodyMessage(t, c.contentType, c.body)
		parts, err := m.AppendParts(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range parts {
			got = append(got, fmt.Sprintf("%s %d %s", MediaType(m.Raw, p.Type), p.Inside, m.Bytes(p.Content)))
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("got %q, want %q", s, c.want)
		}
	}
}

// A part that is taken out leaves a body that can be read.
func TestAppendPartsWhole(t *testing.T) {
	m := bodyMessage(t, "c: multipart/mixed;boundary=o\r\n", "--o\r\nA: b\r\n\r\none\r\n--o\r\n\r\ntwo\r\n--o--")
	parts, err := m.AppendParts(nil)
	if err != nil || len(parts) != 3 {
		t.Fatal(parts, err)
	}
	for i, want := range []string{"\r\n--o\r\n\r\ntwo\r\n--o--", "--o\r\nA: b\r\n\r\none\r\n--o--"} {
		p := parts[i+1]
		body := string(m.Raw[m.Body().Start:p.Whole.Start]) + string(m.Raw[p.Whole.End:])
		if body != want {
			t.Errorf("without part %d: %q, want %q", i, body, want)
		}
		if left, err := bodyMessage(t, "c: multipart/mixed;boundary=o\r\n", body).AppendParts(nil); err != nil || len(left) != 2 {
			t.Errorf("without part %d: %v, %v", i, left, err)
		}
	}
	if got := string(m.Bytes(parts[1].Fields)); got != "A: b\r\n\r\n" {
		t.Errorf("fields %q", got)
	}
}

// Row "multipart": what cannot be read has no parts.
func TestAppendPartsRefuses(t *testing.T) {
	for _, c := range [][2]string{{"multipart/mixed", "--o\r\n"}, {"multipart/mixed;boundary=o", "--o\r\n\r\nx"}} {
		m := bodyMessage(t, "Content-Type: "+c[0]+"\r\n", c[1])
		if parts, err := m.AppendParts(nil); err == nil || len(parts) != 0 {
			t.Errorf("%q: %v, %v", c, parts, err)
		}
	}
}

func TestAppendPartsAllocatesNothing(t *testing.T) {
	room := make([]Part, 0, 8)
	m := bodyMessage(t, "c: multipart/mixed;boundary=o\r\n", "--o\r\nA: b\r\n\r\none\r\n--o\r\n\r\ntwo\r\n--o--")
	if n := testing.AllocsPerRun(100, func() {
		if parts, _ := m.AppendParts(room[:0]); len(parts) != 3 {
			t.Fatal(parts)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
