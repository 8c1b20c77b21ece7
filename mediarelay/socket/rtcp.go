package socket

import (
	"errors"

	"sbc/mediarelay"
)

// errClosed is the error of opening a port for a stream that is closed.
var errClosed = errors.New("the stream is closed")

// openFor opens the port for RTCP of a side whose line was opaque, if r is the
// first far end there that needs it. Where that fails the stream goes on
// without: what should leave there counts as mediarelay.SendFailed, and the
// next Set or Add tries again.
func (s *stream) openFor(side mediarelay.Side, r *mediarelay.Remote) {
	l := s.session.Local(side)
	if s.rtcp[side] || l.RTCPPort == l.Port || !r.NeedsRTCP() {
		return
	}
	switch err := s.openRTCP(side, l); {
	case err == nil:
		s.rtcp[side] = true
	case !errors.Is(err, errClosed):
		s.e.noRTCP(s.realm[side])
	}
}

// openRTCP binds the port for RTCP and hands it to the worker. The calls that
// bind it are made without the lock, so that packets go on.
func (s *stream) openRTCP(side mediarelay.Side, l mediarelay.Local) error {
	fd, err := s.e.kernel.listen(l.RTCP(), s.e.o.Buffer)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = s.e.kernel.close(fd)
		return errClosed
	}
	p := &s.ports[side][mediarelay.RTCPPort]
	p.fd = fd
	p.index, _ = s.e.index(l.RTCP())
	s.e.ports[p.index].Store(p)
	if err := s.w.watch(fd, p.index); err != nil {
		s.e.ports[p.index].Store(nil)
		_ = s.e.kernel.close(fd)
		p.fd = -1
		return err
	}
	return nil
}

func (e *Engine) noRTCP(realm int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pools[realm].CountNoRTCP()
}
