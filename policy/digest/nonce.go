package digest

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/dchest/siphash"
)

// Nonces makes and knows the nonces of a process without keeping any, and
// remembers which of them were used. It is made once; a new configuration goes
// on with it. After a restart it has another key: the right password with an
// old nonce is Stale, and a client tries again by itself. Any goroutine may
// call its methods.
//
// A nonce is base64url of
//
//	octets  0    5    8   10   12          24
//	        ┌────┬────┬────┬────┬───────────┐
//	        │time│slot│gen │rnd │    mac    │
//	        └────┴────┴────┴────┴───────────┘
//	         └──── hidden ─────┘
//
// time is in milliseconds; slot and gen are a place in the table against
// replays (see slots). mac is SipHash-2-4 of what stands before it and of the
// source: the IPv4 address, or the first 64 bits of the IPv6 address. The port
// is not in it, as a NAT and a new connection change it. What stands before
// mac is hidden by a pad that is made from mac under another key: a nonce says
// neither how long the process has run, nor which nonces share a slot.
type Nonces struct {
	// Constant after NewNonces.
	key sealed[nonceKey]

	// Atomic.
	slots slots
}

// A nonceKey is the key of a process, one part for each use.
type nonceKey struct{ auth, pad, name [2]uint64 }

// Ours: 12 octets of authentication cannot be guessed in the 5 minutes that a
// guess is good for; the shorter a challenge, the less a forged request makes
// us send.
const (
	timeOctets  = 5 // 34 years of milliseconds
	slotOctets  = 3
	stateOctets = timeOctets + slotOctets + 2 + 2
	macOctets   = 12
	nonceOctets = stateOctets + macOctets
	nonceLen    = 32 // characters
)

// Ours.
const (
	// Slots is a good number of them: 1 MiB of memory. A nonce lives until a
	// later one is used in its slot: at 1,000 logins a second two minutes.
	Slots = 1 << 17

	// A generation of 16 bits comes back after 65,536 logins in one slot. With
	// 1,024 slots, which nobody can choose, that takes 67 million logins.
	slotsMin = 1 << 10
	slotsMax = 1 << (8 * slotOctets)

	// How far the clocks that two shards have read may be apart.
	skew = time.Second
)

// NewNonces returns Nonces with a number of slots, which is raised to the next
// power of two from 1,024 to 16,777,216; each has 8 octets. key must be secret
// and random, and another one in each process.
func NewNonces(key [32]byte, slots int) *Nonces {
	n := slotsMin
	for n < slots && n < slotsMax {
		n *= 2
	}
	return newNonces(key, n)
}

func newNonces(key [32]byte, n int) *Nonces {
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(key[8*i:]) }
	k := &nonceKey{
		auth: [2]uint64{word(0), word(1)},
		pad:  [2]uint64{word(2) ^ 'p', word(3)},
		name: [2]uint64{word(2) ^ 'n', word(3)},
	}
	return &Nonces{key: seal(k), slots: make(slots, n)}
}

// A ticket is what a nonce of ours says.
type ticket struct {
	at   time.Duration
	slot uint32
	gen  uint16
	tag  uint16
}

// make writes a nonce for a source.
func (n *Nonces) make(text *[nonceLen]byte, now time.Duration, rnd *rand.Rand, src netip.Addr) {
	var raw [nonceOctets]byte
	r := rnd.Uint64()
	slot := uint32(r) & n.slots.mask()
	binary.BigEndian.PutUint64(raw[:], uint64(now/time.Millisecond)<<(64-8*timeOctets)|uint64(slot))
	binary.BigEndian.PutUint16(raw[8:], n.slots.next(slot))
	binary.BigEndian.PutUint16(raw[10:], uint16(r>>48))
	n.authenticate(&raw, raw[stateOctets:], src)
	n.hide(&raw)
	base64.RawURLEncoding.Encode(text[:], raw[:])
}

// read returns what a nonce says, if it is one of ours for that source.
func (n *Nonces) read(text []byte, src netip.Addr) (t ticket, ok bool) {
	var (
		raw  [nonceOctets]byte
		want [macOctets]byte
	)
	if len(text) != nonceLen {
		return ticket{}, false
	}
	if k, err := base64.RawURLEncoding.Decode(raw[:], text); err != nil || k != nonceOctets {
		return ticket{}, false
	}
	n.hide(&raw)
	n.authenticate(&raw, want[:], src)
	if subtle.ConstantTimeCompare(raw[stateOctets:], want[:]) == 0 {
		return ticket{}, false
	}
	head := binary.BigEndian.Uint64(raw[:])
	return ticket{
		at:   time.Duration(head>>(64-8*timeOctets)) * time.Millisecond,
		slot: uint32(head) & n.slots.mask(),
		gen:  binary.BigEndian.Uint16(raw[8:]),
		tag:  binary.BigEndian.Uint16(raw[stateOctets:]),
	}, true
}

// fresh reports whether the nonce is not too old.
func (t *ticket) fresh(now, age time.Duration) bool {
	old := now - t.at
	return old > -skew && old <= age
}

// authenticate writes the mac of raw, which is not hidden, to the start of mac.
func (n *Nonces) authenticate(raw *[nonceOctets]byte, mac []byte, src netip.Addr) {
	var text [stateOctets + 16]byte
	copy(text[:], raw[:stateOctets])
	from := sourceOf(src)
	copy(text[stateOctets:], from[:])
	k := &n.key().auth
	h0, h1 := siphash.Hash128(k[0], k[1], text[:])
	binary.BigEndian.PutUint64(mac, h0)
	binary.BigEndian.PutUint32(mac[8:], uint32(h1))
}

// hide hides what stands before the mac, or shows it again.
func (n *Nonces) hide(raw *[nonceOctets]byte) {
	var pad [16]byte
	k := &n.key().pad
	h0, h1 := siphash.Hash128(k[0], k[1], raw[stateOctets:])
	binary.BigEndian.PutUint64(pad[:], h0)
	binary.BigEndian.PutUint64(pad[8:], h1)
	subtle.XORBytes(raw[:stateOctets], raw[:stateOctets], pad[:stateOctets])
}

// sourceOf returns what of an address a nonce is bound to. A host changes the
// last 64 bits of its IPv6 address as it likes (RFC 8981).
func sourceOf(a netip.Addr) [16]byte {
	a = a.Unmap()
	b := a.As16()
	if a.Is6() {
		clear(b[8:])
	}
	return b
}

// stranger writes an HA1 for a name that no user has: always the same, and as
// hard to guess as the key. It is computed for users too, so that the work is
// the same.
func (n *Nonces) stranger(text *[2 * sumMax]byte, name []byte) {
	var d [sumMax]byte
	k := &n.key().name
	for i := range 2 {
		h0, h1 := siphash.Hash128(k[0]^uint64(i)<<8, k[1], name)
		binary.BigEndian.PutUint64(d[16*i:], h0)
		binary.BigEndian.PutUint64(d[16*i+8:], h1)
	}
	hex.Encode(text[:], d[:])
}

// String tells of the table, and nothing that is secret.
func (n *Nonces) String() string { return fmt.Sprintf("nonces, %d slots (secret)", len(n.slots)) }

// Format keeps every verb of package fmt from the key.
func (n *Nonces) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, n.String()) }
