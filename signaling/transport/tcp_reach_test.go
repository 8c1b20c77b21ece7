package transport_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"sbc/signaling/transport"
)

// Requests to one address share a connection, from their own address; the
// response of a request goes by the connection of the request.
func TestTCPReuse(t *testing.T) {
	for _, at := range both {
		t.Run(at.String(), func(t *testing.T) {
			a, b := open(t, transport.StreamOptions{Addr: at, ID: 1}), open(t, transport.StreamOptions{Addr: at, ID: 2})
			for i := range 20 {
				if _, err := a.Send(a.Flow(b.Local()), uint64(i), []byte(request(i, 0))); err != nil {
					t.Fatal(err)
				}
			}
			got := b.await("message", 20)
			for i, e := range got {
				if e.flow != got[0].flow || e.flow.Remote.Addr() != a.Local().Addr() || string(e.m.Raw) != request(i, 0) {
					t.Errorf("message %d by %v: %q", i, e.flow, e.m.Raw)
				}
			}
			if _, err := b.Send(got[0].flow, 1, []byte(request(1, 0))); err != nil {
				t.Fatal(err)
			}
			back := a.await("message", 1)[0].flow
			if back.Remote != b.Local() || back.Conn == 0 || back.Conn == got[0].flow.Conn {
				t.Errorf("came by %v", back)
			}
			if x, y := a.Stats(), b.Stats(); x.Dialled != 1 || y.Accepted != 1 || y.Dialled != 0 || y.Open != 1 {
				t.Errorf("%+v, %+v", x, y)
			}
			// By number, whatever the address.
			if _, err := b.Send(transport.Flow{Listener: 2, Remote: netip.MustParseAddrPort("192.0.2.1:1"), Conn: got[0].flow.Conn}, 1, []byte(request(2, 0))); err != nil {
				t.Fatal(err)
			}
			a.await("message", 2)
			a.Close()
			if closed := b.await("closed", 1); closed[0].flow != got[0].flow {
				t.Errorf("closed %v, want %v", closed[0].flow, got[0].flow)
			}
		})
	}
}

// RFC 3261 section 18.2.2: when the connection of a request is gone, its
// response goes by a new one, to the address that the caller found.
func TestTCPAfterConnectionIsGone(t *testing.T) {
	n := open(t, transport.StreamOptions{})
	c := connect(t, n)
	write(t, c, request(1, 0))
	f := n.await("message", 1)[0].flow
	c.Close()
	n.await("closed", 1)
	l, to := far(t, loopback)
	f.Remote = to
	if _, err := n.Send(f, 1, []byte("response")); err != nil {
		t.Fatal(err)
	}
	next(t, accept(t, l), "response")
}

// A connection that the far end has closed is not used again, though nobody
// has read that it did.
func TestTCPFarEndCloses(t *testing.T) {
	n := open(t, transport.StreamOptions{})
	l, to := far(t, loopback)
	for i := range 20 {
		text := fmt.Sprintf("message %d", i)
		if _, err := n.Send(n.Flow(to), 1, []byte(text)); err != nil {
			t.Fatal(err)
		}
		c := accept(t, l)
		next(t, c, text)
		c.Close()
		n.await("closed", i+1)
	}
}

// All that is sent while a connection is being opened waits for it.
func TestTCPManySendsOneDial(t *testing.T) {
	for range 20 {
		a, b := open(t, transport.StreamOptions{}), open(t, transport.StreamOptions{})
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range 50 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				<-start
				if _, err := a.Send(a.Flow(b.Local()), 1, []byte(request(i, 100))); err != nil {
					t.Error(err)
				}
			}()
		}
		close(start)
		wg.Wait()
		b.await("message", 50)
		until(t, func() bool { return a.Stats().Sent == 50 })
		if s := a.Stats(); s.Dialled != 1 || b.Stats().Accepted != 1 {
			t.Errorf("%+v", s)
		}
		// Two that both found none.
		if x, y := transport.Connect(b.TCP, a.Local()), transport.Connect(b.TCP, a.Local()); x != y || x == 0 {
			t.Errorf("connections %d and %d", x, y)
		}
	}
}

// Nobody listens: each message is reported.
func TestTCPRefused(t *testing.T) {
	n := open(t, transport.StreamOptions{})
	l, to := far(t, loopback)
	l.Close()
	for token := range uint64(5) {
		if _, err := n.Send(n.Flow(to), token, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	var tokens []uint64
	for _, e := range n.await("failed", 4) {
		if e.flow.Remote != to || e.flow.Conn == 0 {
			t.Errorf("failed by %v", e.flow)
		}
		tokens = append(tokens, e.token)
	}
	slices.Sort(tokens)
	if !slices.Equal(tokens, []uint64{1, 2, 3, 4}) || len(n.all("closed")) != 0 {
		t.Errorf("failed %v, closed %v", tokens, n.all("closed"))
	}
	if s := n.Stats(); s.Unsent != 5 || s.Unreached == 0 || s.Dialled != 0 {
		t.Errorf("%+v", s)
	}
}

// silentListener has no room in its backlog: who connects waits.
func silentListener(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at := netip.AddrPortFrom(loopback.Addr(), uint16(name.(*syscall.SockaddrInet4).Port))
	c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return at
}

func TestTCPConnectTimeout(t *testing.T) {
	n := open(t, transport.StreamOptions{Connect: 50 * time.Millisecond})
	if _, err := n.Send(n.Flow(silentListener(t)), 7, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if e := n.await("failed", 1)[0]; e.token != 7 {
		t.Errorf("%+v", e)
	}
}

// Close does not wait for a connection that does not come about.
func TestTCPCloseWhileDialling(t *testing.T) {
	n := open(t, transport.StreamOptions{Connect: time.Hour})
	to := silentListener(t)
	if _, err := n.Send(n.Flow(to), 7, []byte("x")); err != nil {
		t.Fatal(err)
	}
	n.Close()
	if e := n.all("failed"); len(e) != 1 || e[0].token != 7 || len(n.all("closed")) != 0 {
		t.Errorf("%+v", e)
	}
	if _, err := n.Send(n.Flow(to), 1, []byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

// RFC 5923: a connection that the far end opened serves our requests to the
// address that it listens on, once somebody said so; the newest first.
func TestTCPAlias(t *testing.T) {
	n := open(t, transport.StreamOptions{})
	l, to := far(t, loopback)
	var conns [2]*net.TCPConn
	for i := range conns {
		conns[i] = connect(t, n)
		write(t, conns[i], request(1, 0))
		n.Alias(n.await("message", i+1)[i].flow, to)
		if _, err := n.Send(n.Flow(to), 1, []byte("request")); err != nil {
			t.Fatal(err)
		}
		next(t, conns[i], "request")
	}
	for i, c := range slices.Backward(conns[:]) {
		if _, err := n.Send(n.Flow(to), 1, []byte("again")); err != nil {
			t.Fatal(err)
		}
		next(t, c, "again")
		c.Close()
		n.await("closed", len(conns)-i)
	}
	if _, err := n.Send(n.Flow(to), 1, []byte("own")); err != nil {
		t.Fatal(err)
	}
	next(t, accept(t, l), "own")
	n.Alias(transport.Flow{Conn: 1 << 60}, to)
}

// The address from which a far end connected is not where it listens.
func TestTCPNoAlias(t *testing.T) {
	n := open(t, transport.StreamOptions{})
	c := connect(t, n)
	write(t, c, request(1, 0))
	f := n.await("message", 1)[0].flow
	if _, err := n.Send(n.Flow(f.Remote), 9, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if e := n.await("failed", 1)[0]; e.token != 9 {
		t.Errorf("%+v", e)
	}
	c.CloseWrite()
	if got := ended(t, c); got != "" {
		t.Errorf("got %q", got)
	}
	// A few addresses are enough.
	c = connect(t, n)
	write(t, c, request(1, 0))
	f = n.await("message", 2)[1].flow
	before := transport.Tables(n.TCP)
	for port := range uint16(100) {
		n.Alias(f, netip.AddrPortFrom(loopback.Addr(), 10000+port))
	}
	if got := transport.Tables(n.TCP) - before; got != 4 {
		t.Errorf("%d addresses kept, want 4", got)
	}
}

// Addresses to which there can be no connection.
func TestTCPNoAddress(t *testing.T) {
	n := open(t, transport.StreamOptions{})
	for _, to := range []string{"0.0.0.0:5060", "127.0.0.1:0", "[::1]:5060"} {
		var errno syscall.Errno
		if _, err := n.Send(n.Flow(netip.MustParseAddrPort(to)), 1, []byte("x")); !errors.As(err, &errno) {
			t.Errorf("%s: %v", to, err)
		}
	}
	if _, err := n.Send(transport.Flow{}, 1, []byte("x")); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("no address: %v", err)
	}
	if _, err := n.Send(transport.Flow{}, 1, nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
}
