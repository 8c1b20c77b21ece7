package transport_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sbc/signaling/transport"
)

// cutUp returns b in two or three pieces.
func cutUp(b []byte, first, second uint) [][]byte {
	i := int(first % uint(len(b)+1))
	j := i + int(second%uint(len(b)-i+1))
	return [][]byte{b[:i], b[i:j], b[j:]}
}

// What is found in frames does not depend on the pieces in which they come,
// and what is kept is bounded.
func FuzzWebSocketFrames(f *testing.F) {
	for _, text := range []string{
		"", frame(text_, request(1, 10)) + frame(ping_, "who") + frame(binary_, "\r\n\r\n"),
		frame(begun, request(1, 10)[:50]) + frame(pong_, "") + frame(more, request(1, 10)[50:]),
		frame(text_, "\xff"), frame(close_, status(1000)), frame(text_, strings.Repeat("x", 70000)), "\x81\x05hello", "\x81\xfe\x00\x05mask.....",
	} {
		f.Add([]byte(text), uint(3), uint(7))
	}
	f.Fuzz(func(t *testing.T, b []byte, first, second uint) {
		whole, _ := transport.WebSocketFrames(b)
		got, kept := transport.WebSocketFrames(cutUp(b, first, second)...)
		if !slices.Equal(whole, got) {
			t.Errorf("in pieces %q, at once %q", got, whole)
		}
		if octet := slices.Collect(slices.Chunk(b, 1)); len(b) < 5000 {
			if got, _ := transport.WebSocketFrames(octet...); !slices.Equal(whole, got) {
				t.Errorf("by octets %q, at once %q", got, whole)
			}
		}
		if kept > 2*transport.WebSocketMax {
			t.Errorf("%d octets kept", kept)
		}
	})
}

// A frame of ours is one that is read back, once it has a mask.
func FuzzWebSocketWritten(f *testing.F) {
	f.Add([]byte(request(1, 0)))
	f.Add(bytes.Repeat([]byte("x"), 70000))
	f.Fuzz(func(t *testing.T, payload []byte) {
		ours := transport.AppendFrame(nil, 0x2, payload)
		masked := []byte(frame(binary_, string(payload)))
		head := len(ours) - len(payload)
		masked[1] &^= 0x80
		if !bytes.Equal(ours[:head], masked[:head]) || !bytes.Equal(ours[head:], payload) {
			t.Errorf("%x", ours[:head])
		}
	})
}

// Whatever a request says, it gets an answer that is one of HTTP, and becomes a
// WebSocket only from where it may.
func FuzzWebSocketRequest(f *testing.F) {
	f.Add([]byte(wsRequest(wsSIP)))
	f.Add([]byte(wsRequest(wsSIP, "Origin: https://phone.example\r\n")))
	f.Add([]byte(wsRequest(wsSIP, "Origin: https://evil.example\r\n", "Content-Length: 3\r\n")))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte(strings.Replace(wsRequest(wsSIP, "Origin: https://evil.example\r\n"), "\r\nOrigin", "\n\nOrigin", 1)))
	w := &transport.WebSocket{Origins: []string{"phone.example"}}
	f.Fuzz(func(t *testing.T, b []byte) {
		answer, err := transport.WebSocketAnswer(w, b)
		if answer == nil {
			return
		}
		up := bytes.HasPrefix(answer, []byte("HTTP/1.1 101 "))
		if !bytes.HasPrefix(answer, []byte("HTTP/1.1 ")) || !bytes.HasSuffix(answer, []byte("\r\n\r\n")) || up != (err == nil) {
			t.Errorf("%q, %v", answer, err)
		}
		lower := strings.ToLower(string(b))
		if head, _, _ := strings.Cut(lower, "\r\n\r\n"); up && (!strings.Contains(head, "sip") || fromElsewhere(head)) {
			t.Errorf("%q becomes a WebSocket", b)
		}
		if status := string(answer[9:12]); up != (status == "101") || http.StatusText(int(answer[9]-'0')*100) == "" {
			t.Errorf("status %s", status)
		}
	})
}

// fromElsewhere reports whether a head in lower case has an Origin that is not a
// page of phone.example.
func fromElsewhere(head string) bool {
	for line := range strings.Lines(head) {
		if origin, ok := strings.CutPrefix(line, "origin:"); ok {
			if _, host, ok := strings.Cut(origin, "://"); !ok || strings.TrimSpace(host) != "phone.example" && !strings.HasPrefix(host, "phone.example:") {
				return true
			}
		}
	}
	return false
}

// Records are followed alike in whatever pieces they come.
func FuzzTLSRecords(f *testing.F) {
	f.Add([]byte("\x17\x03\x03\x00\x02ab\x17\x03\x03\x00\x00\x17\x03\x03\x00\x01c\x17\x03"), uint(3), uint(4))
	f.Fuzz(func(t *testing.T, b []byte, first, second uint) {
		partial, octets := transport.Records(b)
		if p, n := transport.Records(cutUp(b, first, second)...); p != partial || n != octets {
			t.Errorf("%v %d in pieces, %v %d at once", p, n, partial, octets)
		}
		if octets > len(b) {
			t.Errorf("%d octets of %d", octets, len(b))
		}
	})
}
