package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// A Proof says how far we know who is at the other end.
type Proof uint8

// The proofs.
const (
	ProofNone       Proof = iota // it showed no certificate
	ProofUnverified              // it showed one that says nothing to us; AskRequest lets it in
	ProofVerified                // the chain of its certificate ends at our roots
)

var proofNames = [...]string{"none", "unverified", "verified"}

func (p Proof) String() string { return proofNames[p] }

// An Identity is who is at the other end of a connection of TLS.
type Identity struct {
	Proof Proof

	// Names are the SIP domain identities of the certificate, in lower case
	// (RFC 5922 section 7.1). Without a verified certificate there are none.
	Names []string

	// Err says why a certificate is unverified.
	Err error

	Version uint16 // tls.VersionTLS12 or tls.VersionTLS13
	Suite   uint16 // RFC 8446 appendix B.4; tls.CipherSuiteName has the names
}

// Is reports whether the far end has proven that it may speak for a SIP
// domain: RFC 5922 section 7.2, without wildcards.
func (i *Identity) Is(domain string) bool {
	return i != nil && slices.Contains(i.Names, canonical(domain))
}

// Ours:
const (
	// 16 names are in a CertificateError: enough to see which it is.
	namesShown = 16
	// 253: RFC 1035 section 2.3.4, without the root.
	nameShown = 253
)

// A CertificateError says why the certificate of a far end is not accepted.
type CertificateError struct {
	Remote netip.AddrPort
	Want   string   // the name that was to be proven; "": any
	Have   []string // the names in the certificate, as it writes them
	Err    error    // what is wrong; nil: the name
}

func (e *CertificateError) Error() string {
	s := fmt.Sprintf("certificate of %v", e.Remote)
	if e.Want != "" {
		s += fmt.Sprintf(", which should be %q,", e.Want)
	}
	if e.Err == nil {
		s += " is for other names"
	} else {
		s += " is refused: " + e.Err.Error()
	}
	if len(e.Have) > 0 {
		s += fmt.Sprintf("; it is for %q", e.Have)
	}
	if r := e.remedy(); r != "" {
		s += ": " + r
	}
	return s
}

func (e *CertificateError) Unwrap() error { return e.Err }

func (e *CertificateError) remedy() string {
	unknown, invalid := x509.UnknownAuthorityError{}, x509.CertificateInvalidError{}
	switch {
	case e.Err == nil:
		return "ask the peer which name it uses, and set that one"
	case errors.As(e.Err, &unknown):
		return "if this is the peer, add the authority that issued it to the peer's CA file"
	case errors.As(e.Err, &invalid) && invalid.Reason == x509.Expired:
		return "the peer has to renew it; look at our own clock as well"
	case errors.As(e.Err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return "it may not be used for this end of a connection; for those who connect, client usage \"server\" accepts those of servers"
	}
	return ""
}

// identityOf says who showed the certificates of a handshake. err is the
// reason why it is no verified identity.
func identityOf(cs *tls.ConnectionState, roots *x509.CertPool, usages []x509.ExtKeyUsage) (*Identity, error) {
	id := &Identity{Version: cs.Version, Suite: cs.CipherSuite}
	if len(cs.PeerCertificates) == 0 {
		return id, errNoneShown
	}
	opt := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), KeyUsages: usages}
	for _, c := range cs.PeerCertificates[1:] {
		opt.Intermediates.AddCert(c)
	}
	leaf := cs.PeerCertificates[0]
	if _, err := leaf.Verify(opt); err != nil {
		id.Proof, id.Err = ProofUnverified, err
		return id, err
	}
	id.Proof, id.Names = ProofVerified, sipDomains(leaf)
	return id, nil
}

var errNoneShown = errors.New("it showed none")

// sipDomains returns the SIP domain identities of a certificate: RFC 5922
// section 7.1. DNS names count only if there is none in a URI, and the common
// name only if there are neither URIs nor DNS names.
func sipDomains(c *x509.Certificate) []string {
	var names []string
	add := func(name string) {
		if name = canonical(name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, u := range c.URIs {
		// "sips" is no SIP domain identity, and one with a user is a user's.
		if u.Scheme == "sip" && !strings.Contains(u.Opaque, "@") && u.User == nil {
			add(hostOf(u.Opaque + u.Host))
		}
	}
	if len(names) == 0 {
		for _, name := range c.DNSNames {
			add(name)
		}
	}
	if len(c.URIs) == 0 && len(c.DNSNames) == 0 {
		add(c.Subject.CommonName)
	}
	return names
}

// hostOf takes port and parameters from what stands behind "sip:".
func hostOf(rest string) string {
	rest, _, _ = strings.Cut(rest, ";")
	rest, _, _ = strings.Cut(rest, "?")
	if host, _, ok := strings.Cut(rest, ":"); ok && !strings.HasPrefix(rest, "[") {
		return host
	}
	return rest
}

// proves reports whether a certificate is one of the SIP domain, or IP address,
// that is wanted: RFC 5922 section 7.2, in their entirety.
func proves(c *x509.Certificate, want string, wildcard bool) bool {
	if ip, err := netip.ParseAddr(strings.Trim(want, "[]")); err == nil {
		return slices.ContainsFunc(c.IPAddresses, func(b net.IP) bool {
			have, ok := netip.AddrFromSlice(b)
			return ok && have.Unmap() == ip.Unmap()
		})
	}
	want = canonical(want)
	names := sipDomains(c)
	if want == "" || strings.Contains(want, "*") {
		return false
	}
	if slices.Contains(names, want) {
		return true
	}
	_, parent, _ := strings.Cut(want, ".")
	// One label below a name of two or more: nobody owns *.com.
	return wildcard && strings.Contains(parent, ".") && slices.Contains(names, "*."+parent) &&
		slices.ContainsFunc(c.DNSNames, func(name string) bool { return canonical(name) == "*."+parent })
}

// canonical makes names that mean the same domain equal.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// namesOf returns what a certificate says that it is, to be shown.
func namesOf(c *x509.Certificate) []string {
	var names []string
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	names = append(names, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = append(names, "CN="+c.Subject.CommonName)
	}
	names = names[:min(len(names), namesShown)]
	for i, name := range names {
		names[i] = name[:min(len(name), nameShown)]
	}
	return names
}
