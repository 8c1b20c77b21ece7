package kernel

import (
	"errors"
	"os"

	"github.com/google/nftables"
)

// socketOctets is how much a transaction, or what the kernel says to it, may
// have. Ours: as many trusted prefixes as there may be are 700 kB.
const socketOctets = 4 << 20

// A socket speaks nf_tables in the network namespace in which it was opened,
// whichever thread asks.
type socket struct {
	namespace string // of the thread that opened it
	conn      *nftables.Conn
	closed    bool // the library would open another one, wherever it is called
}

func openSocket() (*socket, error) {
	s := &socket{}
	var err error
	if s.namespace, err = namespace(); err != nil {
		return nil, err
	}
	s.conn, err = nftables.New(nftables.AsLasting(), nftables.WithSockOptions(widen))
	return s, err
}

// widen makes room in a socket. What it is is known to the library alone.
func widen[C interface {
	SetReadBuffer(octets int) error
	SetWriteBuffer(octets int) error
}](c C) error {
	return errors.Join(c.SetReadBuffer(socketOctets), c.SetWriteBuffer(socketOctets))
}

// namespace names the network namespace of the calling thread.
func namespace() (string, error) { return os.Readlink("/proc/thread-self/ns/net") }

// flush carries out what was added to the connection as one transaction.
func (s *socket) flush() error {
	if s.closed {
		return os.ErrClosed
	}
	return s.checked(s.conn.Flush())
}

// ask asks for something.
func ask[T any](s *socket, question func(*nftables.Conn) (T, error)) (answer T, err error) {
	if s.closed {
		return answer, os.ErrClosed
	}
	answer, err = question(s.conn)
	return answer, s.checked(err)
}

// checked opens the socket anew after an error: there may be more in it than
// was read, and what comes next would be taken for an answer.
func (s *socket) checked(err error) error {
	if err == nil {
		return nil
	}
	here, nsErr := namespace()
	if nsErr != nil || here != s.namespace {
		return errors.Join(err, nsErr)
	}
	conn, newErr := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(widen))
	if newErr == nil {
		_ = s.conn.CloseLasting()
		s.conn = conn
	}
	return err
}

func (s *socket) close() error {
	s.closed = true
	return s.conn.CloseLasting()
}
