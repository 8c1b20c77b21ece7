package nat

import (
	"encoding/binary"
	"net/netip"
)

// AppendBindingRequest appends the request for what our address looks like
// from the outside (RFC 8489 section 3).
func AppendBindingRequest(dst []byte, id Transaction) []byte {
	return appendHeader(dst, stunType(MethodBinding, ClassRequest), id)
}

// AppendBindingResponse appends the answer to request, which came from src and
// is one that Check with the rules BindingServer found fine: where it came
// from, or 420 if it wants something that nobody here understands (RFC 8489
// sections 6.3.1 and 6.3.1.1). Nothing is appended where the message wants no
// answer, as indications do not. dst must not overlap request.
//
// The answer is less than three times as long as the request, so a forged
// source gains little by it.
func AppendBindingResponse(dst []byte, request STUN, src netip.AddrPort) []byte {
	if !IsSTUN(request) || request.Method() != MethodBinding || request.Class() != ClassRequest || !src.IsValid() {
		return dst
	}
	start := len(dst)
	if n := request.unknown(); n > 0 {
		dst = appendHeader(dst, stunType(MethodBinding, ClassError), request.Transaction())
		dst = appendUnknown(dst, request, n)
	} else {
		dst = appendHeader(dst, stunType(MethodBinding, ClassSuccess), request.Transaction())
		dst = appendXORAddress(dst, request, AttrXORMappedAddress, src)
	}
	_, marked := request.Find(AttrFingerprint)
	return finish(dst, start, marked)
}

// Answers reports whether m, which Check with the rules BindingClient found
// fine, answers the request with that ID.
func (m STUN) Answers(id Transaction) bool {
	return m.Class() >= ClassSuccess && m.Transaction() == id
}

// understood reports whether a request may carry a: what RFC 8489 defines.
// Credentials are not asked for, and not looked at.
func (a Attr) understood() bool {
	switch a {
	case AttrMappedAddress, AttrUsername, AttrMessageIntegrity, AttrErrorCode, AttrUnknownAttributes,
		AttrRealm, AttrNonce, AttrIntegritySHA256, AttrPasswordAlgorithm, AttrUserhash, AttrXORMappedAddress:
		return true
	}
	return !a.Required()
}

// unknown counts the attributes that would have to be understood and are not.
func (m STUN) unknown() (n int) {
	for at := stunHeader; ; {
		a, _, next, ok := m.attribute(at)
		if !ok {
			return n
		}
		if !a.understood() {
			n++
		}
		at = next
	}
}

// appendUnknown appends ERROR-CODE 420 and the list of the n attributes that
// nobody here understands (RFC 8489 sections 14.8 and 14.9).
func appendUnknown(dst []byte, request STUN, n int) []byte {
	const reason = "Unknown Attribute" + "\x00\x00\x00" // 17 octets and what pads them
	dst = appendAttr(dst, AttrErrorCode, 4+17)
	dst = append(dst, 0, 0, 4, 20)
	dst = append(dst, reason...)
	dst = appendAttr(dst, AttrUnknownAttributes, 2*n)
	for at := stunHeader; ; {
		a, _, next, ok := request.attribute(at)
		if !ok {
			break
		}
		if !a.understood() {
			dst = binary.BigEndian.AppendUint16(dst, uint16(a))
		}
		at = next
	}
	if n%2 != 0 {
		dst = append(dst, 0, 0)
	}
	return dst
}

// appendHeader appends a header without attributes.
func appendHeader(dst []byte, typ uint16, id Transaction) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(typ)<<16)
	dst = binary.BigEndian.AppendUint32(dst, stunCookie)
	return append(dst, id[:]...)
}

// appendAttr appends the header of an attribute whose value has n octets.
func appendAttr(dst []byte, a Attr, n int) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(a)<<16|uint32(n))
}

// appendXORAddress appends addr as RFC 8489 section 14.2 says. request has the
// transaction ID of the message that it goes into.
func appendXORAddress(dst []byte, request STUN, a Attr, addr netip.AddrPort) []byte {
	ip := addr.Addr().Unmap()
	port := addr.Port() ^ stunCookie>>16
	if ip.Is4() {
		v := ip.As4()
		dst = appendAttr(dst, a, 8)
		dst = append(dst, 0, 1, byte(port>>8), byte(port))
		return binary.BigEndian.AppendUint32(dst, binary.BigEndian.Uint32(v[:])^stunCookie)
	}
	v := ip.As16()
	for i := range v {
		v[i] ^= request[4+i] // the cookie, then the transaction ID
	}
	dst = appendAttr(dst, a, 20)
	dst = append(dst, 0, 2, byte(port>>8), byte(port))
	return append(dst, v[:]...)
}

// finish writes the length into the message that begins at start, and appends
// FINGERPRINT if it is to have one.
func finish(dst []byte, start int, marked bool) []byte {
	length := len(dst) - start - stunHeader
	if marked {
		length += stunAttrHeader + 4
	}
	binary.BigEndian.PutUint16(dst[start+2:], uint16(length))
	if marked {
		sum := STUN(dst[start:]).fingerprint()
		dst = binary.BigEndian.AppendUint32(appendAttr(dst, AttrFingerprint, 4), sum)
	}
	return dst
}
