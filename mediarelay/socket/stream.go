package socket

import (
	"net/netip"
	"sync"

	"sbc/mediarelay"
)

// A port is one bound socket of a stream.
type port struct {
	stream    *stream
	side      mediarelay.Side
	component mediarelay.Component
	fd        int // -1: the stream does not need this port
	index     int32
}

type stream struct {
	// Constant after open.
	e     *Engine
	w     *worker
	realm [2]int
	ports [2][2]port // by side and component; fd and index of those for RTCP are guarded by mu

	session mediarelay.Session // its methods say who may call them

	// Owned by who calls Set and Add.
	rtcp [2]bool // by side: the port for RTCP has a socket

	// mu is held by the worker while it relays one packet, by Close, and when
	// a port for RTCP is opened late. It is taken before Engine.mu.
	mu     sync.Mutex
	closed bool                // guarded by mu
	last   [2]mediarelay.Stats // guarded by mu; when closed
}

// Local returns where the far end of a side has to send to.
func (s *stream) Local(side mediarelay.Side) mediarelay.Local { return s.session.Local(side) }

// Set says what the far end of a side is.
func (s *stream) Set(side mediarelay.Side, r mediarelay.Remote) {
	s.openFor(side, &r)
	if !s.e.owns(r.RTP) && !s.e.owns(r.RTCP) {
		s.session.Set(side, r, s.e.now())
		return
	}
	s.e.spirals.Lock()
	defer s.e.spirals.Unlock()
	s.session.SetChecked(side, r, s.e.now(), s.e.find)
}

// Add says that the side has one more far end.
func (s *stream) Add(side mediarelay.Side, r mediarelay.Remote) error {
	s.openFor(side, &r)
	if !s.e.owns(r.RTP) && !s.e.owns(r.RTCP) {
		return s.session.Add(side, r, s.e.now())
	}
	s.e.spirals.Lock()
	defer s.e.spirals.Unlock()
	return s.session.AddChecked(side, r, s.e.now(), s.e.find)
}

// Stats returns the counters of both flows.
func (s *stream) Stats() [2]mediarelay.Stats { return s.session.Stats() }

// Close ends the stream. It waits for the packet that is being relayed, if
// there is one, not for the network.
func (s *stream) Close() [2]mediarelay.Stats {
	s.mu.Lock()
	if s.closed {
		defer s.mu.Unlock()
		return s.last
	}
	s.closed = true
	s.release()
	s.last = s.session.Stats()
	s.mu.Unlock()

	s.e.closed(s)
	return s.last
}

// release closes the sockets that are open. With them they leave epoll.
func (s *stream) release() {
	for side := range s.ports {
		for i := range s.ports[side] {
			p := &s.ports[side][i]
			if p.fd < 0 {
				continue
			}
			s.e.ports[p.index].Store(nil)
			_ = s.e.kernel.close(p.fd)
			p.fd = -1
		}
	}
}

// Live reports whether a stream has a local port; see mediarelay.Engine.
func (e *Engine) Live(a netip.AddrPort) bool {
	_, _, ok := e.find(a)
	return ok
}

// find is a mediarelay.Finder.
func (e *Engine) find(a netip.AddrPort) (*mediarelay.Session, mediarelay.Side, bool) {
	index, ok := e.index(a)
	if !ok {
		return nil, 0, false
	}
	p := e.ports[index].Load()
	if p == nil {
		return nil, 0, false
	}
	return &p.stream.session, p.side, true
}
