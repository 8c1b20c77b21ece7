package transport_test

import (
	"context"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sbc/signaling/transport"
)

// A client of somebody else's sends and gets messages, over ws and wss.
func TestWebSocketClient(t *testing.T) {
	a := newAuthority(t, "ours")
	for _, scheme := range []string{"ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			o := transport.StreamOptions{WebSocket: &transport.WebSocket{Origins: []string{"https://phone.example"}}}
			if scheme == "wss" {
				o.TLS = &transport.TLS{Certificates: load(t, a.issue(dns("localhost")))}
			}
			n := open(t, o)
			if n.Transport() != strings.ToUpper(scheme) {
				t.Errorf("transport %q", n.Transport())
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			web := &http.Transport{TLSClientConfig: client(a)}
			defer web.CloseIdleConnections()
			c, _, err := websocket.Dial(ctx, scheme+"://"+n.Local().String()+"/any/path", &websocket.DialOptions{
				Subprotocols: []string{"other", "sip"}, HTTPClient: &http.Client{Transport: web}, HTTPHeader: http.Header{"Origin": {"https://phone.example"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseNow()
			c.SetReadLimit(1 << 20)
			if c.Subprotocol() != "sip" {
				t.Errorf("subprotocol %q", c.Subprotocol())
			}
			for i, size := range []int{0, 10, 200, 3000, 60000} {
				kind := []websocket.MessageType{websocket.MessageText, websocket.MessageBinary}[i%2]
				if err := c.Write(ctx, kind, []byte(request(i, size))); err != nil {
					t.Fatal(err)
				}
				e := n.await("message", i+1)[i]
				if e.err != nil || string(e.m.Raw) != request(i, size) {
					t.Fatalf("%v %q", e.err, e.m.Raw)
				}
				back := strings.Repeat("answer ", 1+size)
				if i%2 == 1 {
					back += "\xff"
				}
				if _, err := n.Send(e.flow, 1, []byte(back)); err != nil {
					t.Fatal(err)
				}
				if got, b, err := c.Read(ctx); err != nil || got != kind || string(b) != back {
					t.Fatalf("%v %v %d octets", err, got, len(b))
				}
			}
			id := n.Identity(n.all("message")[0].flow.Conn)
			if (id != nil) != (scheme == "wss") {
				t.Errorf("identity %+v", id)
			}
			reading := c.CloseRead(ctx)
			if err := c.Ping(reading); err != nil {
				t.Error(err)
			}
			if err := c.Close(websocket.StatusNormalClosure, "bye"); err != nil {
				t.Errorf("close: %v", err)
			}
			n.await("closed", 1)
			if s := n.Stats(); s.Cut != (transport.StreamStats{}).Cut || s.Pings != 1 || s.Received != 5 || s.Sent != 5 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Messages come whole and in order, in whatever frames and segments, with
// control frames between.
func TestWebSocketReads(t *testing.T) {
	a := newAuthority(t, "ours")
	for _, secure := range []bool{false, true} {
		o := transport.StreamOptions{ID: 3, WebSocket: &transport.WebSocket{}}
		if secure {
			o.TLS = &transport.TLS{Certificates: load(t, a.issue(dns("localhost")))}
		}
		n := open(t, o)
		var conn net.Conn = connect(t, n)
		if secure {
			conn = tls.Client(conn, client(a))
		}
		c := turn(t, conn)
		rnd := rand.New(rand.NewPCG(1, 2))
		var text []string
		var stream strings.Builder
		for i := range 100 {
			m := request(i, i*i%3000)
			text = append(text, m)
			kind := []byte{0x01, 0x02}[i%2]
			for rest := m; ; {
				k := min(rnd.IntN(2000), len(rest))
				piece := rest[:k]
				if rest = rest[k:]; rest == "" {
					stream.WriteString(frame(0x80|kind, piece))
					break
				}
				stream.WriteString(frame(kind, piece))
				kind = 0
				if rnd.IntN(10) == 0 {
					stream.WriteString(frame(pong_, "unasked"))
				}
			}
		}
		for rest := stream.String(); rest != ""; {
			k := min(1+rnd.IntN(1<<rnd.IntN(13)), len(rest))
			write(t, c, rest[:k])
			rest = rest[k:]
		}
		for i, e := range n.await("message", len(text)) {
			if e.err != nil || string(e.m.Raw) != text[i] || e.flow.Listener != 3 {
				t.Fatalf("message %d: %v %q", i, e.err, e.m.Raw)
			}
		}
		f := n.all("message")[0].flow
		if _, err := n.Send(f, 1, []byte("one")); err != nil {
			t.Fatal(err)
		}
		c.is(text_, "one")
		n.CloseAfter(f)
		c.isClosed(1000)
		n.await("closed", 1)
		if _, err := n.Send(f, 1, []byte("x")); err != transport.ErrInbound {
			t.Errorf("to a connection that is gone: %v", err)
		}
	}
}

// What comes with the last octets of the request is not lost.
func TestWebSocketEarlyFrames(t *testing.T) {
	n := openWS(t, transport.StreamOptions{})
	c, r := ask(t, connect(t, n), wsRequest(wsSIP)+frame(text_, request(1, 10))+frame(binary_, request(2, 0))[:50])
	if r.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(r.Status)
	}
	n.await("message", 1)
	write(t, c, frame(binary_, request(2, 0))[50:])
	if e := n.await("message", 2)[1]; string(e.m.Raw) != request(2, 0) {
		t.Errorf("%q", e.m.Raw)
	}
}

// A message needs no Content-Length (RFC 7118 section 5), and an error in it
// leaves the next where it is.
func TestWebSocketMessages(t *testing.T) {
	n := openWS(t, transport.StreamOptions{})
	c := turn(t, connect(t, n))
	write(t, c, frame(text_, noLength("")+"a body")+frame(text_, strings.Replace(request(2, 0), "70\r\n", "70\n", 1))+frame(text_, request(3, 0)))
	got := n.await("message", 3)
	if got[0].err != nil || string(got[0].m.Bytes(got[0].m.Body())) != "a body" {
		t.Errorf("%v, body %q", got[0].err, got[0].m.Bytes(got[0].m.Body()))
	}
	if got[1].err == nil || got[2].err != nil {
		t.Errorf("%v, %v", got[1].err, got[2].err)
	}
}

// Keep-alives: a ping frame gets a pong with its octets, CRLFCRLF a CRLF, and
// not without end.
func TestWebSocketPings(t *testing.T) {
	n := openWS(t, transport.StreamOptions{})
	c := turn(t, connect(t, n))
	write(t, c, frame(ping_, "who")+frame(text_, "\r\n\r\n")+frame(binary_, "\r\n\r\n")+frame(text_, "\r\n")+frame(text_, "")+frame(pong_, "x")+frame(ping_, ""))
	c.is(pong_, "who")
	c.is(text_, "\r\n")
	c.is(binary_, "\r\n")
	c.is(pong_, "")
	write(t, c, strings.Repeat(frame(ping_, "x"), 5000)+frame(text_, request(1, 0)))
	f := n.await("message", 1)[0].flow
	if _, err := n.Send(f, 0, []byte("end")); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		c.is(pong_, "x")
	}
	c.is(text_, "end")
	if s := n.Stats(); s.Pings != 10 || s.Received != 1 {
		t.Errorf("%+v", s)
	}
}

// Bad input ws_protocol, ws_unmasked, ws_too_long, ws_utf8: the far end is told
// by the code of its close frame.
func TestWebSocketBadFrames(t *testing.T) {
	const protocol, unmasked, long, utf8 = transport.CutWSProtocol, transport.CutWSUnmasked, transport.CutWSTooLong, transport.CutWSUTF8
	max := strings.Repeat("x", 96<<10+4)
	for _, c := range []struct {
		name, text string
		code       int
		why        transport.Cut
	}{
		{"unmasked", "\x81\x05hello", 1002, unmasked},
		{"unmasked control", "\x89\x00", 1002, unmasked},
		{"too long, in one frame", frame(text_, max+"x"), 1009, long},
		{"too long, the header alone", frame(text_, max+"x")[:14], 1009, long},
		{"too long, in fragments", frame(begun, max) + frame(more, "x"), 1009, long},
		{"beyond 2^63", "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xffmask", 1002, protocol},
		{"beyond 2^62", "\x81\xff\x40\x00\x00\x00\x00\x00\x00\x00mask", 1009, long},
		{"not UTF-8", frame(text_, "a\xffb"), 1007, utf8},
		{"not UTF-8, cut off", frame(text_, request(1, 0)+"\xc3"), 1007, utf8},
		{"not UTF-8, in fragments", frame(begun, "\xc3") + frame(more, "("), 1007, utf8},
		{"reason not UTF-8", frame(close_, status(1000)+"\xff"), 1007, utf8},
		{"reserved bit", frame(0xc1, "x"), 1002, protocol},
		{"unknown opcode", frame(0x83, "x"), 1002, protocol},
		{"unknown control", frame(0x8b, "x"), 1002, protocol},
		{"control in fragments", frame(0x09, "x"), 1002, protocol},
		{"long control", frame(ping_, strings.Repeat("x", 126)), 1002, protocol},
		{"continuation of nothing", frame(more, "x"), 1002, protocol},
		{"text within text", frame(begun, "x") + frame(text_, "x"), 1002, protocol},
		{"length in too many octets", "\x81\xfe\x00\x05mask.....", 1002, protocol},
		{"length in far too many octets", "\x81\xff\x00\x00\x00\x00\x00\x00\xff\xffmask", 1002, protocol},
		{"close of one octet", frame(close_, "x"), 1002, protocol},
		{"close with no code", frame(close_, status(1005)), 1002, protocol},
		{"not_sip", frame(text_, "hello, world\r\n\r\n"), 1003, transport.CutNotSIP},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := openWS(t, transport.StreamOptions{})
			p := turn(t, connect(t, n))
			write(t, p, frame(text_, request(1, 0)))
			n.await("message", 1)
			write(t, p, c.text)
			p.isClosed(c.code)
			n.awaitCut(c.why)
			if n.await("closed", 1); len(n.all("message")) != 1 {
				t.Errorf("%d messages", len(n.all("message")))
			}
		})
	}
}

// Up to the longest message there is an answer of SIP.
func TestWebSocketLongest(t *testing.T) {
	n := openWS(t, transport.StreamOptions{})
	p := turn(t, connect(t, n))
	long := request(1, 70000)
	write(t, p, frame(text_, long))
	if e := n.await("message", 1)[0]; e.err == nil || !strings.Contains(e.err.Error(), "too_large") {
		t.Errorf("%v", e.err)
	}
}

// The far end ends it.
func TestWebSocketFarEndCloses(t *testing.T) {
	n := openWS(t, transport.StreamOptions{})
	for i, text := range []string{"", status(1001) + "going home"} {
		p := turn(t, connect(t, n))
		write(t, p, frame(text_, request(1, 0))+frame(close_, text))
		code := 1000
		if text != "" {
			code = 1001
		}
		p.isClosed(code)
		n.await("closed", i+1)
	}
	if s := n.Stats(); s.Cut != (transport.StreamStats{}).Cut || s.Received != 2 {
		t.Errorf("%+v", s)
	}
}

// Bad input ws_protocol and ws_origin, before there is a WebSocket.
func TestWebSocketRequests(t *testing.T) {
	some := []string{"https://phone.example", "desk.example", "*.office.example"}
	without := func(what string) string { return strings.Replace(wsRequest(wsSIP), what, "", 1) }
	instead := func(what, by string) string { return strings.Replace(wsRequest(wsSIP), what, by, 1) }
	origin := func(o string) string { return wsRequest(wsSIP, "Origin: "+o+"\r\n") }
	const protocol, elsewhere = transport.CutWSProtocol, transport.CutWSOrigin
	for _, c := range []struct {
		name, text string
		origins    []string
		status     int
		why        transport.Cut
	}{
		{"good", wsRequest(wsSIP), nil, 101, 0},
		{"one of the subprotocols", wsRequest("Sec-WebSocket-Protocol: xmpp\r\n", "Sec-WebSocket-Protocol: mqtt, sip\r\n"), nil, 101, 0},
		{"no subprotocol", wsRequest(), nil, 400, protocol},
		{"another subprotocol", wsRequest("Sec-WebSocket-Protocol: sips, xmpp\r\n"), nil, 400, protocol},
		{"no browser is let in", origin("https://phone.example"), nil, 403, elsewhere},
		{"no browser at all", wsRequest(wsSIP), some, 101, 0},
		{"origin", origin("https://phone.example"), some, 101, 0},
		{"origin, another case", origin("HTTPS://Phone.Example"), some, 101, 0},
		{"origin of another scheme", origin("http://phone.example"), some, 403, elsewhere},
		{"origin of another port", origin("https://phone.example:8443"), some, 403, elsewhere},
		{"host", origin("http://desk.example:8080"), some, 101, 0},
		{"host below", origin("https://a.b.office.example"), some, 101, 0},
		{"host itself is not below", origin("https://office.example"), some, 403, elsewhere},
		{"host that ends like it", origin("https://notoffice.example"), some, 403, elsewhere},
		{"host that begins like it", origin("https://desk.example.evil.example"), some, 403, elsewhere},
		{"origin behind an empty line", strings.Replace(origin("https://evil.example"), "\r\nOrigin", "\n\nOrigin", 1), some, 400, protocol},
		{"null", origin("null"), append(some, "null"), 403, elsewhere},
		{"two origins", wsRequest(wsSIP, "Origin: https://phone.example\r\n", "Origin: https://evil.example\r\n"), some, 403, elsewhere},
		{"origin with a path", origin("https://desk.example/x"), some, 403, elsewhere},
		{"origin with a user", origin("https://desk.example@evil.example"), some, 403, elsewhere},
		{"empty origin", origin(""), some, 403, elsewhere},
		{"no upgrade", without("Upgrade: websocket\r\n"), nil, 400, protocol},
		{"no connection", without("Connection: keep-alive, Upgrade\r\n"), nil, 400, protocol},
		{"no key", without("Sec-WebSocket-Key: " + wsKey + "\r\n"), nil, 400, protocol},
		{"short key", instead(wsKey, "AAAA"), nil, 400, protocol},
		{"no host", without("Host: sbc.example\r\n"), nil, 400, protocol},
		{"old HTTP", instead("HTTP/1.1", "HTTP/1.0"), nil, 400, protocol},
		{"another version", instead("Version: 13", "Version: 8"), nil, 426, protocol},
		{"a body", wsRequest(wsSIP, "Content-Length: 5\r\n"), nil, 400, protocol},
		{"chunks", wsRequest(wsSIP, "Transfer-Encoding: chunked\r\n"), nil, 400, protocol},
		{"a line that is none", wsRequest(wsSIP, "hello\r\n"), nil, 400, protocol},
		{"no target", instead("/ws ", ""), nil, 400, protocol},
		{"a plain page", "GET / HTTP/1.1\r\nHost: sbc.example\r\n\r\n", nil, 400, protocol},
		{"too long", wsRequest(wsSIP, "Cookie: "+strings.Repeat("x", 20000)+"\r\n"), nil, 431, protocol},
		{"long", wsRequest(wsSIP, "Cookie: "+strings.Repeat("x", 10000)+"\r\n"), nil, 101, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := openWS(t, transport.StreamOptions{WebSocket: &transport.WebSocket{Origins: c.origins}})
			p, r := ask(t, connect(t, n), c.text)
			if r.StatusCode != c.status {
				t.Errorf("answered %s, want %d", r.Status, c.status)
			}
			if c.status == http.StatusSwitchingProtocols {
				write(t, p, frame(text_, request(1, 0)))
				n.await("message", 1)
				return
			}
			if c.status == http.StatusUpgradeRequired && r.Header.Get("Sec-WebSocket-Version") != "13" {
				t.Error("it does not say which version")
			}
			if rest, err := io.ReadAll(p.r); err != nil || len(rest) != 0 {
				t.Errorf("behind the answer came %q, %v", rest, err)
			}
			p.Close()
			n.awaitCut(c.why)
			until(t, func() bool { return transport.Tables(n.TCP) == 0 })
			if len(n.all("closed")) != 0 || len(n.all("message")) != 0 {
				t.Errorf("%v", n.events)
			}
		})
	}
}

// Bad input wrong_protocol: who speaks no HTTP is not answered.
func TestWebSocketWrongProtocol(t *testing.T) {
	for _, text := range []string{clientHello, request(1, 0), "POST / HTTP/1.1\r\n\r\n", "G\r\n", "\x00"} {
		n := openWS(t, transport.StreamOptions{})
		c := connect(t, n)
		write(t, c, text)
		if got := ended(t, c); got != "" {
			t.Errorf("%q: answered %q", text, got)
		}
		n.awaitCut(transport.CutWrongProtocol)
	}
}

// A request, a frame and a message that do not become whole end the
// connection.
func TestWebSocketSlow(t *testing.T) {
	for _, begin := range []string{wsRequest(wsSIP)[:60], "", "\x81", frame(text_, request(1, 0))[:100], frame(begun, "MESSAGE"), frame(ping_, "who")[:7]} {
		n := openWS(t, transport.StreamOptions{Message: 500 * time.Millisecond}) // the handshakes before have to be faster
		c := connect(t, n)
		if strings.HasPrefix(begin, "GET") || begin == "" {
			write(t, c, begin)
		} else {
			write(t, turn(t, c), begin)
		}
		n.awaitCut(transport.CutSlow)
	}
}

// A connection of which nobody says anything ends, and says so.
func TestWebSocketIdle(t *testing.T) {
	n := openWS(t, transport.StreamOptions{Idle: 50 * time.Millisecond})
	turn(t, connect(t, n)).isClosed(1001)
	n.awaitCut(transport.CutIdle)
}
