package transport_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sbc/signaling/transport"
)

// An authority issues certificates, all of them in memory.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  crypto.Signer
}

var serials struct {
	sync.Mutex
	last int64
}

func serial() *big.Int {
	serials.Lock()
	defer serials.Unlock()
	serials.last++
	return big.NewInt(serials.last)
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = a.sign(template, template, a.key.Public(), a.key)
	return a
}

func (a *authority) sign(template, parent *x509.Certificate, public crypto.PublicKey, with crypto.Signer) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, with)
	if err != nil {
		a.t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// A shape changes what a certificate says.
type shape func(*x509.Certificate)

func dns(names ...string) shape { return func(c *x509.Certificate) { c.DNSNames = names } }

func uris(t testing.TB, list ...string) shape {
	t.Helper()
	var all []*url.URL
	for _, s := range list {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	return func(c *x509.Certificate) { c.URIs = all }
}

func common(name string) shape { return func(c *x509.Certificate) { c.Subject.CommonName = name } }

func expired(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
}

func usage(list ...x509.ExtKeyUsage) shape {
	return func(c *x509.Certificate) { c.ExtKeyUsage = list }
}

// issue makes a certificate for localhost, if shapes do not say otherwise.
func (a *authority) issue(shapes ...shape) tls.Certificate {
	return a.issueFor(newKey(a.t), shapes...)
}

func (a *authority) issueFor(key crypto.Signer, shapes ...shape) tls.Certificate {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: serial(), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, s := range shapes {
		s(template)
	}
	leaf := a.sign(template, a.cert, key.Public(), a.key)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// pemOf returns a certificate and its key as files have them.
func pemOf(t testing.TB, c tls.Certificate) (cert, key []byte) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// keep writes a certificate and its key into dir.
func keep(t testing.TB, dir, name string, c tls.Certificate) transport.CertificateFile {
	t.Helper()
	f := transport.CertificateFile{Certificate: filepath.Join(dir, name+".pem"), Key: filepath.Join(dir, name+".key")}
	cert, key := pemOf(t, c)
	for file, text := range map[string][]byte{f.Certificate: cert, f.Key: key} {
		replace(t, file, text)
	}
	return f
}

// replace has a file change at once, as who renews certificates does.
func replace(t testing.TB, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// load has the certificates in files of their own.
func load(t testing.TB, certs ...tls.Certificate) *transport.Certificates {
	t.Helper()
	dir := t.TempDir()
	var files []transport.CertificateFile
	for i, c := range certs {
		files = append(files, keep(t, dir, string(rune('a'+i)), c))
	}
	return loadFiles(t, files, nil)
}

func loadFiles(t testing.TB, files []transport.CertificateFile, failed func(error)) *transport.Certificates {
	t.Helper()
	c, err := transport.LoadCertificatesEvery(files, failed, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// openTLS opens a listener that shows a certificate of a for localhost.
func openTLS(t testing.TB, a *authority, o transport.StreamOptions) *node {
	t.Helper()
	if o.TLS == nil {
		o.TLS = &transport.TLS{}
	}
	if o.TLS.Certificates == nil {
		o.TLS.Certificates = load(t, a.issue(dns("localhost")))
	}
	return open(t, o)
}

// dialling says that whoever is dialled is name, and trusted by a.
func dialling(name string, a *authority) func(netip.AddrPort) *transport.Client {
	return func(netip.AddrPort) *transport.Client { return &transport.Client{Name: name, Roots: a.pool()} }
}

// connectTLS opens a connection to a node as a client does that is not ours.
func connectTLS(t testing.TB, n *node, cfg *tls.Config) (*tls.Conn, error) {
	t.Helper()
	c := tls.Client(connect(t, n), cfg)
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c, c.Handshake()
}

// client is what such a client believes.
func client(a *authority) *tls.Config {
	return &tls.Config{RootCAs: a.pool(), ServerName: "localhost"}
}

// mustTLS is connectTLS where nothing may go wrong.
func mustTLS(t testing.TB, n *node, cfg *tls.Config) *tls.Conn {
	t.Helper()
	c, err := connectTLS(t, n, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// from connects from another address of this machine.
func from(t testing.TB, n *node, ip net.IP) *net.TCPConn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: ip}}
	c, err := d.Dial("tcp", n.Local().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// handler notes what open's own handler would, and refusals.
func (n *node) handler(r *refusals) transport.Handler {
	h := n.notes()
	h.Refused = r.note
	return h
}

// with gives events the listener of another node.
func (n *node) with(events *node) *node {
	events.TCP = n.TCP
	return events
}
