package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"slices"
)

// A server is how a listener does its side of a handshake.
type server struct {
	opt  *TLS
	base *tls.Config
}

func newServer(o *TLS) (*server, error) {
	switch {
	case o == nil:
		return nil, nil
	case o.Certificates == nil:
		return nil, errNoCertificates
	}
	s := &server{opt: o}
	s.base = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: s.certificate,
		// A message is one record, whatever came before.
		DynamicRecordSizingDisabled: true,
		GetConfigForClient:          s.greeted,
	}
	if o.Ask != AskNone {
		// A ticket is a second credential, which lives for a week: it would let a
		// far end in that no longer has its key, and carries certificates that
		// were checked by other roots than today's.
		s.base.SessionTicketsDisabled = true
		s.base.ClientAuth = tls.RequestClientCert
		if o.Ask == AskRequire {
			// Not RequireAndVerifyClientCert, which knows no UsageServer: the chain
			// is checked by verify.
			s.base.ClientAuth = tls.RequireAnyClientCert
		}
	}
	return s, nil
}

// greeted looks at a hello before it is answered: errors of crypto/tls do not
// tell these causes apart.
func (s *server) greeted(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	c, ok := hello.Conn.(*session)
	if !ok {
		return nil, nil
	}
	if !slices.ContainsFunc(hello.SupportedVersions, func(v uint16) bool { return v == tls.VersionTLS12 || v == tls.VersionTLS13 }) {
		c.flaw = CutTLSVersion
	} else if !suitable(hello.CipherSuites) {
		c.flaw = CutTLSCipher
	}
	if s.opt.Ask == AskNone {
		return nil, nil
	}
	own := s.base.Clone()
	own.VerifyConnection = func(cs tls.ConnectionState) error { return s.verify(c, &cs) }
	return own, nil
}

// suitable reports whether we speak one of the suites. With TLS 1.2 it may
// still be none for our key: certificate sees that.
func suitable(offered []uint16) bool {
	return slices.ContainsFunc(tls.CipherSuites(), func(s *tls.CipherSuite) bool { return slices.Contains(offered, s.ID) })
}

// certificate chooses what we show.
func (s *server) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	best, err := s.opt.Certificates.choose(hello)
	if c, ok := hello.Conn.(*session); ok && err != nil && c.flaw == cuts {
		c.flaw = CutTLSCipher
	}
	return best, nil // the handshake itself says what is missing
}

// verify is called in each handshake, resumed or not.
func (s *server) verify(c *session, cs *tls.ConnectionState) error {
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if s.opt.ClientUsage == UsageServer {
		usages = append(usages, x509.ExtKeyUsageServerAuth)
	}
	var roots *x509.CertPool
	if s.opt.Roots != nil {
		roots = s.opt.Roots()
	}
	id, err := identityOf(cs, roots, usages)
	c.identity = id
	if err == nil || s.opt.Ask != AskRequire {
		return nil
	}
	e := &CertificateError{Remote: c.remote, Err: err}
	if len(cs.PeerCertificates) > 0 {
		e.Have = namesOf(cs.PeerCertificates[0])
	}
	return e
}

// config is how we do our side of a handshake with a far end that we connect
// to. There is no cache of sessions: each handshake proves everything.
func (cl *Client) config(c *session, remote netip.AddrPort) *tls.Config {
	cfg := &tls.Config{
		MinVersion:                  tls.VersionTLS12,
		ServerName:                  canonical(cl.Name),
		DynamicRecordSizingDisabled: true,
		// The names of SIP are not those of HTTP: VerifyConnection does it all.
		InsecureSkipVerify: true,
		VerifyConnection:   func(cs tls.ConnectionState) error { return cl.verify(c, remote, &cs) },
	}
	if cl.Certificates != nil {
		cfg.GetClientCertificate = cl.Certificates.forServer
	}
	return cfg
}

func (cl *Client) verify(c *session, remote netip.AddrPort, cs *tls.ConnectionState) error {
	id, err := identityOf(cs, cl.Roots, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth})
	e := &CertificateError{Remote: remote, Want: cl.Name, Err: err}
	if len(cs.PeerCertificates) > 0 {
		e.Have = namesOf(cs.PeerCertificates[0])
	}
	switch {
	case err != nil:
		return e
	case cl.Name == "":
		e.Err = errNoName
		return e
	case !proves(cs.PeerCertificates[0], cl.Name, cl.Wildcard):
		return e
	}
	c.identity = id
	return nil
}

var errNoName = errors.New("nobody said which name it has to prove")
