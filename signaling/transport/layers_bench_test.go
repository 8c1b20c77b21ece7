package transport_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"runtime"
	"testing"

	"sbc/signaling/sip"
	"sbc/signaling/transport"
)

// BenchmarkTLSLoopback is BenchmarkTCPLoopback over TLS: a message of a
// kilobyte is sent by one listener and read by another.
func BenchmarkTLSLoopback(b *testing.B) {
	a := newAuthority(b, "ours")
	got := make(chan struct{}, 64)
	to := openTLS(b, a, transport.StreamOptions{Handler: transport.Handler{Message: func(transport.Flow, *sip.Message, error) { got <- struct{}{} }}})
	from := openTLS(b, a, transport.StreamOptions{TLS: &transport.TLS{Dial: dialling("localhost", a)}})
	text := []byte(request(1, 600))
	b.ReportAllocs()
	const window = 32 // messages on the way
	for i := 0; i < b.N+window; i++ {
		if i < b.N {
			if _, err := from.Send(from.Flow(to.Local()), 1, text); err != nil {
				b.Fatal(err)
			}
		}
		if i >= window {
			<-got
		}
	}
}

// benchLayers runs f for each transport, with a connection that has sent a
// message, and what carries another.
func benchLayers(b *testing.B, f func(b *testing.B, n *node, c net.Conn, carry func(string) string, got chan transport.Flow)) {
	a := newAuthority(b, "ours")
	plain := func(s string) string { return s }
	framed := func(s string) string { return frame(text_, s) }
	for _, kind := range []string{"TCP", "TLS", "WS", "WSS"} {
		b.Run(kind, func(b *testing.B) {
			got := make(chan transport.Flow, 64)
			o := transport.StreamOptions{Queue: 1 << 20, Handler: transport.Handler{Message: func(f transport.Flow, _ *sip.Message, _ error) { got <- f }}}
			carry := plain
			if kind == "TLS" || kind == "WSS" {
				o.TLS = &transport.TLS{Certificates: load(b, a.issue(dns("localhost")))}
			}
			if kind == "WS" || kind == "WSS" {
				o.WebSocket, carry = &transport.WebSocket{}, framed
			}
			n := open(b, o)
			var c net.Conn = connect(b, n)
			if o.TLS != nil {
				c = tls.Client(c, client(a))
			}
			if o.WebSocket != nil {
				c = turn(b, c)
			}
			f(b, n, c, carry, got)
		})
	}
}

// BenchmarkLayersRead is our end and the far end's writing: 32 messages at
// once.
func BenchmarkLayersRead(b *testing.B) {
	benchLayers(b, func(b *testing.B, n *node, c net.Conn, carry func(string) string, got chan transport.Flow) {
		var text []byte
		for i := range 32 {
			text = append(text, carry(request(i, 100))...)
		}
		b.ReportAllocs()
		for i := 0; i < b.N; i += 32 {
			if _, err := c.Write(text); err != nil {
				b.Fatal(err)
			}
			for range 32 {
				<-got
			}
		}
	})
}

// BenchmarkLayersAnswer is one message there, and one back, and no other
// meanwhile.
func BenchmarkLayersAnswer(b *testing.B) {
	benchLayers(b, func(b *testing.B, n *node, c net.Conn, carry func(string) string, got chan transport.Flow) {
		text := []byte(carry(request(1, 600)))
		answer := []byte(request(1, 600))
		buf := make([]byte, 16<<10)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Write(text); err != nil {
				b.Fatal(err)
			}
			if _, err := n.Send(<-got, 1, answer); err != nil {
				b.Fatal(err)
			}
			for size := 0; size < len(answer); {
				k, err := c.Read(buf)
				if err != nil {
					b.Fatal(err)
				}
				size += k
			}
		}
	})
}

// BenchmarkLayersSend is our end and the far end's reading.
func BenchmarkLayersSend(b *testing.B) {
	benchLayers(b, func(b *testing.B, n *node, c net.Conn, carry func(string) string, got chan transport.Flow) {
		write(b, c, carry(request(1, 0)))
		f, text := <-got, []byte(request(1, 600))
		go io.Copy(io.Discard, c)
		b.ReportAllocs()
		for b.Loop() {
			for {
				_, err := n.Send(f, 1, text)
				if err == nil {
					break
				}
				if err != transport.ErrFull {
					b.Fatal(err)
				}
				runtime.Gosched()
			}
		}
	})
}

// BenchmarkTLSHandshake is both ends of one, the far end's TCP included.
func BenchmarkTLSHandshake(b *testing.B) {
	a := newAuthority(b, "ours")
	n := openTLS(b, a, transport.StreamOptions{})
	cfg := client(a)
	b.ReportAllocs()
	for b.Loop() {
		c, err := tls.Dial("tcp", netip.AddrPort(n.Local()).String(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
