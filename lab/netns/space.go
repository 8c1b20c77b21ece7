package netns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// A Space is a network namespace with a thread of its own. All methods may be
// called from any goroutine.
type Space struct {
	// Constant after New.
	name string
	ns   netns.NsHandle
	work chan func()
	gone chan struct{} // closed when the thread has ended

	mu        sync.Mutex
	closed    bool       // Guarded by mu.
	processes []*Process // Guarded by mu.
}

// errClosed is what is left to say after Close.
var errClosed = errors.New("the namespace is closed")

// New makes a namespace with its loopback interface up. The name is for
// messages only. The caller must Close it.
func New(name string) (*Space, error) {
	s := &Space{name: name, work: make(chan func()), gone: make(chan struct{})}
	ready := make(chan error)
	go s.thread(ready)
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("make network namespace %q: %w", name, err)
	}
	if err := s.up("lo"); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// thread owns the one thread that lives in the namespace. It never unlocks
// it: a thread that has changed its namespace must end with its goroutine.
// Processes are started from it, so that they are killed by the kernel when
// it ends (prctl PR_SET_PDEATHSIG is about the thread, not the process).
func (s *Space) thread(ready chan<- error) {
	defer close(s.gone)
	runtime.LockOSThread()
	ns, err := netns.New()
	s.ns = ns
	ready <- err
	if err != nil {
		return
	}
	for f := range s.work {
		f()
	}
	ns.Close()
}

// Name returns the name that New was given.
func (s *Space) Name() string { return s.name }

// Do runs f on the thread of the namespace: what f opens or starts belongs to
// it. f must not block for long and must not call Do.
func (s *Space) Do(f func() error) error {
	done := make(chan error, 1)
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.work <- func() { done <- f() }
	}
	s.mu.Unlock()
	if closed {
		return errClosed
	}
	return <-done
}

// Close kills the processes that still run in the namespace, waits for them,
// and lets the namespace go. Calling it again does nothing.
func (s *Space) Close() {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	processes := s.processes
	s.mu.Unlock()
	if again {
		return
	}
	for _, p := range processes {
		p.Kill()
	}
	close(s.work)
	<-s.gone
}

// ListenUDP opens a UDP socket in the namespace.
func (s *Space) ListenUDP(at netip.AddrPort) (*net.UDPConn, error) {
	var conn *net.UDPConn
	err := s.Do(func() (err error) {
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		return err
	})
	return conn, err
}

// Dial opens a connection from the namespace. The address must be literal:
// a look-up would leave the thread.
func (s *Space) Dial(network, address string) (net.Conn, error) {
	var conn net.Conn
	err := s.Do(func() (err error) {
		conn, err = net.Dial(network, address)
		return err
	})
	return conn, err
}

// Sysctl writes a value below /proc/sys, which shows the namespace of the
// thread that looks: Sysctl("net/ipv4/ip_forward", "1").
func (s *Space) Sysctl(key, value string) error {
	return s.Do(func() error {
		return os.WriteFile("/proc/sys/"+key, []byte(value), 0)
	})
}

// handle opens a netlink socket in the namespace.
func (s *Space) handle() (*netlink.Handle, error) {
	h, err := netlink.NewHandleAt(s.ns)
	if err != nil {
		return nil, fmt.Errorf("netlink in %q: %w", s.name, err)
	}
	return h, nil
}
