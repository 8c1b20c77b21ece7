package transport_test

import (
	"io"
	"runtime"
	"testing"

	"sbc/signaling/sip"
	"sbc/signaling/transport"
)

// A message of a kilobyte is sent by one listener and read by another; the
// figure is both ends' share.
func BenchmarkTCPLoopback(b *testing.B) {
	got := make(chan struct{}, 64)
	to := open(b, transport.StreamOptions{Handler: transport.Handler{Message: func(transport.Flow, *sip.Message, error) { got <- struct{}{} }}})
	from := open(b, transport.StreamOptions{})
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

// BenchmarkTCPRead is our end alone: a far end writes 32 messages at once.
func BenchmarkTCPRead(b *testing.B) {
	got := make(chan struct{}, 64)
	to := open(b, transport.StreamOptions{Handler: transport.Handler{Message: func(transport.Flow, *sip.Message, error) { got <- struct{}{} }}})
	c := connect(b, to)
	var text []byte
	for i := range 32 {
		text = append(text, request(i, 100)...)
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
}

func BenchmarkTCPSend(b *testing.B) {
	n := open(b, transport.StreamOptions{Queue: 64 << 20})
	l, to := far(b, loopback)
	text := []byte(request(1, 600))
	if _, err := n.Send(n.Flow(to), 1, text); err != nil {
		b.Fatal(err)
	}
	c := accept(b, l)
	go io.Copy(io.Discard, c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Send(n.Flow(to), 1, text); err == transport.ErrFull {
			runtime.Gosched()
		} else if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTCPFrame is the framing alone, without a socket.
func BenchmarkTCPFrame(b *testing.B) {
	text := []byte(request(1, 600))
	b.ReportAllocs()
	transport.FeedLoop(b.N, text)
}

// BenchmarkTCPPing is what a flood of pings costs.
func BenchmarkTCPPing(b *testing.B) {
	b.ReportAllocs()
	transport.FeedLoop(b.N, []byte("\r\n\r\n"))
}
