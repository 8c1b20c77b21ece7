package transport_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"sbc/lab/netns"
	"sbc/signaling/sip"
	"sbc/signaling/transport"
)

var both = []netip.AddrPort{loopback, netip.MustParseAddrPort("[::1]:0")}

// An event is one call of a Handler.
type event struct {
	is    string // "message", "closed" or "failed"
	flow  transport.Flow
	m     *sip.Message
	err   error
	token uint64
}

// A node is a listener and what its handler was told.
type node struct {
	*transport.TCP
	t testing.TB

	mu     sync.Mutex
	events []event
}

func open(t testing.TB, o transport.StreamOptions) *node {
	t.Helper()
	n := &node{t: t}
	if h := o.Handler; h.Message == nil && h.Closed == nil && h.Failed == nil {
		o.Handler = n.notes()
	}
	if !o.Addr.IsValid() {
		o.Addr = loopback
	}
	var err error
	if n.TCP, err = transport.ListenTCP(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.Close()
		if left := transport.Tables(n.TCP); left != 0 || transport.Held(n.TCP) != 0 || n.Stats().Open != 0 {
			t.Errorf("after Close: %d entries, %d octets, %d connections", left, transport.Held(n.TCP), n.Stats().Open)
		}
	})
	return n
}

// notes is a Handler that keeps what it is told.
func (n *node) notes() transport.Handler {
	note := func(e event) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.events = append(n.events, e)
	}
	return transport.Handler{
		Message: func(f transport.Flow, m *sip.Message, err error) { note(event{is: "message", flow: f, m: m, err: err}) },
		Closed:  func(f transport.Flow) { note(event{is: "closed", flow: f}) },
		Failed:  func(f transport.Flow, token uint64) { note(event{is: "failed", flow: f, token: token}) },
	}
}

// all returns the events of a kind.
func (n *node) all(is string) []event {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(n.events), func(e event) bool { return e.is != is })
}

// await waits for that many events of a kind.
func (n *node) await(is string, count int) []event {
	n.t.Helper()
	until(n.t, func() bool { return len(n.all(is)) >= count })
	return n.all(is)
}

func (n *node) awaitCut(c transport.Cut) {
	n.t.Helper()
	until(n.t, func() bool { return n.Stats().Cut[c] == 1 })
	until(n.t, func() bool { return n.Stats().Open == 0 })
}

func until(t testing.TB, f func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if netns.Await(ctx, f) != nil {
		t.Fatal("it did not happen within 20 s")
	}
}

// connect opens a connection to a node as a far end does that is not ours.
func connect(t testing.TB, n *node) *net.TCPConn {
	t.Helper()
	c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(n.Local()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func write(t testing.TB, c io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// ended waits until the far end has ended c, and returns what came before.
func ended(t testing.TB, c *net.TCPConn) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	b, err := io.ReadAll(c)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Fatalf("still open after 20 s, having brought %q", b)
	}
	return string(b)
}

// next reads as many octets as text has and compares.
func next(t testing.TB, c *net.TCPConn, text string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	b := make([]byte, len(text))
	if n, err := io.ReadFull(c, b); err != nil || string(b) != text {
		t.Fatalf("got %q, %v; want %q", b[:n], err, text)
	}
}

// far is a listener of a far end that is not ours.
func far(t testing.TB, at netip.AddrPort) (*net.TCPListener, netip.AddrPort) {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, l.Addr().(*net.TCPAddr).AddrPort()
}

func accept(t testing.TB, l *net.TCPListener) *net.TCPConn {
	t.Helper()
	l.SetDeadline(time.Now().Add(20 * time.Second))
	c, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
