//go:build !race

package transport_test

import (
	"io"
	"net"
	"runtime"
	"testing"

	"sbc/signaling/sip"
	"sbc/signaling/transport"
)

// The race detector has memory of its own: this runs without it.

// An idle connection has no buffer. What it keeps is counted after it has
// brought a message, the far end's own Go objects and all.
func TestTCPIdleMemory(t *testing.T) {
	const count, most = 1000, 8 << 10
	n := open(t, transport.StreamOptions{PerSource: count, Handler: transport.Handler{Message: func(transport.Flow, *sip.Message, error) {}}})
	conns := make([]*net.TCPConn, count)
	before := inUse()
	for i := range conns {
		conns[i] = connect(t, n)
	}
	for _, c := range conns {
		write(t, c, request(1, 0))
	}
	until(t, func() bool { return n.Stats().Received == count })
	each := (inUse() - before) / count
	t.Logf("an idle connection keeps %d octets", each)
	if each > most {
		t.Errorf("more than %d", most)
	}
}

// inUse returns the octets of heap and stacks after collection; stacks shrink
// by halves.
func inUse() int64 {
	for range 4 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// A message costs its Message and its octets; to send one costs nothing while
// the kernel has room.
func TestTCPAllocations(t *testing.T) {
	text := []byte(request(1, 600))
	if got := testing.AllocsPerRun(100, func() { transport.FeedLoop(100, text) }) / 100; got > 2.1 {
		t.Errorf("%v allocations a message, want 2", got)
	}
	if got := testing.AllocsPerRun(100, func() { transport.FeedLoop(100, []byte("\r\n\r\n")) }); got > 10 {
		t.Errorf("%v allocations for 100 pings", got)
	}
	n := open(t, transport.StreamOptions{})
	l, to := far(t, loopback)
	if _, err := n.Send(n.Flow(to), 1, text); err != nil {
		t.Fatal(err)
	}
	c := accept(t, l)
	got := make([]byte, len(text))
	f := n.Flow(to)
	until(t, func() bool { return n.Stats().Sent == 1 })
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	if a := testing.AllocsPerRun(200, func() {
		if _, err := n.Send(f, 1, text); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, got); err != nil {
			t.Fatal(err)
		}
	}); a != 0 {
		t.Errorf("%v allocations a Send, want 0", a)
	}
}
