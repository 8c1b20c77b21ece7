package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The files in testdata name others that no repository can keep: a certificate with
// its key, which ends some day, and users, which nobody else may read.
func TestMain(m *testing.M) {
	os.Setenv("SBC_TEST_SECRET", "correct horse")
	err := os.Chmod("testdata/users.htdigest", 0o600)
	now := time.Now()
	for name, until := range map[string]time.Time{
		"edge": now.AddDate(1, 0, 0), "other": now.AddDate(1, 0, 0), "soon": now.AddDate(0, 0, 7), "old": time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if err == nil {
			err = writePair(filepath.Join("testdata", "tls"), name, until)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(filepath.Join("testdata", "tls"))
	os.Exit(code)
}

// writePair writes a certificate of its own and its key.
func writePair(dir, name string, until time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name + ".example"}, DNSNames: []string{name + ".example"},
		NotBefore: until.AddDate(-2, 0, 0), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(filepath.Join(dir, name+".pem"), cert, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
}

// What ends within a month is told, with the day.
func TestCertificateExpiresSoon(t *testing.T) {
	src := "realm \"a\" {\n  address = \"127.0.0.1\"\n  listen \"tls\" {\n    certificate = \"testdata/tls/soon.pem\"\n    key = \"testdata/tls/soon.key\"\n  }\n}\n"
	c, err := ParseOn(testMachine, "sbc.hcl", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	want := "testdata/tls/soon.pem is good until " + day(time.Now().AddDate(0, 0, 7))
	if c.Warnings == nil || !strings.Contains(c.Warnings.Error(), want) {
		t.Errorf("%v, want %q", c.Warnings, want)
	}
}

// A key that everybody may read is none.
func TestKeyReadableByAll(t *testing.T) {
	key := filepath.Join(t.TempDir(), "edge.key")
	b, err := os.ReadFile("testdata/tls/edge.key")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, b, 0o644); err != nil {
		t.Fatal(err)
	}
	src := "realm \"a\" {\n  address = \"127.0.0.1\"\n  listen \"tls\" {\n    certificate = \"testdata/tls/edge.pem\"\n    key = \"" + key + "\"\n  }\n}\n"
	if _, err := ParseOn(testMachine, "sbc.hcl", []byte(src)); err == nil || !strings.Contains(err.Error(), "Readable by everybody") {
		t.Error(err)
	}
}
