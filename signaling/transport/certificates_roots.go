package transport

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

// LoadRoots reads the certificates of authorities, in PEM. The error is fit to
// be shown to the operator as it is.
func LoadRoots(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("authorities in %s: %v: is the path right, and may the user that the border runs as read it?", file, cause(err))
	}
	pool, n := x509.NewCertPool(), 0
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		n++
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("authorities in %s: certificate %d: %v: take it out, or get it again", file, n, err)
		}
		pool.AddCert(c)
	}
	if n == 0 {
		return nil, fmt.Errorf("authorities in %s: there is none: the file has to hold certificates in PEM (BEGIN CERTIFICATE)", file)
	}
	return pool, nil
}
