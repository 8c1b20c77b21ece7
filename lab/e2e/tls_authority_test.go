package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// An authority issues the certificates of a test.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var serials atomic.Int64

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serials.Add(1)), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(100 * 24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = a.sign(template, template, a.key, a.key)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template, parent *x509.Certificate, key, with *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, with)
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

func expired(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
}

// lives lets a certificate end after a number of days.
func lives(days int) shape {
	return func(c *x509.Certificate) { c.NotAfter = time.Now().AddDate(0, 0, days) }
}

func goodFor(usages ...x509.ExtKeyUsage) shape {
	return func(c *x509.Certificate) { c.ExtKeyUsage = usages }
}

// at lets a certificate be good for an address too.
func at(addr netip.Addr) shape {
	return func(c *x509.Certificate) { c.IPAddresses = []net.IP{addr.AsSlice()} }
}

// issue makes a certificate for a DNS name.
func (a *authority) issue(name string, shapes ...shape) tls.Certificate {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serials.Add(1)), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 90),
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, s := range shapes {
		s(template)
	}
	key := newKey(a.t)
	leaf := a.sign(template, a.cert, key, a.key)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// keep writes the authority's own certificate into dir, and returns where.
func (a *authority) keep(dir, name string) string {
	a.t.Helper()
	file := filepath.Join(dir, name+".pem")
	swap(a.t, file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
	return file
}

// keep writes a certificate and its key into dir, one after the other, as who
// renews certificates does.
func keep(t testing.TB, dir, name string, c tls.Certificate) {
	t.Helper()
	cert, key := pemOf(t, c)
	swap(t, filepath.Join(dir, name+".pem"), cert)
	swap(t, filepath.Join(dir, name+".key"), key)
}

// keepOne writes both into one file.
func keepOne(t testing.TB, dir, name string, c tls.Certificate) {
	t.Helper()
	cert, key := pemOf(t, c)
	swap(t, filepath.Join(dir, name+".pem"), append(cert, key...))
}

func pemOf(t testing.TB, c tls.Certificate) (cert, key []byte) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// swap has a file change at once.
func swap(t testing.TB, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}
