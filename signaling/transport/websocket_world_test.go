package transport_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sbc/signaling/transport"
)

// A page is a WebSocket client made by hand.
type page struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

const wsKey = "dGhlIHNhbXBsZSBub25jZQ==" // RFC 6455 section 1.3

// wsRequest is what a client begins with; with fields behind those that it
// needs.
func wsRequest(fields ...string) string {
	return "GET /ws HTTP/1.1\r\nHost: sbc.example\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
		"Sec-WebSocket-Key: " + wsKey + "\r\nSec-WebSocket-Version: 13\r\n" + strings.Join(fields, "") + "\r\n"
}

const wsSIP = "Sec-WebSocket-Protocol: sip\r\n"

// openWS opens a listener of plain WebSockets.
func openWS(t testing.TB, o transport.StreamOptions) *node {
	t.Helper()
	if o.WebSocket == nil {
		o.WebSocket = &transport.WebSocket{}
	}
	return open(t, o)
}

// ask sends a request and returns what the answer says.
func ask(t testing.TB, c net.Conn, text string) (*page, *http.Response) {
	t.Helper()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	write(t, c, text)
	p := &page{c, t, bufio.NewReader(c)}
	r, err := http.ReadResponse(p.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, r
}

// turn makes a WebSocket of a connection.
func turn(t testing.TB, c net.Conn) *page {
	t.Helper()
	p, r := ask(t, c, wsRequest(wsSIP))
	if r.StatusCode != http.StatusSwitchingProtocols || r.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" ||
		r.Header.Get("Sec-WebSocket-Protocol") != "sip" || r.Header.Get("Sec-WebSocket-Extensions") != "" {
		t.Fatalf("%+v", r)
	}
	return p
}

// frame is a masked one.
func frame(first byte, payload string) string {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{0xa1, 0x02, 0x73, 0x44}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return string(b)
}

const (
	text_, binary_, more = 0x81, 0x82, 0x80
	begun                = 0x01
	close_, ping_, pong_ = 0x88, 0x89, 0x8a
)

// next reads a frame of ours: its first octet and payload.
func (p *page) next() (byte, string) {
	p.t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(p.r, head); err != nil {
		p.t.Fatal(err)
	}
	n := int(head[1])
	if n >= 126 {
		size := make([]byte, 2+6*(n-126))
		if _, err := io.ReadFull(p.r, size); err != nil {
			p.t.Fatal(err)
		}
		n = int(binary.BigEndian.Uint64(append(make([]byte, 8-len(size)), size...)))
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(p.r, b); err != nil {
		p.t.Fatal(err)
	}
	return head[0], string(b)
}

// is compares the next frame.
func (p *page) is(first byte, payload string) {
	p.t.Helper()
	if f, b := p.next(); f != first || b != payload {
		p.t.Fatalf("frame %#x %q, want %#x %q", f, b, first, payload)
	}
}

// isClosed reads a close frame, answers it, and the end behind it.
func (p *page) isClosed(code int) {
	p.t.Helper()
	f, b := p.next()
	if f != close_ || len(b) < 2 || int(binary.BigEndian.Uint16([]byte(b))) != code {
		p.t.Fatalf("frame %#x %q, want a close with %d", f, b, code)
	}
	_, _ = io.WriteString(p, frame(close_, b))
	if rest, err := io.ReadAll(p.r); err != nil || len(rest) != 0 {
		p.t.Errorf("behind the close came %q, %v", rest, err)
	}
	p.Close()
}

func status(code int) string { return string([]byte{byte(code >> 8), byte(code)}) }
