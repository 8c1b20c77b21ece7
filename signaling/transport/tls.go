package transport

import (
	"crypto/x509"
	"errors"
	"net/netip"
	"time"
)

// A ClientAsk says what a listener wants of the certificates of those who
// connect.
type ClientAsk uint8

// The ways to ask.
const (
	AskNone    ClientAsk = iota // it asks for none
	AskRequest                  // whoever has none, or one that cannot be verified, comes in all the same; Identity tells
	AskRequire                  // who has none that can be verified is refused
)

// A ClientUsage says what the certificate of a far end that connects must be
// good for.
type ClientUsage uint8

// The usages.
const (
	// UsageClient wants the extended key usage clientAuth, or none named.
	UsageClient ClientUsage = iota
	// UsageServer takes serverAuth as well: large providers present to us the
	// certificate that they show as servers, and public authorities issue no
	// other.
	UsageServer
)

// Ours:
const (
	// 5 s: two round trips, a retransmission of each, and a slow key.
	handshakeDefault = 5 * time.Second
	// 512 handshakes of some 20 KB.
	handshakesDefault = 512
	// 64: as many phones behind one NAT come back within a round trip when their
	// router does; those that are cut try again.
	handshakesSourceDefault = 64
)

// TLS makes a listener of streams one of TLS: of versions 1.2 and 1.3, with the
// suites that Go holds good.
type TLS struct {
	// Certificates are what we show to those who connect: the one that they ask
	// for by name (RFC 6066 section 3), else the first.
	Certificates *Certificates

	Ask         ClientAsk
	ClientUsage ClientUsage

	// Roots returns whom we believe about those who connect; it is called for
	// each of them, from any goroutine. nil, or a nil pool: the system's.
	Roots func() *x509.CertPool

	// Dial says who is to be at the other end of a connection that we open. It
	// is called from any goroutine and must not block. nil, or a nil Client: to
	// there we open none.
	Dial func(remote netip.AddrPort) *Client
}

// A Client is how we open connections to one far end. It is not changed once
// it is in use.
type Client struct {
	// Name is the SIP domain, or the IP address, that the far end has to prove
	// (RFC 5922 section 4), and what we ask for by name.
	Name string

	// Roots are whom we believe about it; nil: the system's.
	Roots *x509.CertPool

	// Certificates are what we show if we are asked; nil: none.
	Certificates *Certificates

	// Wildcard lets a DNS name such as *.example.com stand for one label. RFC
	// 5922 section 7.2 forbids it; public providers have such certificates.
	Wildcard bool
}

// ErrInbound tells that there is no connection to an address, and that the
// listener opens none to it: one of WebSockets never does (RFC 7118: clients
// cannot be connected to), one of TLS only where TLS.Dial knows who is to be
// there.
var ErrInbound = errors.New("there is no connection, and this listener opens none to that address")

var errNoCertificates = errors.New("no certificate is configured: TLS needs one, with its key")

// Transport returns the name that the listener's transport has in a Via (RFC
// 3261 section 20.42, RFC 7118 section 5.2): TCP, TLS, WS or WSS.
func (t *TCP) Transport() string {
	switch {
	case t.opt.WebSocket != nil && t.opt.TLS != nil:
		return "WSS"
	case t.opt.WebSocket != nil:
		return "WS"
	case t.opt.TLS != nil:
		return "TLS"
	}
	return "TCP"
}

// layered reports whether connections begin with a handshake, and octets on
// the wire are not those of messages.
func (t *TCP) layered() bool { return t.opt.TLS != nil || t.opt.WebSocket != nil }

// Identity returns who is at the other end of a connection. nil: there is no
// such connection, or it is not one of TLS. What it returns is never changed,
// and is known before the first message of the connection comes.
func (t *TCP) Identity(conn uint64) *Identity {
	t.mu.RLock()
	c := t.conns[conn]
	t.mu.RUnlock()
	if c == nil {
		return nil
	}
	return c.identity.Load()
}
