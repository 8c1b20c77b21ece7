package nat

import (
	"encoding/binary"
	"hash/crc32"
)

// A STUNCause says why a datagram or a frame is refused.
type STUNCause uint8

// The causes. STUNFine is none.
const (
	STUNFine           STUNCause = iota
	STUNForeign                  // it does not begin like STUN: first bits, cookie, too short for a header
	STUNSize                     // longer than the rules allow
	STUNLength                   // its length is not a multiple of 4, or not that of the datagram
	STUNNotAllowed               // a method or class that the rules do not allow, or channels
	STUNOverrun                  // an attribute that reaches over the end
	STUNMany                     // more attributes than the rules allow
	STUNAttribute                // the value of an attribute has a length that its type cannot have
	STUNAddress                  // an address attribute that is not 8 octets of IPv4 or 20 of IPv6
	STUNOrder                    // something behind the integrity or behind FINGERPRINT that may not be there
	STUNFingerprint              // FINGERPRINT is wrong
	STUNChannelOverrun           // ChannelData whose length is not that of the datagram
	stunCauses
)

var stunCauseNames = [stunCauses]string{
	"", "foreign", "size", "length", "not_allowed", "overrun", "many", "attribute",
	"address", "order", "fingerprint", "channel_overrun",
}

// String returns the fine reason in a word; empty for STUNFine.
func (c STUNCause) String() string {
	if c < stunCauses {
		return stunCauseNames[c]
	}
	return "unknown"
}

// Label returns the cause for counters: "stun_malformed", "stun_not_allowed"
// for what is well made but not wanted, "" for STUNFine.
func (c STUNCause) Label() string {
	switch c {
	case STUNFine:
		return ""
	case STUNNotAllowed:
		return "stun_not_allowed"
	}
	return "stun_malformed"
}

// STUNMethods is a set of methods.
type STUNMethods uint16

// Methods returns the set of methods, which are below 0x010.
func Methods(methods ...STUNMethod) (s STUNMethods) {
	for _, m := range methods {
		s |= 1 << m
	}
	return s
}

// Has reports whether m is in s.
func (s STUNMethods) Has(m STUNMethod) bool { return m < 16 && s>>m&1 != 0 }

// STUNRules are what one socket takes.
type STUNRules struct {
	Requests, Indications, Responses STUNMethods

	Channels      bool // ChannelData too (RFC 8656 section 12.4)
	BytesMax      int  // of a message, with its header
	AttributesMax int
}

// Ours: the bounds of all rules below.
const (
	stunBytesMax      = 1500 // an Ethernet frame; nothing that is relayed may be fragmented
	stunAttributesMax = 32   // an Allocate of coturn has 11; the rest is for permissions, one attribute a peer
)

// The rules of those who use STUN here.
var (
	// BindingServer takes requests for our word on where they came from, and
	// the indications that keep a NAT's mapping (RFC 8489 section 2, RFC 5626
	// section 3.5.2).
	BindingServer = STUNRules{
		Requests: Methods(MethodBinding), Indications: Methods(MethodBinding),
		BytesMax: 548, AttributesMax: 16, // RFC 8489 section 6.1: 576 with IP and UDP
	}
	// BindingClient takes the answers to those.
	BindingClient = STUNRules{
		Responses: Methods(MethodBinding),
		BytesMax:  stunBytesMax, AttributesMax: stunAttributesMax,
	}
	// TURNServer takes what the client of a TURN server for UDP may send
	// (RFC 8656 section 17): of the indications Send and Binding, no responses.
	TURNServer = STUNRules{
		Requests: Methods(MethodBinding, MethodAllocate, MethodRefresh,
			MethodCreatePermission, MethodChannelBind),
		Indications: Methods(MethodBinding, MethodSend),
		Channels:    true, BytesMax: stunBytesMax, AttributesMax: stunAttributesMax,
	}
)

// Allows reports whether the rules allow a method in a class.
func (r *STUNRules) Allows(m STUNMethod, c STUNClass) bool {
	switch c {
	case ClassRequest:
		return r.Requests.Has(m)
	case ClassIndication:
		return r.Indications.Has(m)
	}
	return r.Responses.Has(m)
}

// Check reads every octet of m that steers a reader, and says what is wrong
// with it: STUNFine is a message that two readers read alike. It does not
// verify the integrity, for which it would need a key.
func (m STUN) Check(r *STUNRules) STUNCause {
	switch {
	case !IsSTUN(m):
		return STUNForeign
	case len(m) > r.BytesMax:
		return STUNSize
	case len(m)%4 != 0 || int(binary.BigEndian.Uint16(m[2:])) != len(m)-stunHeader:
		return STUNLength
	case !r.Allows(m.Method(), m.Class()):
		return STUNNotAllowed
	}
	return m.checkAttributes(r.AttributesMax)
}

// checkAttributes walks over all attributes.
func (m STUN) checkAttributes(most int) STUNCause {
	order := 0
	for at := stunHeader; at < len(m); most-- {
		a, v, next, ok := m.attribute(at)
		switch {
		case !ok:
			return STUNOverrun
		case most <= 0:
			return STUNMany
		case !a.fits(v):
			if i := stunIndex(a); stunBounds[i].address {
				return STUNAddress
			}
			return STUNAttribute
		}
		stage := a.stage()
		if stage < order || stage == order && order > 0 {
			return STUNOrder
		}
		order = stage
		if a == AttrFingerprint && binary.BigEndian.Uint32(v) != m[:at].fingerprint() {
			return STUNFingerprint
		}
		at = next
	}
	return STUNFine
}

// stage orders the attributes at the end of a message: what stands behind the
// integrity is not protected by it, so RFC 8489 sections 14.5 to 14.7 let
// nothing stand there but the other integrity and FINGERPRINT. A receiver has
// to ignore the rest, but not all do: such a message is refused.
func (a Attr) stage() int {
	switch a {
	case AttrMessageIntegrity:
		return 1
	case AttrIntegritySHA256:
		return 2
	case AttrFingerprint:
		return 3
	}
	return 0
}

// fingerprint returns the value of the FINGERPRINT that follows m (RFC 8489
// section 14.7).
func (m STUN) fingerprint() uint32 { return crc32.ChecksumIEEE(m) ^ 0x5354554E }
