package turn

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"time"
)

// nonces makes and knows the nonces of this process without keeping any. A
// nonce is good for one transport address and one hour (RFC 8656 section 7.2
// asks for a new one at least hourly), so that who has it has shown that it
// hears us.
type nonces struct{ key [32]byte }

// Ours: 12 octets of authentication make a nonce of 22 characters; the
// shorter a challenge, the less a forged request makes us send.
const (
	nonceLife   = time.Hour
	nonceClock  = 4
	nonceOctets = nonceClock + 12
	nonceLen    = 22 // characters
)

func newNonces() *nonces {
	n := &nonces{}
	rand.Read(n.key[:]) // never fails
	return n
}

// append appends the nonce for a client at a time.
func (n *nonces) append(b []byte, now time.Time, client netip.AddrPort) []byte {
	var raw [nonceOctets]byte
	binary.BigEndian.PutUint32(raw[:], uint32(now.Unix()))
	n.sum(&raw, client)
	return base64.RawURLEncoding.AppendEncode(b, raw[:])
}

// good reports whether nonce was made for that client in the last hour.
func (n *nonces) good(nonce []byte, now time.Time, client netip.AddrPort) bool {
	var raw, want [nonceOctets]byte
	if len(nonce) != nonceLen {
		return false
	}
	if k, err := base64.RawURLEncoding.Strict().Decode(raw[:], nonce); err != nil || k != nonceOctets {
		return false
	}
	copy(want[:nonceClock], raw[:])
	n.sum(&want, client)
	age := now.Sub(time.Unix(int64(binary.BigEndian.Uint32(raw[:])), 0))
	return hmac.Equal(raw[:], want[:]) && age < nonceLife && age > -nonceLife
}

// sum fills in the authentication of the time that raw begins with.
func (n *nonces) sum(raw *[nonceOctets]byte, client netip.AddrPort) {
	var text [nonceClock + 16 + 2]byte
	copy(text[:], raw[:nonceClock])
	addr := client.Addr().As16()
	copy(text[nonceClock:], addr[:])
	binary.BigEndian.PutUint16(text[nonceClock+16:], client.Port())
	h := hmac.New(sha256.New, n.key[:])
	h.Write(text[:])
	copy(raw[nonceClock:], h.Sum(nil))
}
