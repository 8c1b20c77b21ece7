package topology

import "encoding/binary"

// What an octet may be part of.
const (
	word    = 1 << iota // of a host name, a number or a token: letters, digits, "-", "_", "."
	digit               // a decimal digit
	hexa                // a hexadecimal digit
	joint               // "-", "_", ".": holds groups together
	special             // ":", "%" and "&": begin what needs a closer look
	extends             // makes a token longer, though it is no word octet
	visible             // part of a URI in which octets may be escaped
)

var class = func() (t [256]uint8) {
	for c := '0'; c <= '9'; c++ {
		t[c] = word | digit | hexa
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = word, word
	}
	for c := 'a'; c <= 'f'; c++ {
		t[c], t[c-'a'+'A'] = word|hexa, word|hexa
	}
	for _, c := range "-_." {
		t[c] = word | joint
	}
	for _, c := range ":%&" {
		t[c] |= special
	}
	// Of the octets that a token may hold beside the word octets (RFC 3261
	// section 25.1), those that do not stand around one in text.
	for _, c := range "+~!*" {
		t[c] |= extends
	}
	for c := '!'; c <= '~'; c++ {
		if c != '"' && c != '<' && c != '>' && c != '\\' {
			t[c] |= visible
		}
	}
	return t
}()

var fold = func() (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] = byte(c - 'A' + 'a')
	}
	return t
}()

// hash hashes b without regard to case: its length and its ends are enough
// to tell identifiers apart.
func hash(k kind, b []byte) uint32 {
	var head, tail uint64
	switch n := len(b); {
	case n >= 8:
		head, tail = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		head, tail = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[n-4:]))
	default:
		for _, c := range b {
			head = head<<8 | uint64(c)
		}
	}
	const lowerCase = 0x2020202020202020 // makes letters lower case and leaves digits
	head = (head | lowerCase) ^ uint64(len(b))<<56 ^ uint64(k)<<48
	head *= 0x9e3779b97f4a7c15
	tail = (tail | lowerCase) * 0xc2b2ae3d27d4eb4f
	head ^= tail ^ tail>>29
	return uint32(head >> 32)
}
