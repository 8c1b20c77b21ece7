package transport_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sbc/signaling/transport"
)

// Which certificate a far end is shown depends on the name that it asks for,
// and on what it can use.
func TestCertificatesByName(t *testing.T) {
	a := newAuthority(t, "ours")
	key, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	certs := []tls.Certificate{
		a.issue(dns("first.example")),
		a.issue(dns("a.example", "b.example")),
		a.issue(dns("*.wild.example")),
		a.issue(uris(t, "sip:voice.example"), dns("edge.example")),
		a.issueFor(key, dns("first.example")),
		a.issue(common("old.example")),
	}
	n := openTLS(t, a, transport.StreamOptions{TLS: &transport.TLS{Certificates: load(t, certs...)}})
	onlyRSA := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	for _, c := range []struct {
		name   string
		suites []uint16
		want   int
	}{
		{"", nil, 0}, {"first.example", nil, 0}, {"unknown.example", nil, 0},
		{"a.example", nil, 1}, {"B.Example", nil, 1},
		{"x.wild.example", nil, 2}, {"wild.example", nil, 0}, {"y.x.wild.example", nil, 0},
		{"voice.example", nil, 3}, {"edge.example", nil, 3}, {"old.example", nil, 5},
		{"first.example", onlyRSA, 4}, {"", onlyRSA, 4}, {"unknown.example", onlyRSA, 4},
	} {
		cfg := &tls.Config{ServerName: c.name, InsecureSkipVerify: true, CipherSuites: c.suites}
		if c.suites != nil {
			cfg.MaxVersion = tls.VersionTLS12
		}
		conn, err := connectTLS(t, n, cfg)
		if err != nil {
			t.Errorf("%q with %v: %v", c.name, c.suites, err)
			continue
		}
		if got := conn.ConnectionState().PeerCertificates[0]; !got.Equal(certs[c.want].Leaf) {
			t.Errorf("%q with %v: shown %v %v, want certificate %d", c.name, c.suites, got.DNSNames, got.Subject, c.want)
		}
	}
	for i, s := range load(t, certs...).Expires() {
		if !s.Expires.Equal(certs[i].Leaf.NotAfter) || !strings.HasSuffix(s.File, ".pem") || len(s.Names) == 0 {
			t.Errorf("certificate %d: %+v", i, s)
		}
	}
}

// Who renews a certificate ends nobody's connection, and nobody who connects
// meanwhile is refused.
func TestCertificatesAreReplacedUnderLoad(t *testing.T) {
	const times = 50
	a := newAuthority(t, "ours")
	dir := t.TempDir()
	files := []transport.CertificateFile{keep(t, dir, "edge", a.issue(dns("localhost")))}
	certs := loadFiles(t, files, nil)
	n := openTLS(t, a, transport.StreamOptions{TLS: &transport.TLS{Certificates: certs}})
	standing := mustTLS(t, n, client(a))
	write(t, standing, request(0, 0))
	n.await("message", 1)
	var stop atomic.Bool
	var sent atomic.Int64
	var wg sync.WaitGroup
	shown := map[string]bool{}
	wg.Add(1)
	go func() {
		defer wg.Done()
		for i := 1; !stop.Load(); i++ {
			c, err := connectTLS(t, n, client(a))
			if err != nil {
				t.Errorf("connection %d: %v", i, err)
				return
			}
			shown[c.ConnectionState().PeerCertificates[0].SerialNumber.String()] = true
			if _, err := c.Write([]byte(request(i, 0))); err != nil {
				t.Errorf("connection %d: %v", i, err)
			}
			sent.Add(1)
			c.Close()
		}
	}()
	for range times {
		next := a.issue(dns("localhost"))
		keep(t, dir, "edge", next)
		until(t, func() bool { return certs.Expires()[0].Expires.Equal(next.Leaf.NotAfter) && shows(t, n, a, next) })
	}
	stop.Store(true)
	wg.Wait()
	n.await("message", 1+int(sent.Load()))
	write(t, standing, request(0, 0))
	n.await("message", 2+int(sent.Load()))
	if s := n.Stats(); s.Cut != (transport.StreamStats{}).Cut || len(shown) < 2 {
		t.Errorf("%d certificates seen, %+v", len(shown), s)
	}
	t.Logf("%d connections, %d certificates seen", sent.Load(), len(shown))
}

// shows reports whether a listener shows a certificate to the next who comes.
func shows(t *testing.T, n *node, a *authority, want tls.Certificate) bool {
	c, err := connectTLS(t, n, client(a))
	if err != nil {
		t.Errorf("while it is replaced: %v", err)
		return true
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Equal(want.Leaf)
}

// New files that are no good leave the old certificate, and the operator hears
// of it once.
func TestCertificatesBrokenFile(t *testing.T) {
	a := newAuthority(t, "ours")
	dir := t.TempDir()
	key := newKey(t)
	old := a.issueFor(key, dns("localhost"))
	files := []transport.CertificateFile{keep(t, dir, "edge", old)}
	var mu sync.Mutex
	var failed []error
	certs := loadFiles(t, files, func(err error) { mu.Lock(); failed = append(failed, err); mu.Unlock() })
	n := openTLS(t, a, transport.StreamOptions{TLS: &transport.TLS{Certificates: certs}})
	other, _ := pemOf(t, a.issue(dns("localhost")))
	past, _ := pemOf(t, a.issueFor(key, dns("localhost"), expired))
	file := files[0].Certificate
	for i, step := range []struct {
		do   func()
		want string
	}{
		{func() { replace(t, file, []byte("junk")) }, "PEM"},
		{func() { replace(t, file, other) }, "is not its own"},
		{func() { replace(t, file, past) }, "it expired on"},
		{func() { os.Remove(file) }, "no such file"},
	} {
		step.do()
		until(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(failed) > i })
		mu.Lock()
		err := failed[i]
		mu.Unlock()
		if !strings.Contains(err.Error(), step.want) || !strings.Contains(err.Error(), file) || !strings.HasSuffix(err.Error(), "; the certificates that were read before stay in use") {
			t.Errorf("told %v, want %q", err, step.want)
		}
		if err := certs.Reload(); err == nil {
			t.Error("Reload says nothing")
		}
		if !shows(t, n, a, old) {
			t.Errorf("after %q: the old certificate is gone", step.want)
		}
	}
	good := a.issueFor(key, dns("localhost"))
	text, _ := pemOf(t, good)
	replace(t, file, text)
	until(t, func() bool { return shows(t, n, a, good) })
	if mu.Lock(); len(failed) != 4 {
		t.Errorf("told %d times: %v", len(failed), failed)
	}
	mu.Unlock()
}

// What an operator reads who gives us files that are no good.
func TestCertificateErrors(t *testing.T) {
	a := newAuthority(t, "ours")
	dir := t.TempDir()
	good := keep(t, dir, "good", a.issue(dns("localhost")))
	past := keep(t, dir, "past", a.issue(expired))
	junk := filepath.Join(dir, "junk")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file transport.CertificateFile
		want []string
	}{
		{transport.CertificateFile{Certificate: dir + "/none", Key: good.Key}, []string{dir + "/none", "no such file or directory", "is the path right"}},
		{transport.CertificateFile{Certificate: good.Certificate, Key: dir + "/none"}, []string{"its key " + dir + "/none", "no such file or directory"}},
		{transport.CertificateFile{Certificate: good.Certificate, Key: past.Key}, []string{"the key in " + past.Key + " is not its own", "put the certificate's key there"}},
		{past, []string{past.Certificate, "it expired on", "renew it"}},
		{transport.CertificateFile{Certificate: junk, Key: good.Key}, []string{junk, "PEM"}},
		{transport.CertificateFile{Certificate: good.Certificate, Key: junk}, []string{junk, "without a passphrase"}},
	} {
		_, err := transport.LoadCertificates([]transport.CertificateFile{good, c.file}, nil)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v, want %q", c.file, err, want)
			}
		}
	}
	if _, err := transport.LoadCertificates(nil, nil); err == nil {
		t.Error("no certificate is no error")
	}
	_, err := transport.ListenTCP(transport.StreamOptions{Realm: "outside", Addr: loopback, TLS: &transport.TLS{}})
	if be := (*transport.BindError)(nil); !errors.As(err, &be) || !strings.Contains(err.Error(), "no certificate is configured") {
		t.Errorf("a listener without: %v", err)
	}
	if err := os.Chmod(good.Key, 0o644); err != nil {
		t.Fatal(err)
	}
	if w := loadFiles(t, []transport.CertificateFile{good}, nil).Warnings(); len(w) != 1 || w[0] != fmt.Sprintf("key %s can be read by everybody: chmod 0600 %[1]s", good.Key) {
		t.Errorf("warnings %q", w)
	}
	if w := loadFiles(t, []transport.CertificateFile{keep(t, dir, "fine", a.issue())}, nil).Warnings(); len(w) != 0 {
		t.Errorf("warnings %q", w)
	}
}

// What an operator reads whose file of authorities is no good.
func TestRoots(t *testing.T) {
	a := newAuthority(t, "ours")
	text, _ := pemOf(t, tls.Certificate{Certificate: [][]byte{a.cert.Raw}, PrivateKey: a.key})
	for name, c := range map[string]struct{ text, want string }{
		"good":    {"a comment\n" + string(text) + string(text), ""},
		"empty":   {"", "there is none"},
		"junk":    {"junk", "there is none"},
		"damaged": {string(text) + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate 2"},
	} {
		file := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		pool, err := transport.LoadRoots(file)
		if c.want == "" && (err != nil || !pool.Equal(a.pool())) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := transport.LoadRoots("/nowhere/ca.pem"); err == nil || !strings.Contains(err.Error(), "is the path right") {
		t.Error(err)
	}
}

// RSA and ECDSA serve alike.
func TestTLSKeys(t *testing.T) {
	a := newAuthority(t, "ours")
	key, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []tls.Certificate{a.issue(dns("localhost")), a.issueFor(key, dns("localhost"))} {
		n := openTLS(t, a, transport.StreamOptions{TLS: &transport.TLS{Certificates: load(t, c)}})
		conn := mustTLS(t, n, client(a))
		_, isRSA := conn.ConnectionState().PeerCertificates[0].PublicKey.(*rsa.PublicKey)
		_, isECDSA := conn.ConnectionState().PeerCertificates[0].PublicKey.(*ecdsa.PublicKey)
		write(t, conn, request(1, 0))
		f := n.await("message", 1)[0].flow
		if _, err := n.Send(f, 1, []byte("x")); err != nil || isRSA == isECDSA {
			t.Errorf("%v, RSA %v, ECDSA %v", err, isRSA, isECDSA)
		}
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Error(err)
		}
	}
}
