package digest

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"strings"
)

// An Algorithm is what a digest is computed with. The stronger is the greater.
// The variants that end in -sess are not offered: they keep a key for each
// nonce, which a server without state has no use for.
type Algorithm uint8

// RFC 7616 section 6.1, and RFC 8760 section 2.1 for SIP.
const (
	MD5 Algorithm = iota
	SHA256
	SHA512t256

	algorithms
)

// sumMax is the size of the largest digest in octets.
const sumMax = 32

var algorithmNames = [algorithms]string{"MD5", "SHA-256", "SHA-512-256"}

var sumSizes = [algorithms]int{md5.Size, sha256.Size, sha512.Size256}

// String returns the name that stands in challenges.
func (a Algorithm) String() string {
	if a < algorithms {
		return algorithmNames[a]
	}
	return "unknown"
}

// ParseAlgorithm reads the name of an Algorithm, in any case.
func ParseAlgorithm(name string) (Algorithm, bool) {
	for a, n := range algorithmNames {
		if strings.EqualFold(n, name) {
			return Algorithm(a), true
		}
	}
	return 0, false
}

// sum writes the digest of b to the start of dst and returns it.
func (a Algorithm) sum(dst *[sumMax]byte, b []byte) []byte {
	switch a {
	case SHA512t256:
		*dst = sha512.Sum512_256(b)
	case SHA256:
		*dst = sha256.Sum256(b)
	default:
		d := md5.Sum(b)
		copy(dst[:], d[:])
	}
	return dst[:sumSizes[a]]
}
