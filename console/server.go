package console

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Ours: whoever asks is on this machine.
const (
	readTimeout  = 5 * time.Second
	writeTimeout = 30 * time.Second // a long list into a slow pipe
	headerOctets = 8 << 10
	socketMode   = 0o660 // the owner and the group, which the administrator chooses
	dirMode      = 0o755
)

// A Server answers on a Unix socket.
type Server struct {
	http *http.Server
	done chan error
}

// Listen opens the socket at path and begins to serve h. A socket that a
// process left behind when it died is replaced; one on which somebody listens
// is an error.
func Listen(path string, h http.Handler) (*Server, error) {
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return nil, fmt.Errorf("console socket %s: %w; make the directory for who runs sbc, or name another path: console { socket = ... }", path, err)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("console socket %s: %w", path, cause(err))
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("console socket: %w", err), l.Close())
	}
	open, end := context.WithCancel(context.Background())
	s := &Server{
		http: &http.Server{
			Handler:           h,
			BaseContext:       func(net.Listener) context.Context { return open },
			ReadHeaderTimeout: readTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			MaxHeaderBytes:    headerOctets,
		},
		done: make(chan error, 1),
	}
	s.http.RegisterOnShutdown(end) // what would go on for hours ends then
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

// removeStale removes a socket on which nobody listens any more.
func removeStale(path string) error {
	st, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("console socket: %w", err)
	}
	if st.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("console socket %s: there is a file that is no socket; remove it or name another path", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = c.Close()
		return fmt.Errorf("console socket %s: another sbc is running and listens there; stop it or name another path", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("console socket %s: %w", path, cause(err))
	}
	return os.Remove(path)
}

// cause takes the address and operation, which the caller names, off err.
func cause(err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Err
	}
	return err
}

// Close ends the server and removes the socket; requests that are answered
// may finish until ctx ends.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	if e := <-s.done; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
