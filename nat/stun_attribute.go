package nat

import "encoding/binary"

// An Attr is the type of an attribute. Those below 0x8000 must be understood
// by who gets them (RFC 8489 section 14).
type Attr uint16

// The attributes of RFC 8489 section 18.3, RFC 8656 section 18, RFC 8445
// section 16.1, RFC 5780 section 7 and RFC 6062 section 6.2.
const (
	AttrMappedAddress       Attr = 0x0001
	AttrResponseAddress     Attr = 0x0002 // of RFC 3489, as the next five
	AttrChangeRequest       Attr = 0x0003
	AttrSourceAddress       Attr = 0x0004
	AttrChangedAddress      Attr = 0x0005
	AttrUsername            Attr = 0x0006
	AttrMessageIntegrity    Attr = 0x0008
	AttrErrorCode           Attr = 0x0009
	AttrUnknownAttributes   Attr = 0x000A
	AttrReflectedFrom       Attr = 0x000B
	AttrChannelNumber       Attr = 0x000C
	AttrLifetime            Attr = 0x000D
	AttrXORPeerAddress      Attr = 0x0012
	AttrData                Attr = 0x0013
	AttrRealm               Attr = 0x0014
	AttrNonce               Attr = 0x0015
	AttrXORRelayedAddress   Attr = 0x0016
	AttrRequestedFamily     Attr = 0x0017
	AttrEvenPort            Attr = 0x0018
	AttrRequestedTransport  Attr = 0x0019
	AttrDontFragment        Attr = 0x001A
	AttrIntegritySHA256     Attr = 0x001C
	AttrPasswordAlgorithm   Attr = 0x001D
	AttrUserhash            Attr = 0x001E
	AttrXORMappedAddress    Attr = 0x0020
	AttrReservationToken    Attr = 0x0022
	AttrPriority            Attr = 0x0024
	AttrUseCandidate        Attr = 0x0025
	AttrPadding             Attr = 0x0026
	AttrResponsePort        Attr = 0x0027
	AttrConnectionID        Attr = 0x002A
	AttrAdditionalFamily    Attr = 0x8000
	AttrAddressErrorCode    Attr = 0x8001
	AttrPasswordAlgorithms  Attr = 0x8002
	AttrAlternateDomain     Attr = 0x8003
	AttrICMP                Attr = 0x8004
	AttrXORMappedAddressOld Attr = 0x8020 // of drafts; libraries still read it
	AttrSoftware            Attr = 0x8022
	AttrAlternateServer     Attr = 0x8023
	AttrCacheTimeout        Attr = 0x8027
	AttrFingerprint         Attr = 0x8028
	AttrICEControlled       Attr = 0x8029
	AttrICEControlling      Attr = 0x802A
	AttrResponseOrigin      Attr = 0x802B
	AttrOtherAddress        Attr = 0x802C
)

// Required reports whether who gets the attribute must understand it.
func (a Attr) Required() bool { return a < 0x8000 }

// A stunBound says how long the value of an attribute is, in octets.
type stunBound struct {
	min, max uint16
	step     uint16 // what the length is a multiple of; 0: of anything
	address  bool   // an address: 8 with IPv4, 20 with IPv6
	known    bool
}

// stunBounds has the bounds of the types 0x0000 to 0x003F, then of those from
// 0x8000 to 0x803F.
var stunBounds = func() (t [128]stunBound) {
	set := func(b stunBound, attrs ...Attr) {
		b.known = true
		for _, a := range attrs {
			t[stunIndex(a)] = b
		}
	}
	exactly := func(n uint16, attrs ...Attr) { set(stunBound{min: n, max: n}, attrs...) }

	// RFC 8489 section 14.1: no other lengths.
	set(stunBound{min: 8, max: 20, address: true},
		AttrMappedAddress, AttrResponseAddress, AttrSourceAddress, AttrChangedAddress, AttrReflectedFrom,
		AttrXORPeerAddress, AttrXORRelayedAddress, AttrXORMappedAddress, AttrXORMappedAddressOld,
		AttrAlternateServer, AttrResponseOrigin, AttrOtherAddress)
	exactly(0, AttrDontFragment, AttrUseCandidate)
	exactly(1, AttrEvenPort)
	exactly(4, AttrChangeRequest, AttrChannelNumber, AttrLifetime, AttrRequestedFamily, AttrRequestedTransport,
		AttrPriority, AttrConnectionID, AttrAdditionalFamily, AttrCacheTimeout, AttrFingerprint)
	exactly(8, AttrReservationToken, AttrICMP, AttrICEControlled, AttrICEControlling)
	exactly(20, AttrMessageIntegrity)
	exactly(32, AttrUserhash)
	set(stunBound{min: 16, max: 32, step: 4}, AttrIntegritySHA256) // RFC 8489 section 14.6
	set(stunBound{min: 2, max: 4, step: 2}, AttrResponsePort)      // RFC 5780 section 7.5: with or without what pads it
	set(stunBound{min: 4, max: 4 + 763}, AttrErrorCode, AttrAddressErrorCode)
	set(stunBound{max: 512}, AttrUsername) // RFC 5389 section 15.3; RFC 8489 has 508
	set(stunBound{max: 763}, AttrRealm, AttrNonce, AttrSoftware)
	set(stunBound{max: 255}, AttrAlternateDomain)
	set(stunBound{min: 4, max: 128}, AttrPasswordAlgorithm, AttrPasswordAlgorithms)
	set(stunBound{max: 128, step: 2}, AttrUnknownAttributes)
	set(stunBound{max: 0xFFFF}, AttrData, AttrPadding)
	return t
}()

// stunIndex returns where a stands in stunBounds, -1 for what does not.
func stunIndex(a Attr) int {
	switch {
	case a < 0x40:
		return int(a)
	case a >= 0x8000 && a < 0x8040:
		return int(a-0x8000) + 0x40
	}
	return -1
}

// fits reports whether v can be the value of an attribute of type a. Of types
// that nobody here knows anything can.
func (a Attr) fits(v []byte) bool {
	i := stunIndex(a)
	if i < 0 || !stunBounds[i].known {
		return true
	}
	b := &stunBounds[i]
	switch n := len(v); {
	case b.address:
		return stunAddressFits(v)
	case b.step != 0 && n%int(b.step) != 0:
		return false
	default:
		return n >= int(b.min) && n <= int(b.max)
	}
}

// stunAddressFits reports whether v is 0, a family, a port and an address of
// that family. RFC 8489 section 14.1 lets a receiver ignore the first octet; we
// do not, because there are libraries that read it as a part of the family.
func stunAddressFits(v []byte) bool {
	const ipv4, ipv6 = 0x01, 0x02
	switch len(v) {
	case 8:
		return v[0] == 0 && v[1] == ipv4
	case 20:
		return v[0] == 0 && v[1] == ipv6
	}
	return false
}

// attribute reads the attribute at offset at, which is that of an attribute or
// the end. next is the offset behind it and what pads it. ok is false at the
// end, and where the attribute does not fit into m.
func (m STUN) attribute(at int) (a Attr, v []byte, next int, ok bool) {
	if len(m)-at < stunAttrHeader {
		return 0, nil, at, false
	}
	n := int(binary.BigEndian.Uint16(m[at+2:]))
	next = at + stunAttrHeader + (n+3)&^3
	if next > len(m) {
		return 0, nil, at, false
	}
	return Attr(binary.BigEndian.Uint16(m[at:])), m[at+stunAttrHeader : at+stunAttrHeader+n], next, true
}

// Find returns the value of the first attribute of type a: a receiver ignores
// all further ones (RFC 8489 section 14). It is a view into m.
func (m STUN) Find(a Attr) (value []byte, ok bool) {
	for at := stunHeader; ; {
		t, v, next, ok := m.attribute(at)
		if !ok {
			return nil, false
		}
		if t == a {
			return v, true
		}
		at = next
	}
}

// Attributes yields the attributes in their order.
func (m STUN) Attributes(yield func(Attr, []byte) bool) {
	for at := stunHeader; ; {
		a, v, next, ok := m.attribute(at)
		if !ok || !yield(a, v) {
			return
		}
		at = next
	}
}

// ErrorCode returns the status of an error response, 300 to 699, and its
// reason phrase, a view (RFC 8489 section 14.8).
func (m STUN) ErrorCode() (code int, reason []byte, ok bool) {
	v, ok := m.Find(AttrErrorCode)
	if !ok || len(v) < 4 {
		return 0, nil, false
	}
	class, number := int(v[2]&7), int(v[3])
	if class < 3 || class > 6 || number > 99 {
		return 0, nil, false
	}
	return class*100 + number, v[4:], true
}
