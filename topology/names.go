package topology

import "sbc/signaling/sip"

// lastField is the last field that package sip knows.
const lastField = sip.FieldMIMEVersion

// fieldIDs finds a field by its name in lower case, long or compact
// (RFC 3261 section 7.3.3).
var fieldIDs = func() map[string]sip.FieldID {
	ids := map[string]sip.FieldID{
		"v": sip.FieldVia, "f": sip.FieldFrom, "t": sip.FieldTo, "i": sip.FieldCallID, "m": sip.FieldContact,
		"l": sip.FieldContentLength, "c": sip.FieldContentType, "e": sip.FieldContentEncoding,
		"k": sip.FieldSupported, "u": sip.FieldAllowEvents, "r": sip.FieldReferTo, "b": sip.FieldReferredBy,
		"x": sip.FieldSessionExpires, "s": sip.FieldSubject, "o": sip.FieldEvent, "y": sip.FieldIdentity,
	}
	for id := sip.FieldUnknown + 1; id <= lastField; id++ {
		name := []byte(id.String())
		lower(name)
		ids[string(name)] = id
	}
	return ids
}()

// longestName bounds the names that are looked up. Ours: the longest in the
// registry of SIP parameters has 35 octets.
const longestName = 64

// named returns the field of a name, and what is done to it without a rule.
func named(name []byte) (sip.FieldID, fieldRow) {
	var b [longestName]byte
	key := foldInto(b[:0], name)
	if id, ok := fieldIDs[string(key)]; ok {
		return id, fieldRows[id]
	}
	return sip.FieldUnknown, strangeRows[string(key)]
}

// fieldName names a field for a report, where the number of names is bounded.
func fieldName(name []byte) string {
	if id, _ := named(name); id != sip.FieldUnknown {
		return id.String()
	}
	return "other"
}

// hiddenAsField reports whether a field of that name would not pass as it is.
func hiddenAsField(name []byte) bool {
	_, row := named(name)
	return row.do != passes && row.do != event && row.do != challenge
}

// foldInto appends name in lower case to dst, or nothing if there is no room.
func foldInto(dst, name []byte) []byte {
	if len(name) > cap(dst) {
		return dst
	}
	for _, c := range name {
		dst = append(dst, fold[c])
	}
	return dst
}
