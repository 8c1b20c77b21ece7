package transport_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sbc/signaling/sip"
	"sbc/signaling/transport"
)

// Two nodes of TLS send to each other while their connections are closed by
// both, and then one ends. Each message is written, refused or reported, no
// connection's end is told twice, and nothing stays behind.
func TestTLSAmongClosings(t *testing.T) {
	ca := newAuthority(t, "ours")
	certs := load(t, ca.issue(dns("localhost")))
	var nodes [2]*transport.TCP
	var reported [2]atomic.Int64
	var ends, received atomic.Int64
	var stop atomic.Bool
	var newest [2]atomic.Uint64 // number of a connection that brought a message
	var mu sync.Mutex
	closed := map[transport.Flow]int{}
	before := descriptors(t)
	for i := range nodes {
		o := transport.StreamOptions{ID: transport.ListenerID(i), Addr: loopback, Close: 50 * time.Millisecond}
		o.TLS = &transport.TLS{Certificates: certs, Ask: transport.AskRequire, Roots: ca.pool, Dial: func(netip.AddrPort) *transport.Client {
			return &transport.Client{Name: "localhost", Roots: ca.pool(), Certificates: certs}
		}}
		o.Handler = transport.Handler{
			Message: func(f transport.Flow, m *sip.Message, err error) {
				if err != nil || !nodes[i].Identity(f.Conn).Is("localhost") {
					t.Errorf("%v in %q from %+v", err, m.Raw, nodes[i].Identity(f.Conn))
				}
				newest[i].Store(f.Conn)
				if received.Add(1)%40 == 0 {
					nodes[i].CloseAfter(f)
				}
			},
			Closed: func(f transport.Flow) { mu.Lock(); closed[f]++; mu.Unlock(); ends.Add(1) },
			Failed: func(transport.Flow, uint64) { reported[i].Add(1) },
		}
		var err error
		if nodes[i], err = transport.ListenTCP(o); err != nil {
			t.Fatal(err)
		}
		defer nodes[i].Close()
	}
	var wg sync.WaitGroup
	var took [2]atomic.Int64
	for s := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			pace := time.NewTicker(time.Millisecond)
			defer pace.Stop()
			rnd := rand.New(rand.NewPCG(uint64(s), 1))
			from, to := nodes[s%2], nodes[1-s%2]
			for i := 0; !stop.Load(); i++ {
				f := from.Flow(to.Local())
				if rnd.IntN(2) == 0 {
					f.Conn = newest[s%2].Load()
				}
				switch _, err := from.Send(f, 1, []byte(request(i, rnd.IntN(3000)))); {
				case err == nil:
					took[s%2].Add(1)
				case errors.Is(err, transport.ErrFull):
					<-pace.C // the handshakes need the processors, too
				case !errors.Is(err, net.ErrClosed):
					t.Error(err)
				}
				if rnd.IntN(20) == 0 {
					from.CloseAfter(transport.Flow{Conn: newest[s%2].Load()})
				}
			}
		}()
	}
	until(t, func() bool { return ends.Load() >= 24 })
	nodes[1].Close() // while the senders go on
	stop.Store(true)
	wg.Wait()
	for i, n := range nodes {
		n.Close()
		s := n.Stats()
		if int64(s.Sent+s.Unsent) != took[i].Load() || int64(s.Unsent) != reported[i].Load() {
			t.Errorf("took %d, reported %d: %+v", took[i].Load(), reported[i].Load(), s)
		}
		if s.Open != 0 || transport.Tables(n) != 0 || transport.Held(n) != 0 {
			t.Errorf("left behind: %+v, %d entries, %d octets", s, transport.Tables(n), transport.Held(n))
		}
	}
	for f, times := range closed {
		if times != 1 {
			t.Errorf("the end of %v was told %d times", f, times)
		}
	}
	until(t, func() bool { return descriptors(t) == before })
}

// descriptors returns how many the process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// Connections that come and go at once, at each step of what they begin with,
// leave nothing behind.
func TestLayersChurn(t *testing.T) {
	a := newAuthority(t, "ours")
	certs := load(t, a.issue(dns("localhost")))
	for name, o := range map[string]transport.StreamOptions{
		"tls": {TLS: &transport.TLS{Certificates: certs}},
		"ws":  {WebSocket: &transport.WebSocket{}},
		"wss": {TLS: &transport.TLS{Certificates: certs}, WebSocket: &transport.WebSocket{}},
	} {
		t.Run(name, func(t *testing.T) {
			before := descriptors(t)
			o.Close = 50 * time.Millisecond
			n := open(t, o)
			for i := range 200 {
				c := connect(t, n)
				switch i % 4 {
				case 1:
					io.WriteString(c, "\x16\x03\x01")
				case 2:
					io.WriteString(c, "GET ")
				case 3:
					c.SetLinger(0)
				}
				c.Close()
			}
			until(t, func() bool { return n.Stats().Accepted == 200 && transport.Tables(n.TCP) == 0 })
			n.Close()
			until(t, func() bool { return descriptors(t) <= before })
		})
	}
}

// A far end that takes the connection and says nothing.
func TestTLSDialHandshakeTimeout(t *testing.T) {
	a := newAuthority(t, "ours")
	l, to := far(t, loopback)
	var refused refusals
	n := &node{t: t}
	n = openTLS(t, a, transport.StreamOptions{
		Handshake: 50 * time.Millisecond, TLS: &transport.TLS{Dial: dialling("localhost", a)}, Handler: n.handler(&refused),
	}).with(n)
	if _, err := n.Send(n.Flow(to), 7, []byte(request(1, 0))); err != nil {
		t.Fatal(err)
	}
	accept(t, l)
	if e := n.await("failed", 1)[0]; e.token != 7 {
		t.Errorf("%+v", e)
	}
	if got := refused.await(t); got.why != transport.CutTLSSlow {
		t.Errorf("%+v", got)
	}
	if s := n.Stats(); s.Unreached != 1 || len(n.all("closed")) != 0 {
		t.Errorf("%+v", s)
	}
}
