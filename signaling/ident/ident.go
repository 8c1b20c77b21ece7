// Package ident makes the identifiers that the SBC puts into messages: tags,
// branches and Call-IDs.
//
// Each carries the virtual shard of its call, so that a message finds its way
// without a look-up, and a keyed checksum, so that what we did not cause is
// dropped before one. They say nothing about either side of a call.
package ident

import (
	"encoding/binary"
	"slices"

	"github.com/dchest/siphash"
)

// Shards is the number of virtual shards; a process spreads them over as many
// goroutines as it runs.
const Shards = 256

// A Kind keeps the identifiers of one use from being taken for another.
type Kind byte

// The uses of identifiers.
const (
	Tag    Kind = 't'
	Branch Kind = 'b'
	CallID Kind = 'c'
	Token  Kind = 'k' // user part of the Contact that stands for a user agent behind us
)

// Cookie starts every branch that follows RFC 3261 section 8.1.1.7.
const Cookie = "z9hG4bK"

// An ID is what an identifier carries.
type ID struct {
	Serial uint64 // random; names the dialog or transaction
	Shard  uint8  // virtual shard
}

const (
	bytesRaw = 1 + 8 + 4 // shard, serial, checksum
	// Size is the length in octets of an identifier, without the cookie.
	Size = (bytesRaw*8 + 4) / 5
)

// Lower case: identifiers are compared octet by octet, but a device that
// folds their case must not confuse two of them.
const alphabet = "abcdefghijkmnpqrstuvwxyz23456789"

var values = func() (v [256]int8) {
	for i := range v {
		v[i] = -1
	}
	for i := range alphabet {
		v[alphabet[i]] = int8(i)
	}
	return v
}()

// A Maker writes and reads identifiers under one key. It is a value without
// state; every shard may use a copy.
type Maker struct{ k0, k1 uint64 }

// NewMaker returns a Maker for key, which must be secret and the same in all
// shards.
func NewMaker(key [16]byte) Maker {
	return Maker{binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])}
}

// Append appends id as an identifier of kind to dst; a Branch begins with the
// Cookie.
func (mk Maker) Append(dst []byte, kind Kind, id ID) []byte {
	dst = slices.Grow(dst, len(Cookie)+Size)
	if kind == Branch {
		dst = append(dst, Cookie...)
	}
	var raw [bytesRaw]byte
	raw[0] = id.Shard
	binary.BigEndian.PutUint64(raw[1:], id.Serial)
	binary.BigEndian.PutUint32(raw[9:], mk.sum(kind, raw[:9]))
	var acc, bits uint
	for _, b := range raw {
		acc, bits = acc<<8|uint(b), bits+8
		for bits >= 5 {
			bits -= 5
			dst = append(dst, alphabet[acc>>bits&31])
		}
	}
	return append(dst, alphabet[acc<<(5-bits)&31])
}

// Read returns what the identifier b of kind carries; ok is false if it is
// not one that a Maker with this key wrote.
func (mk Maker) Read(kind Kind, b []byte) (id ID, ok bool) {
	if kind == Branch {
		if len(b) < len(Cookie) || string(b[:len(Cookie)]) != Cookie {
			return ID{}, false
		}
		b = b[len(Cookie):]
	}
	if len(b) != Size {
		return ID{}, false
	}
	var raw [bytesRaw]byte
	var acc, bits uint
	n := 0
	for _, c := range b {
		v := values[c]
		if v < 0 {
			return ID{}, false
		}
		acc, bits = acc<<5|uint(v), bits+5
		if bits >= 8 {
			bits -= 8
			raw[n] = byte(acc >> bits)
			n++
		}
	}
	if acc&(1<<bits-1) != 0 || binary.BigEndian.Uint32(raw[9:]) != mk.sum(kind, raw[:9]) {
		return ID{}, false
	}
	return ID{Shard: raw[0], Serial: binary.BigEndian.Uint64(raw[1:])}, true
}

// Like reports whether b is written like an identifier, whoever wrote it: a
// token that does not read is a guess.
func Like(b []byte) bool {
	if len(b) != Size {
		return false
	}
	for _, c := range b {
		if values[c] < 0 {
			return false
		}
	}
	return true
}

func (mk Maker) sum(kind Kind, raw []byte) uint32 {
	return uint32(siphash.Hash(mk.k0^uint64(kind), mk.k1, raw))
}

// Short returns the id of a call as people type it: six letters and digits.
func Short(serial uint64) string {
	var b [6]byte
	for i := range b {
		b[i] = alphabet[serial&31]
		serial >>= 5
	}
	return string(b[:])
}
