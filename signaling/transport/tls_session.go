package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// A session stands between a connection's socket and crypto/tls, as its
// net.Conn. While the handshake goes on it reads and writes the socket, and
// waits. From then on it never waits: what the socket brought is put into it
// and what crypto/tls writes is taken out of it, so that a connection of TLS is
// read, written, bounded and ended by the same code as any other, and keeps no
// buffer of ours while it is idle.
type session struct {
	// Constant before the handshake.
	socket net.Conn
	remote netip.AddrPort
	tls    *tls.Conn
	turn   bool // it takes turns with the other handshakes

	// Of the handshake, owned by its goroutine.
	mine     bool // it has the turn
	flaw     Cut  // why it will fail; cuts: nobody knows
	identity *Identity

	// Owned by who reads.
	up     bool
	came   []byte // from the socket, and not yet read by crypto/tls
	header [recordHeader]byte
	have   int // octets of a record's header
	size   int // of the record
	left   int // octets of it that are to come
	dumb   int // octets of whole records that carried nothing for us

	// Guarded by mu. No lock is taken while it is held.
	mu   sync.Mutex
	live bool    // the handshake is over: writes are kept in out
	out  *sealed // nil: there is nothing to write
}

// recordHeader is how long it is: RFC 8446 section 5.1.
const recordHeader = 5

// Ours:
const (
	// 64 KiB: a dozen certificates with large keys. crypto/tls would keep four
	// times as much for who never ends his handshake.
	handshakeOctets = 64 << 10
	// 16 KiB of tickets and new keys, one behind the other: crypto/tls keeps
	// what has come of a message of its own, and says nothing of it.
	dumbOctets = 16 << 10
	// 32 KiB: what is longer is rare, and not kept for the next.
	sealedMax = 32 << 10
)

// A sealed is what goes to the socket.
type sealed struct{ b []byte }

var seals = sync.Pool{New: func() any { return &sealed{b: make([]byte, 0, 2<<10)} }}

func (s *sealed) free() {
	if s != nil && cap(s.b) <= sealedMax {
		s.b = s.b[:0]
		seals.Put(s)
	}
}

// Read is called by crypto/tls.
func (s *session) Read(b []byte) (n int, err error) {
	if !s.up {
		s.pause()
		if n, err = s.socket.Read(b); err == nil {
			s.resume()
		}
		s.track(b[:n])
		if s.dumb > handshakeOctets {
			return n, errHandshakeLong
		}
		return n, err
	}
	if len(s.came) == 0 {
		// Of all errors crypto/tls goes on after one that is temporary, and a
		// timeout is one.
		return 0, os.ErrDeadlineExceeded
	}
	n = copy(b, s.came)
	s.came = s.came[n:]
	s.track(b[:n])
	return n, nil
}

// Write is called by crypto/tls, when we send and when it answers by itself.
func (s *session) Write(b []byte) (int, error) {
	s.mu.Lock()
	if s.live {
		defer s.mu.Unlock()
		if s.out == nil {
			s.out = seals.Get().(*sealed)
		}
		s.out.b = append(s.out.b, b...)
		return len(b), nil
	}
	s.mu.Unlock()
	s.pause()
	n, err := s.socket.Write(b)
	if err == nil {
		s.resume()
	}
	return n, err
}

// speaks reports whether there is something to be written.
func (s *session) speaks() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out != nil
}

// take returns what is to be written; nil: nothing. Who took it frees it.
func (s *session) take() *sealed {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.out
	s.out = nil
	return out
}

// seal returns what carries b; nil: the session is at its end.
func (s *session) seal(b []byte) *sealed {
	if _, err := s.tls.Write(b); err != nil {
		return nil
	}
	return s.take()
}

// open hands what octets from the socket carry to each, piece by piece. p is
// memory for the pieces.
func (s *session) open(b []byte, p *scratch, each func([]byte) verdict) verdict {
	s.came = b
	for {
		n, err := s.tls.Read(p.buf[:])
		if n > 0 {
			s.dumb = 0
			if v := each(p.buf[:n]); v != going {
				return v
			}
		}
		switch err {
		case nil:
		case os.ErrDeadlineExceeded:
			if s.dumb > dumbOctets {
				return garbled
			}
			return going
		case io.EOF:
			return over
		default:
			return garbled
		}
	}
}

var errHandshakeLong = errors.New("the handshake takes more than 64 KiB")

// partial reports whether a record has begun that is not whole.
func (s *session) partial() bool { return s.have > 0 || s.left > 0 }

// track follows the records in what is read.
func (s *session) track(b []byte) {
	for len(b) > 0 {
		if s.left > 0 {
			n := min(s.left, len(b))
			if s.left, b = s.left-n, b[n:]; s.left == 0 {
				s.dumb += s.size
			}
			continue
		}
		n := copy(s.header[s.have:], b)
		s.have, b = s.have+n, b[n:]
		if s.have == recordHeader {
			s.size = int(s.header[3])<<8 | int(s.header[4])
			s.have, s.left = 0, s.size
		}
	}
}

// settle ends the handshake: nothing waits from here on.
func (s *session) settle() {
	s.pause()
	s.up, s.dumb = true, 0
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = true
}

// What else a net.Conn has. Deadlines are the connection's business.

func (s *session) Close() error                     { return nil }
func (s *session) LocalAddr() net.Addr              { return s.socket.LocalAddr() }
func (s *session) RemoteAddr() net.Addr             { return s.socket.RemoteAddr() }
func (s *session) SetDeadline(time.Time) error      { return nil }
func (s *session) SetReadDeadline(time.Time) error  { return nil }
func (s *session) SetWriteDeadline(time.Time) error { return nil }
