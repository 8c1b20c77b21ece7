package mediarelay

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// A Model is an Engine without sockets: it has the port pools and the
// sessions of a real one, and Inject shows what would be forwarded. The
// simulation and tests of signaling use it. It belongs to one goroutine, and
// its time stands still but for SetNow.
type Model struct {
	o       Options
	pools   []*Pool
	ports   map[netip.AddrPort]modelPort
	streams int
	now     time.Duration
	closed  bool
	buf     []byte // the datagram of an Inject, which Receive may change
	scratch []byte
}

type modelPort struct {
	stream *modelStream
	side   Side
	port   Component
}

type modelStream struct {
	m       *Model
	o       Open
	session Session
	local   [2]Local
	rtcp    [2]bool // by side: the port for RTCP is open
	closed  bool
	last    [2]Stats // when closed
}

// NewModel returns a Model that draws its ports from r.
func NewModel(o Options, r *rand.Rand) (*Model, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	return &Model{
		o:       o,
		pools:   o.Pools(r),
		ports:   make(map[netip.AddrPort]modelPort),
		scratch: make([]byte, ScratchLen),
	}, nil
}

// SetNow sets the time since the start of the process. It must not go back.
func (m *Model) SetNow(now time.Duration) { m.now = now }

// Open takes a pair of ports on both sides; see Engine.
func (m *Model) Open(o Open) (Stream, error) {
	if m.closed {
		return nil, fmt.Errorf("open media stream: %w", ErrClosed)
	}
	if err := m.o.CheckOpen(&o); err != nil {
		return nil, err
	}
	s := &modelStream{m: m, o: o}
	for side, realm := range o.Realm {
		port, ok := m.pools[realm].Take(m.now, m.o.Realms[realm].Kept(&o))
		if !ok {
			if side > 0 {
				m.pools[o.Realm[0]].Return(s.local[0].Port)
			}
			return nil, &Exhausted{Realm: m.o.Realms[realm].Name}
		}
		s.local[side] = NewLocal(o, Side(side), m.o.Realms[realm], port)
	}
	s.session.Init(o, s.local, m.o.Realms)
	for side, l := range s.local {
		m.ports[l.RTP()] = modelPort{s, Side(side), RTPPort}
		if !o.Opaque && l.RTCPPort != l.Port {
			s.openRTCP(Side(side))
		}
	}
	m.streams++
	return s, nil
}

// Ports returns the use of each realm's pool; see Engine.
func (m *Model) Ports() []PortUse {
	use := make([]PortUse, len(m.pools))
	for i, p := range m.pools {
		use[i] = p.Use(m.now)
		use[i].Realm = m.o.Realms[i].Name
	}
	return use
}

// Streams returns the number of open streams.
func (m *Model) Streams() int { return m.streams }

// Close closes every stream.
func (m *Model) Close() error {
	m.closed = true
	open := make([]*modelStream, 0, m.streams)
	for _, p := range m.ports {
		if p.side == A && p.port == RTPPort {
			open = append(open, p.stream)
		}
	}
	slices.SortFunc(open, func(a, b *modelStream) int { return a.local[A].RTP().Compare(b.local[A].RTP()) })
	for _, s := range open {
		s.Close()
	}
	return nil
}

// A Sent is a datagram as it would leave.
type Sent struct {
	From, To netip.AddrPort
	Bytes    []byte // valid until the next Inject
}

// Inject shows what would become of the datagram b that comes from src to the
// local address and port to. The cause is Pass when it was forwarded. A
// datagram to a port that no stream has gets NoRemote and is counted nowhere.
func (m *Model) Inject(to, src netip.AddrPort, b []byte) (Sent, Cause) {
	p, ok := m.ports[to]
	if !ok {
		return Sent{}, NoRemote
	}
	m.buf = append(m.buf[:0], b...)
	v := p.stream.session.Receive(p.side, p.port, src, m.buf, m.scratch, m.now)
	if v.Cause != Pass {
		return Sent{}, v.Cause
	}
	p.stream.session.Sent(p.side, true)
	from := p.stream.local[p.side.Other()]
	if v.Via == RTCPPort {
		return Sent{From: from.RTCP(), To: v.To, Bytes: v.Bytes}, Pass
	}
	return Sent{From: from.RTP(), To: v.To, Bytes: v.Bytes}, Pass
}

// find is a Finder.
func (m *Model) find(a netip.AddrPort) (*Session, Side, bool) {
	p, ok := m.ports[a]
	if !ok {
		return nil, 0, false
	}
	return &p.stream.session, p.side, true
}

// Live reports whether a stream has a local port; see Engine.
func (m *Model) Live(a netip.AddrPort) bool {
	_, ok := m.ports[a]
	return ok
}

func (s *modelStream) Local(side Side) Local { return s.local[side] }

func (s *modelStream) Set(side Side, r Remote) {
	if !s.closed {
		s.openFor(side, &r)
		s.session.SetChecked(side, r, s.m.now, s.m.find)
	}
}

func (s *modelStream) Add(side Side, r Remote) error {
	if s.closed {
		return nil
	}
	s.openFor(side, &r)
	return s.session.AddChecked(side, r, s.m.now, s.m.find)
}

// openFor opens the port for RTCP if r is the first far end that needs it.
func (s *modelStream) openFor(side Side, r *Remote) {
	if l := s.local[side]; r.NeedsRTCP() && !s.rtcp[side] && l.RTCPPort != l.Port {
		s.openRTCP(side)
	}
}

func (s *modelStream) openRTCP(side Side) {
	s.rtcp[side] = true
	s.m.ports[s.local[side].RTCP()] = modelPort{s, side, RTCPPort}
}

func (s *modelStream) Stats() [2]Stats {
	if s.closed {
		return s.last
	}
	return s.session.Stats()
}

func (s *modelStream) Close() [2]Stats {
	if s.closed {
		return s.last
	}
	s.last, s.closed = s.session.Stats(), true
	for side, l := range s.local {
		delete(s.m.ports, l.RTP())
		delete(s.m.ports, l.RTCP())
		s.m.pools[s.o.Realm[side]].Give(l.Port, s.m.now)
	}
	s.m.streams--
	return s.last
}
