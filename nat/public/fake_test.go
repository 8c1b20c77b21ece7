package public

import (
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// A fake is a host that answers datagrams as it is told, at an address of
// 127.0.0.0/8 that no other test has.
type fake struct {
	at   netip.Addr
	conn *net.UDPConn
	// answer returns the datagrams to send; it is called by one goroutine.
	answer func(request []byte) [][]byte
	asked  atomic.Int32
}

var nextFake atomic.Uint32

// freshAddr returns an address of the loopback interface that nobody has.
func freshAddr() netip.Addr {
	n := nextFake.Add(1)
	return netip.AddrFrom4([4]byte{127, 53, byte(n >> 8), byte(n)})
}

var here = netip.MustParseAddr("127.0.0.1")

// serveFakeFrom starts a fake STUN server that is told who asks.
func serveFakeFrom(t *testing.T, f *fake, got func(b []byte, from netip.AddrPort)) netip.AddrPort {
	t.Helper()
	at := netip.AddrPortFrom(f.at, 3478)
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var buf [2000]byte
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf[:])
			if err != nil {
				return
			}
			got(buf[:n], from)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return at
}

// serveFake starts a fake on a port.
func serveFake(t *testing.T, port uint16, answer func([]byte) [][]byte) *fake {
	t.Helper()
	f := &fake{at: freshAddr(), answer: answer}
	var err error
	f.conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(f.at, port)))
	must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.serve()
	}()
	t.Cleanup(func() { f.conn.Close(); <-done })
	return f
}

func (f *fake) serve() {
	var buf [2000]byte
	for {
		n, from, err := f.conn.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			return
		}
		f.asked.Add(1)
		for _, b := range f.answer(buf[:n]) {
			f.conn.WriteToUDPAddrPort(b, from)
		}
	}
}

// watching starts a Watch that ends with the test.
func watching(t *testing.T, o Options) *Watch {
	t.Helper()
	if !o.Local.IsValid() {
		o.Local = here
	}
	if o.Every == 0 {
		o.Every = 20 * time.Millisecond
	}
	o.Realm, o.search = "outside", 200*time.Millisecond
	w, err := New(o)
	must(t, err)
	t.Cleanup(w.Close)
	return w
}

// state waits until the state of a Watch fits.
func state(t *testing.T, w *Watch, what string, fits func(*State) bool) State {
	t.Helper()
	var s State
	deadline := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
		if s = w.State(); fits(&s) {
			tick.Stop()
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("never: %s; the last state: %+v", what, s)
		}
	}
}
