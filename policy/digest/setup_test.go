package digest

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/signaling/sip"
)

var (
	testKey = [32]byte{1, 2, 3}
	here    = netip.MustParseAddr("192.0.2.7")
)

func testRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// fataler is what testing and rapid have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// message makes a request of whole lines of fields.
func message(t fataler, method, body string, lines ...string) *sip.Message {
	t.Helper()
	text := method + " sip:voice.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx\r\n" +
		"From: <sip:a@voice.example>;tag=f\r\nTo: <sip:a@voice.example>\r\nCall-ID: c\r\nCSeq: 1 " + method + "\r\nMax-Forwards: 70\r\n" +
		strings.Join(lines, "") + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body
	m := &sip.Message{}
	if err := m.Parse([]byte(text)); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return m
}

func mustUser(t fataler, name, realm, password string) User {
	t.Helper()
	u, err := NewUser(name, realm, password)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return u
}

func mustRealm(t fataler, o Options) *Realm {
	t.Helper()
	if o.Nonces == nil {
		o.Nonces = NewNonces(testKey, 0)
	}
	r, err := NewRealm(o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return r
}

// voice is the realm of most tests, with the user alice.
func voice(t fataler, n *Nonces) *Realm {
	t.Helper()
	return mustRealm(t, Options{Name: "voice.example", Users: []User{mustUser(t, "alice", "voice.example", "s3cret")}, Integrity: true, Nonces: n})
}

// nonce takes one out of a challenge.
func (r *Realm) nonce(now time.Duration, rnd *rand.Rand, src netip.Addr) string {
	line := string(r.Challenge(nil, now, rnd, src, Agent, false))
	_, rest, _ := strings.Cut(line, `nonce="`)
	nonce, _, _ := strings.Cut(rest, `"`)
	return nonce
}

// A client is what a phone knows and says; it computes with code of its own.
type client struct {
	user, realm, password, nonce, method, uri, cnonce, qop, body string
	algorithm                                                    Algorithm
	nc                                                           uint32
}

func alice(nonce string) client {
	return client{user: "alice", realm: "voice.example", password: "s3cret", nonce: nonce, method: "REGISTER",
		uri: "sip:voice.example", cnonce: "0a4f113b", qop: "auth", algorithm: SHA256, nc: 1}
}

func (c client) hash(parts ...string) string {
	b := []byte(strings.Join(parts, ":"))
	switch c.algorithm {
	case MD5:
		d := md5.Sum(b)
		return hex.EncodeToString(d[:])
	case SHA256:
		d := sha256.Sum256(b)
		return hex.EncodeToString(d[:])
	}
	d := sha512.Sum512_256(b)
	return hex.EncodeToString(d[:])
}

func (c client) response() string {
	a2 := []string{c.method, c.uri}
	if c.qop == "auth-int" {
		a2 = append(a2, c.hash(c.body))
	}
	return c.hash(c.hash(c.user, c.realm, c.password), c.nonce, fmt.Sprintf("%08x", c.nc), c.cnonce, c.qop, c.hash(a2...))
}

// line is the whole line of the field.
func (c client) line() string {
	return fmt.Sprintf("Authorization: Digest username=%q, realm=%q, nonce=%q, uri=%q, response=%q, algorithm=%s, cnonce=%q, qop=%s, nc=%08x\r\n",
		c.user, c.realm, c.nonce, c.uri, c.response(), c.algorithm, c.cnonce, c.qop, c.nc)
}

// verdict is what r says of lines.
func (r *Realm) verdict(t testing.TB, now time.Duration, lines ...string) Result {
	t.Helper()
	return r.Check(now, Query{Msg: message(t, "REGISTER", "", lines...), Source: here})
}
