package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A TCP is one listener and its connections: those that it accepted and those
// that it opened. All methods may be called from any goroutine.
type TCP struct {
	// Constant after open.
	opt            StreamOptions
	local          netip.AddrPort
	listener       *net.TCPListener
	dialer         net.Dialer
	descriptorsMax int64   // of all listeners of the process
	server         *server // of TLS; nil: none
	begin          time.Time
	ctx            context.Context // ends with Close
	cancel         context.CancelFunc

	// Atomic.
	n    streamCounters
	held atomic.Int64 // octets of begun messages and of queues

	wg sync.WaitGroup // the goroutines

	// Guarded by mu. No lock is taken while it is held.
	mu       sync.RWMutex
	closed   bool
	conns    map[uint64]*conn           // by number
	reach    map[netip.AddrPort][]*conn // that requests to an address may use, the oldest first
	sources  map[netip.Prefix]int       // accepted connections
	accepted int
	shaking  []*conn // accepted, and in a handshake, the oldest first
}

// Of all listeners of the process.
var (
	connNumbers     atomic.Uint64 // the last one given
	connDescriptors atomic.Int64  // in use
)

// ListenTCP opens a listener and starts to accept. The error is a *BindError,
// fit to be shown to the operator as it is.
func ListenTCP(o StreamOptions) (*TCP, error) {
	addr := netip.AddrPortFrom(o.Addr.Addr().Unmap(), o.Addr.Port())
	fail := func(err error) (*TCP, error) {
		return nil, &BindError{Realm: o.Realm, Network: "tcp", Addr: addr, Err: err}
	}
	// As over UDP: our address says which realm a connection belongs to.
	if !addr.Addr().IsValid() || addr.Addr().IsUnspecified() {
		return fail(errUnspecified)
	}
	srv, err := newServer(o.TLS)
	if err != nil {
		return fail(err)
	}
	ip4 := addr.Addr().Is4()
	lc := net.ListenConfig{KeepAlive: -1, Control: controlStream(ip4, optionsListen)}
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(context.Background(), tcpNetwork(ip4), addr.String())
	if err != nil {
		return fail(err)
	}
	t := &TCP{
		opt: o.withDefaults(), listener: ln.(*net.TCPListener), descriptorsMax: descriptorsMax(), server: srv, begin: time.Now(),
		conns: map[uint64]*conn{}, reach: map[netip.AddrPort][]*conn{}, sources: map[netip.Prefix]int{},
	}
	t.local = netip.AddrPortFrom(addr.Addr(), uint16(ln.Addr().(*net.TCPAddr).Port))
	t.dialer = net.Dialer{
		Timeout: t.opt.Connect, KeepAlive: -1, Control: controlStream(ip4, optionsDial),
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr.Addr(), 0)),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.wg.Add(1)
	go t.accept()
	return t, nil
}

// ID returns the number that StreamOptions gave.
func (t *TCP) ID() ListenerID { return t.opt.ID }

// Realm returns the name of the realm that StreamOptions gave.
func (t *TCP) Realm() string { return t.opt.Realm }

// Local returns the address and port that the listener is bound to. The
// connections that it opens come from other ports of that address.
func (t *TCP) Local() netip.AddrPort { return t.local }

// Flow returns the flow of any connection between this listener and remote.
func (t *TCP) Flow(remote netip.AddrPort) Flow { return Flow{Listener: t.opt.ID, Remote: remote} }

// Close ends the listener and all connections, and returns when their
// goroutines have ended, the Handler's last call included. What was queued
// and not written is reported to Failed.
func (t *TCP) Close() error {
	t.mu.Lock()
	t.closed = true
	all := make([]*conn, 0, len(t.conns))
	for _, c := range t.conns {
		all = append(all, c)
	}
	t.mu.Unlock()
	t.cancel()
	err := t.listener.Close()
	for _, c := range all {
		c.end()
	}
	t.wg.Wait()
	if errors.Is(err, net.ErrClosed) { // a second Close
		return nil
	}
	return err
}

// now is the time since the listener was opened.
func (t *TCP) now() time.Duration { return time.Since(t.begin) }

// hold takes octets of the memory for begun messages and queues, or gives them
// back. False: there is no room.
func (t *TCP) hold(octets int) bool {
	if octets > 0 && t.held.Load()+int64(octets) > int64(t.opt.Memory) {
		return false
	}
	t.held.Add(int64(octets))
	return true
}

func tcpNetwork(ip4 bool) string {
	if ip4 {
		return "tcp4"
	}
	return "tcp6"
}
