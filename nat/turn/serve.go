package turn

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// A Server is the service in this process. Its methods may be called from any
// goroutine.
type Server struct {
	*service

	running  sync.WaitGroup // who accepts, and the wires
	failed   chan error     // what ends the service; one is enough
	udp, tcp []netip.AddrPort

	mu     sync.Mutex
	closed bool               // guarded by mu
	open   map[io.Closer]bool // listeners and fronts; guarded by mu
}

// Open opens all sockets of o and serves. The caller closes the Server.
func Open(o Options) (*Server, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	s := &Server{service: newService(o), open: map[io.Closer]bool{}, failed: make(chan error, 1)}
	for _, open := range []func() error{s.openUDP, s.openTCP, s.tryRelays} {
		if err := open(); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

func (s *Server) openUDP() error {
	for _, at := range s.o.UDP {
		conn, err := net.ListenUDP(network("udp", at), net.UDPAddrFromAddrPort(at))
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		s.udp = append(s.udp, conn.LocalAddr().(*net.UDPAddr).AddrPort())
		if err := s.attach(udpWire{conn}, s.fail); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) openTCP() error {
	for _, at := range s.o.TCP {
		l, err := net.ListenTCP(network("tcp", at), net.TCPAddrFromAddrPort(at))
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		s.tcp = append(s.tcp, l.Addr().(*net.TCPAddr).AddrPort())
		s.keep(l)
		s.running.Add(1)
		go s.accept(l)
	}
	return nil
}

func network(transport string, at netip.AddrPort) string {
	if at.Addr().Is4() {
		return transport + "4"
	}
	return transport + "6"
}

// tryRelays opens and closes one port of each relay address, so that a wrong
// address is found at the start.
func (s *Server) tryRelays() error {
	for _, v6 := range []bool{false, true} {
		if !s.relays.has(v6) {
			continue
		}
		conn, _, err := s.relays.open(v6, false)
		if err != nil {
			return fmt.Errorf("relay: %w", err)
		}
		conn.Close()
	}
	return nil
}

// attach puts the library behind a wire. done is called once, when the wire
// has ended or could not be served.
func (s *Server) attach(w wire, done func(error)) error {
	s.running.Add(1)
	f := newFront(s.service, w)
	f.ended = func(err error) {
		s.drop(f)
		done(err)
		s.running.Done()
	}
	err := net.ErrClosed
	if s.keep(f) {
		_, err = serve(f)
	}
	if err != nil {
		f.end(err)
	}
	return err
}

// accept takes the connections of a listener.
func (s *Server) accept(l net.Listener) {
	defer s.running.Done()
	for {
		conn, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(acceptPause)
			continue
		}
		s.connection(conn)
	}
}

// Ours: where there are no descriptors left, some are free soon.
const acceptPause = 50 * time.Millisecond

// connection serves one connection, if there is room.
func (s *Server) connection(conn net.Conn) {
	client := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	client = netip.AddrPortFrom(client.Addr().Unmap(), client.Port())
	if !s.ledger.connect(client.Addr()) {
		s.counts.refuse(OverQuota)
		conn.Close()
		return
	}
	s.counts.connections.Add(1)
	s.attach(&streamWire{conn: conn, client: client, counts: &s.counts}, func(error) {
		s.ledger.disconnect(client.Addr())
		s.counts.connections.Add(-1)
	})
}

// keep notes what is to be closed; false: the Server is closed.
func (s *Server) keep(c io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.open[c] = true
	}
	return !s.closed
}

func (s *Server) drop(c io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// fail ends Run.
func (s *Server) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// Addrs returns where the service listens, with the ports that the system gave
// for 0.
func (s *Server) Addrs() (udp, tcp []netip.AddrPort) { return s.udp, s.tcp }

// Counts returns what the service has and has done.
func (s *Server) Counts() Counts { return s.counts.counts() }

// Close ends all allocations and connections. The library closes what is left
// of them a moment later.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	open := s.open
	s.open = map[io.Closer]bool{}
	s.mu.Unlock()
	for c := range open {
		c.Close()
	}
	s.running.Wait()
	return nil
}
