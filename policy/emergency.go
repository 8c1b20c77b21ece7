package policy

import (
	"slices"

	"sbc/signaling/sip"
)

// Emergency reports whether a call of a realm to a user is one for help: a number
// that the realm names, or a URN of RFC 5031, "urn:service:sos" and below. uri is
// the whole Request-URI.
func (r *Rules) Emergency(realm int, uri, user []byte) bool {
	if sip.IsSOS(uri) {
		return true
	}
	if realm < 0 || realm >= len(r.o.Realms) {
		return false
	}
	return slices.Contains(r.o.Realms[realm].Emergency, string(unescape(user)))
}
