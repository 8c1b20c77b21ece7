package sip

import "encoding/binary"

// A nameKey recognises one field name with its colon without looking at its
// octets one by one: in words, with the octet 0x20 set in each. That makes
// letters lower case and leaves "-" and ":" alone; the only other octets that
// would become one of those are controls.
type nameKey struct {
	first, mask uint64 // the first 8 octets, fewer padded by 0, and which they are
	last        uint64 // the last 8, where there are more than 8
	text        string // with its colon
	id          FieldID
}

const longestName = len("P-Charging-Function-Addresses")

// nameKeys has the known names by their first letter, those that every
// message has first.
var nameKeys [32][]nameKey

func init() {
	enter := func(name string, id FieldID) {
		k := nameKey{text: name + ":", id: id}
		k.first, k.mask = nameWord(k.text)
		if n := len(k.text); n > 8 {
			k.last, _ = nameWord(k.text[n-8:])
		}
		nameKeys[k.first&31] = append(nameKeys[k.first&31], k)
	}
	for id := FieldUnknown + 1; id < fieldIDs; id++ {
		enter(fieldNames[id].long, id)
	}
	for id := FieldUnknown + 1; id < fieldIDs; id++ {
		if c := fieldNames[id].compact; c != "" {
			enter(c, id)
		}
	}
}

// nameWord returns the first 8 octets of text, fewer padded by 0, and a mask
// of those.
func nameWord(text string) (word, mask uint64) {
	for i := range min(8, len(text)) {
		word |= uint64(text[i]|' ') << (8 * i)
		mask |= 0xff << (8 * i)
	}
	return word, mask
}

// knownName tells which field begins at b[i:], if the name is known and the
// colon follows at once, and where the colon is. Anything else is for oddName
// to judge. No octet before the end of the line may be below space.
func knownName(b []byte, i int) (id FieldID, colon int) {
	if i+longestName+1 > len(b) {
		return FieldUnknown, 0
	}
	w := binary.LittleEndian.Uint64(b[i:]) | spaces
	keys := nameKeys[w&31]
	for j := range keys {
		if k := &keys[j]; w&k.mask == k.first {
			if n := len(k.text); n <= 8 || k.longer(b[i:i+n]) {
				return k.id, i + n - 1
			}
		}
	}
	return FieldUnknown, 0
}

// longer compares a name of more than 8 octets whose first are right.
func (k *nameKey) longer(name []byte) bool {
	n := len(name)
	return binary.LittleEndian.Uint64(name[n-8:])|spaces == k.last && (n <= 16 || equalFold(name[8:n-8], k.text[8:n-8]))
}

// nameID returns the ID of a field name, long or compact, in any case.
func nameID(name []byte) FieldID {
	if len(name) == 0 {
		return FieldUnknown
	}
	keys := nameKeys[(name[0]|' ')&31]
	for j := range keys {
		if k := &keys[j]; equalFold(name, k.text[:len(k.text)-1]) {
			return k.id
		}
	}
	return FieldUnknown
}
