package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Ours: whoever reads metrics is near and asks little.
const (
	serveTimeout  = 10 * time.Second
	headerOctets  = 8 << 10
	readersAtOnce = 4 // requests for /metrics that are answered at the same time
)

// Handler serves /metrics, /livez (200 as long as the process answers) and
// /readyz (200 once ready says that calls are taken, else 503).
func (m *Metrics) Handler(ready func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: readersAtOnce,
		Timeout:             serveTimeout / 2,
	}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}

// A Server answers on the metrics' own listener.
type Server struct {
	http *http.Server
	addr net.Addr
	done chan error
}

// Listen opens the listener and begins to serve h. Port 0 takes a free one.
func Listen(addr netip.AddrPort, h http.Handler) (*Server, error) {
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("listen for metrics: %w", err)
	}
	s := &Server{
		http: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: serveTimeout,
			ReadTimeout:       serveTimeout,
			WriteTimeout:      serveTimeout,
			MaxHeaderBytes:    headerOctets,
		},
		addr: l.Addr(),
		done: make(chan error, 1),
	}
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

// Addr returns where the server listens.
func (s *Server) Addr() net.Addr { return s.addr }

// Close ends the server; requests that are answered may finish until ctx ends.
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
