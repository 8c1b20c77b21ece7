package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// clientOf says how a connection to an address is opened; nil: plainly.
func (t *TCP) clientOf(to netip.AddrPort) (*Client, error) {
	if !t.layered() {
		return nil, nil
	}
	if t.opt.WebSocket == nil && t.opt.TLS.Dial != nil {
		if cl := t.opt.TLS.Dial(to); cl != nil {
			return cl, nil
		}
	}
	return nil, ErrInbound
}

// shake counts c among the handshakes that others began. Too many, of its
// source or in all: the oldest is returned, to be ended, since whoever has
// good reason to be here is through in less time than it took the others to
// come. mu is held.
func (t *TCP) shake(c *conn) *conn {
	source, same, oldest := sourceOf(c.remote.Addr()), 0, -1
	for i, other := range t.shaking {
		if sourceOf(other.remote.Addr()) == source {
			if same++; oldest < 0 {
				oldest = i
			}
		}
	}
	t.shaking = append(t.shaking, c)
	switch {
	case same >= t.opt.HandshakesPerSource:
	case len(t.shaking) > t.opt.Handshakes:
		oldest = 0
	default:
		return nil
	}
	crowd := t.shaking[oldest]
	t.shaking = slices.Delete(t.shaking, oldest, oldest+1)
	return crowd
}

// shaken tells that the handshakes of c are over.
func (t *TCP) shaken(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.shaking, c); i >= 0 {
		t.shaking = slices.Delete(t.shaking, i, i+1)
	}
}

// slow is the cause for which a handshake ends that takes too long.
func (t *TCP) slow() Cut {
	if t.opt.TLS != nil {
		return CutTLSSlow
	}
	return CutSlow
}

// shake does the handshakes of c. False: they failed, and c has ended.
func (c *conn) shake() bool {
	stream, why, err := net.Conn(c.tcp), cuts, error(nil)
	if c.t.opt.TLS != nil {
		_ = c.tcp.SetDeadline(time.Now().Add(c.t.opt.Handshake))
		why, err = c.secure()
		stream = c.tls.tls
	}
	if err == nil && c.t.opt.WebSocket != nil {
		_ = c.tcp.SetDeadline(time.Now().Add(c.t.opt.Message))
		why, err = c.upgrade(stream)
	}
	if c.tls != nil {
		c.tls.pause()
	}
	if c.inbound {
		c.t.shaken(c)
	}
	if err != nil {
		c.refuse(why, err)
		return false
	}
	_ = c.tcp.SetDeadline(time.Time{})
	if c.tls != nil {
		c.tls.settle()
		c.identity.Store(c.tls.identity)
	}
	return true
}

// refuse ends c, of which nobody knows yet.
func (c *conn) refuse(why Cut, err error) {
	if h := c.t.opt.Handler.Refused; h != nil && why < cuts && !c.is(gone) {
		h(c.flow(), why, err)
	}
	switch {
	case !c.inbound:
		c.t.n.unreached.Add(1)
		if why < cuts {
			c.t.n.cut[why].Add(1)
		}
		c.end() // without a reset, which could overtake our alert
	case why == cuts, why == CutTLSSlow, why == CutSlow, why == CutWrongProtocol:
		c.stop(why)
	default:
		// An answer or an alert has been written: it should be read.
		c.mu.Lock()
		if c.is(dialling) {
			c.t.n.cut[why].Add(1)
			c.conclude(0)
		}
		c.mu.Unlock()
		c.drain()
	}
}

// secure does the handshake of TLS.
func (c *conn) secure() (Cut, error) {
	s := &session{socket: c.tcp, remote: c.remote, turn: c.inbound, flaw: cuts}
	if c.inbound {
		s.tls = tls.Server(s, c.t.server.base)
	} else {
		s.tls = tls.Client(s, c.client.config(s, c.remote))
	}
	c.mu.Lock()
	c.tls = s
	c.mu.Unlock()
	err := s.tls.Handshake()
	if err == nil {
		if s.identity == nil { // nobody was asked
			cs := s.tls.ConnectionState()
			s.identity = &Identity{Version: cs.Version, Suite: cs.CipherSuite}
		}
		return cuts, nil
	}
	why := s.causeOf(err)
	if e := (*CertificateError)(nil); !errors.As(err, &e) {
		err = fmt.Errorf("TLS with %v: %w%s", c.remote, err, handshakeRemedies[why])
	}
	return why, err
}

// What helps, where it is not the certificate itself.
var handshakeRemedies = map[Cut]string{
	CutTLSVersion:     ": the far end has to speak TLS 1.2 or 1.3",
	CutTLSCipher:      ": the far end has to offer one of the suites of today, for a key as ours is (RSA or ECDSA)",
	CutTLSCertificate: ": the far end has to show a certificate, or must not be asked for one",
	CutTLSSlow:        ": is that port one of TLS, and does the network let long packets through?",
	CutWrongProtocol:  ": the far end has to speak TLS to this port",
}

// causeOf says for what a handshake ends; cuts: the far end went away.
func (s *session) causeOf(err error) Cut {
	record, cert := tls.RecordHeaderError{}, (*CertificateError)(nil)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return CutTLSSlow
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return cuts
	case errors.As(err, &cert), strings.Contains(err.Error(), "client certificate"), strings.Contains(err.Error(), "didn't provide a certificate"):
		return CutTLSCertificate
	case errors.As(err, &record) && record.RecordHeader[0] == 0x80:
		return CutTLSVersion // SSL 2
	case errors.As(err, &record) && record.Conn != nil:
		return CutWrongProtocol
	case s.flaw != cuts:
		return s.flaw
	}
	return CutTLSHandshake
}
