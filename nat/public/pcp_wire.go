package public

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// PCP on the wire (RFC 6887 sections 7 and 11.1). A response:
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  version = 2  |1|   opcode    |   reserved    |  result code  |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                      lifetime, seconds                        |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                     epoch time, seconds                       |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                     reserved, 96 bits                         |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   MAP: nonce, 96 bits; protocol, 8; reserved, 24; internal    |
//	|   port, 16; assigned external port, 16 and address, 128       |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// In a request the client's address takes the place of epoch and reserved.
const (
	pcpVersion = 2
	pcpPort    = 5351 // of the server, as of NAT-PMP (RFC 6887 section 19)
	pcpHeader  = 24
	pcpMap     = 36   // octets of the MAP opcode
	pcpMax     = 1100 // octets of a message (RFC 6887 section 7)

	opAnnounce = 0
	opMap      = 1
	opResponse = 0x80

	optionPreferFailure = 2
)

// A nonce ties a mapping to who made it (RFC 6887 section 11.1).
type nonce [12]byte

// A mapRequest asks for a mapping, renews it, or with lifetime 0 gives it
// back.
type mapRequest struct {
	client   netip.Addr
	lifetime time.Duration
	nonce    nonce
	port     port
	external netip.AddrPort // suggested; the zero value: any
}

// appendPCP appends a request's common header.
func appendPCP(dst []byte, op byte, lifetime time.Duration, client netip.Addr) []byte {
	dst = append(dst, pcpVersion, op, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(lifetime/time.Second))
	return append16(dst, client)
}

// append16 appends an address in 128 bits, IPv4 as IPv4-mapped (RFC 6887
// section 5).
func append16(dst []byte, a netip.Addr) []byte {
	b := a.As16()
	return append(dst, b[:]...)
}

func (r *mapRequest) append(dst []byte) []byte {
	dst = appendPCP(dst, opMap, r.lifetime, r.client)
	dst = append(dst, r.nonce[:]...)
	dst = append(dst, r.port.Transport.number(), 0, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, r.port.Port.Port)
	dst = binary.BigEndian.AppendUint16(dst, r.external.Port())
	suggested := r.external.Addr()
	if !suggested.IsValid() && r.client.Is4() {
		suggested = netip.IPv4Unspecified()
	} else if !suggested.IsValid() {
		suggested = netip.IPv6Unspecified()
	}
	dst = append16(dst, suggested)
	// "PREFER_FAILURE ... MUST NOT appear" where nothing is suggested or in
	// a removal (RFC 6887 section 13.2).
	if r.port.same && r.lifetime > 0 {
		dst = append(dst, optionPreferFailure, 0, 0, 0)
	}
	return dst
}

// answers reports whether a response is about this very request (RFC 6887
// section 11.4): the nonce, the protocol and the internal port.
func (r *mapRequest) answers(a *pcpResponse) bool {
	return a.op == opMap && a.hasMap && a.nonce == r.nonce && a.protocol == r.port.Transport.number() && a.internal == r.port.Port.Port
}

// A pcpResponse is a response that keeps the format.
type pcpResponse struct {
	op       byte
	result   result
	lifetime time.Duration // of the mapping, or how long the error lasts
	epoch    uint32        // seconds since the server began or lost its state

	hasMap   bool // the rest is there
	nonce    nonce
	protocol byte
	internal uint16
	external netip.AddrPort
}

// What is wrong with a datagram that is no response.
var (
	errPCPShort    = errors.New("shorter than its header")
	errPCPLong     = errors.New("longer than 1100 octets")
	errPCPMultiple = errors.New("not a multiple of 4 octets")
	errPCPRequest  = errors.New("not a response")
	errPCPVersion  = errors.New("the server does not speak PCP version 2")
)

// parsePCP reads a response (RFC 6887 sections 8.3 and 11.4). errPCPVersion:
// it is one of another version, NAT-PMP's or PCP's.
func parsePCP(b []byte) (r pcpResponse, err error) {
	switch {
	case len(b) >= 4 && b[1]&opResponse != 0 && b[0] != pcpVersion:
		return r, errPCPVersion
	case len(b) < pcpHeader:
		return r, errPCPShort
	case len(b) > pcpMax:
		return r, errPCPLong
	case len(b)%4 != 0:
		return r, errPCPMultiple
	case b[1]&opResponse == 0:
		return r, errPCPRequest
	}
	r.op = b[1] &^ opResponse
	r.result = result(b[3])
	r.lifetime = time.Duration(binary.BigEndian.Uint32(b[4:])) * time.Second
	r.epoch = binary.BigEndian.Uint32(b[8:])
	if r.op == opMap && len(b) >= pcpHeader+pcpMap {
		r.readMap(b[pcpHeader:])
	}
	return r, nil
}

func (r *pcpResponse) readMap(b []byte) {
	r.hasMap = true
	r.nonce = nonce(b[:12])
	r.protocol = b[12]
	r.internal = binary.BigEndian.Uint16(b[16:])
	addr := netip.AddrFrom16([16]byte(b[20:36])).Unmap()
	r.external = netip.AddrPortFrom(addr, binary.BigEndian.Uint16(b[18:]))
}

// A result is a result code (RFC 6887 section 7.4).
type result byte

// The result codes that we act upon.
const (
	resultSuccess       result = 0
	resultVersion       result = 1
	resultNotAuthorized result = 2
	resultOption        result = 5
	resultExternal      result = 11
)

var resultWords = []string{
	"success",
	"it does not speak this version (UNSUPP_VERSION)",
	"mapping is not allowed (NOT_AUTHORIZED): allow it in the router",
	"it could not read the request (MALFORMED_REQUEST)",
	"it does not know the operation (UNSUPP_OPCODE)",
	"it does not know an option (UNSUPP_OPTION)",
	"it could not read an option (MALFORMED_OPTION)",
	"it has no connection or no public address itself (NETWORK_FAILURE)",
	"it has no room left, or no public address itself (NO_RESOURCES)",
	"it cannot map this protocol (UNSUPP_PROTOCOL)",
	"we have as many mappings as one may have (USER_EX_QUOTA)",
	"it cannot give this external port (CANNOT_PROVIDE_EXTERNAL)",
	"another NAT stands between it and us (ADDRESS_MISMATCH)",
	"too many remote peers (EXCESSIVE_REMOTE_PEERS)",
}

// Error says the result in words for the operator.
func (r result) Error() string {
	if int(r) < len(resultWords) {
		return resultWords[r]
	}
	return fmt.Sprintf("it says result code %d", byte(r))
}
