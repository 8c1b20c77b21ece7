package socket

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"sbc/mediarelay"
)

// Open takes a pair of ports on both sides of one media line, and binds them.
// It costs some twenty short system calls and waits for nothing.
func (e *Engine) Open(o mediarelay.Open) (mediarelay.Stream, error) {
	if err := e.o.CheckOpen(&o); err != nil {
		return nil, err
	}
	s, err := e.begun(o)
	if err != nil {
		return nil, err
	}
	defer e.opening.Done()

	var local [2]mediarelay.Local
	for side := range s.ports {
		if local[side], err = s.bind(o, mediarelay.Side(side)); err != nil {
			s.giveUp(local)
			return nil, err
		}
	}
	s.session.Init(o, local, e.o.Realms)
	if err := s.watch(); err != nil {
		s.giveUp(local)
		return nil, err
	}
	e.mu.Lock()
	e.streams[s] = struct{}{}
	e.mu.Unlock()
	return s, nil
}

// begun returns a stream without ports, unless the engine is closed. The
// caller ends e.opening.
func (e *Engine) begun(o mediarelay.Open) (*stream, error) {
	s := &stream{e: e, realm: o.Realm}
	for side := range s.ports {
		for i := range s.ports[side] {
			s.ports[side][i] = port{
				stream: s, side: mediarelay.Side(side), component: mediarelay.Component(i), fd: -1,
			}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down {
		return nil, fmt.Errorf("open media stream: %w", mediarelay.ErrClosed)
	}
	e.opening.Add(1)
	s.w = e.workers[e.next%len(e.workers)]
	e.next++
	return s, nil
}

// bind takes a pair from the pool of side's realm and binds what the stream
// needs of it. A pair of which another process has a port is skipped.
func (s *stream) bind(o mediarelay.Open, side mediarelay.Side) (mediarelay.Local, error) {
	realm := s.realm[side]
	pool := s.e.o.Realms[realm]
	for range triesMax {
		even, ok := s.e.take(realm, pool.Kept(&o))
		if !ok {
			break
		}
		l := mediarelay.NewLocal(o, side, pool, even)
		err := s.bindPair(side, l, !o.Opaque && l.RTCPPort != l.Port)
		switch {
		case err == nil:
			return l, nil
		case errors.Is(err, unix.EADDRINUSE):
			s.e.skip(realm, even)
		default:
			s.e.giveBack(realm, even)
			return mediarelay.Local{}, fmt.Errorf("realm %q: %w", pool.Name, err)
		}
	}
	return mediarelay.Local{}, &mediarelay.Exhausted{Realm: pool.Name}
}

// bindPair binds the port of l, or the two ports if rtcp, or none of them.
func (s *stream) bindPair(side mediarelay.Side, l mediarelay.Local, rtcp bool) error {
	p := &s.ports[side]
	if err := s.bindPort(&p[mediarelay.RTPPort], l.RTP()); err != nil {
		return err
	}
	s.rtcp[side] = rtcp
	if !rtcp {
		return nil
	}
	if err := s.bindPort(&p[mediarelay.RTCPPort], l.RTCP()); err != nil {
		_ = s.e.kernel.close(p[mediarelay.RTPPort].fd)
		p[mediarelay.RTPPort].fd = -1
		return err
	}
	return nil
}

func (s *stream) bindPort(p *port, a netip.AddrPort) error {
	fd, err := s.e.kernel.listen(a, s.e.o.Buffer)
	if err != nil {
		return err
	}
	p.fd = fd
	p.index, _ = s.e.index(a)
	return nil
}

// watch hands the sockets to the worker. From the first one on it may find
// packets there; so all of them are open and the session is ready.
func (s *stream) watch() error {
	for side := range s.ports {
		for i := range s.ports[side] {
			p := &s.ports[side][i]
			if p.fd < 0 {
				continue
			}
			s.e.ports[p.index].Store(p)
			if err := s.w.watch(p.fd, p.index); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveUp undoes an Open that failed. Nobody was told of the ports: they need
// no rest.
func (s *stream) giveUp(local [2]mediarelay.Local) {
	s.mu.Lock()
	s.closed = true
	s.release()
	s.mu.Unlock()
	for side, l := range local {
		if l.Port != 0 {
			s.e.giveBack(s.realm[side], l.Port)
		}
	}
}

// closed lets the ports of s rest.
func (e *Engine) closed(s *stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	for side, realm := range s.realm {
		e.pools[realm].Give(s.session.Local(mediarelay.Side(side)).Port, now)
	}
	delete(e.streams, s)
}

func (e *Engine) take(realm, keep int) (even uint16, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pools[realm].Take(e.now(), keep)
}

func (e *Engine) giveBack(realm int, even uint16) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pools[realm].Return(even)
}

func (e *Engine) skip(realm int, even uint16) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pools[realm].Skip(even, e.now())
}
