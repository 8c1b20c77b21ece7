package ua

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
)

// A Hit is a place where something of a canary was found.
type Hit struct {
	At   int    // offset
	Len  int    // octets
	Form string // "word", "dotted", "hexadecimal", "dashed", "binary"
	What string // the word or the address
}

// A form is a way to write an address.
type form struct {
	name    string
	write   func(netip.Addr) []byte
	numbers bool // it begins and ends with a decimal number, which must not go on
}

var forms = [...]form{
	{"dotted", func(a netip.Addr) []byte { return []byte(a.String()) }, true},
	{"dashed", func(a netip.Addr) []byte { return []byte(strings.ReplaceAll(a.String(), ".", "-")) }, true},
	{"hexadecimal", func(a netip.Addr) []byte { return []byte(hexOf(a)) }, false},
	{"binary", func(a netip.Addr) []byte { return a.AsSlice() }, false},
}

// Find returns every place of b that holds the word, the inner address or one
// of the own addresses, in any of their forms.
func (c Canary) Find(b []byte) []Hit {
	var hits []Hit
	lower := bytes.ToLower(b)
	if c.Word != "" {
		hits = search(hits, lower, []byte(c.Word), Hit{Form: "word", What: c.Word}, false)
	}
	if c.Inner.IsValid() {
		hits = findAddr(hits, b, lower, c.Inner)
	}
	for _, addr := range c.Own {
		hits = findAddr(hits, b, lower, addr)
	}
	return hits
}

func findAddr(hits []Hit, b, lower []byte, addr netip.Addr) []Hit {
	for _, f := range forms {
		in := lower
		if f.name == "binary" {
			in = b // an octet of an address may be a letter
		}
		hits = search(hits, in, f.write(addr), Hit{Form: f.name, What: addr.String()}, f.numbers)
	}
	return hits
}

// search appends a copy of h for every place of b that holds what.
func search(hits []Hit, b, what []byte, h Hit, numbers bool) []Hit {
	h.Len = len(what)
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], what)
		if i < 0 {
			return hits
		}
		at += i
		if numbers && (at > 0 && isDigit(b[at-1]) || at+len(what) < len(b) && isDigit(b[at+len(what)])) {
			continue // a longer number: 10.1.2.3 in 10.1.2.30
		}
		h.At = at
		hits = append(hits, h)
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// hexOf writes an address as hexadecimal digits without separators.
func hexOf(a netip.Addr) string { return hex.EncodeToString(a.AsSlice()) }
