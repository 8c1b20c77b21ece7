package ua

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// STUN, RFC 8489, as far as RFC 5626 section 3.5.2 needs it: a Binding request
// without attributes, and its response with the address that the request came
// from.
const (
	stunHeader       = 20
	stunCookie       = 0x2112a442
	stunRequest      = 0x0001
	stunSuccess      = 0x0101
	xorMappedAddress = 0x0020
)

// isSTUN reports whether a datagram is no SIP but STUN: RFC 8489 section 5.
func isSTUN(b []byte) bool {
	return len(b) >= stunHeader && b[0] < 4 && binary.BigEndian.Uint32(b[4:]) == stunCookie
}

func (a *Agent) bindingRequest() []byte {
	b := binary.BigEndian.AppendUint16(nil, stunRequest)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint32(b, stunCookie)
	return append(b, a.word(12)...)
}

// bindingResponse writes the response to a request that came from an address.
func bindingResponse(request []byte, from netip.AddrPort) []byte {
	key := request[4:stunHeader] // cookie and transaction
	addr := from.Addr().AsSlice()
	for i := range addr {
		addr[i] ^= key[i]
	}
	family := byte(1)
	if from.Addr().Is6() {
		family = 2
	}
	b := binary.BigEndian.AppendUint16(nil, stunSuccess)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(addr)))
	b = append(b, key...)
	b = binary.BigEndian.AppendUint16(b, xorMappedAddress)
	b = binary.BigEndian.AppendUint16(b, uint16(4+len(addr)))
	b = append(b, 0, family)
	b = binary.BigEndian.AppendUint16(b, from.Port()^stunCookie>>16)
	return append(b, addr...)
}

// mappedAddress reads a Binding response, strictly.
func mappedAddress(b []byte) (netip.AddrPort, error) {
	if n := int(binary.BigEndian.Uint16(b[2:])); n%4 != 0 || stunHeader+n != len(b) {
		return netip.AddrPort{}, fmt.Errorf("STUN: length %d in %d octets", n, len(b))
	}
	var mapped netip.AddrPort
	for rest := b[stunHeader:]; len(rest) > 0; {
		n := 0
		if len(rest) >= 4 {
			n = int(binary.BigEndian.Uint16(rest[2:]))
		}
		padded := 4 + (n+3)&^3
		if len(rest) < padded {
			return mapped, errors.New("STUN: an attribute is cut off")
		}
		if binary.BigEndian.Uint16(rest) == xorMappedAddress && !mapped.IsValid() {
			var err error
			if mapped, err = xorAddress(rest[4:4+n], b[4:stunHeader]); err != nil {
				return mapped, err
			}
		}
		rest = rest[padded:]
	}
	if !mapped.IsValid() {
		return mapped, errors.New("STUN: no XOR-MAPPED-ADDRESS")
	}
	return mapped, nil
}

// xorAddress reads XOR-MAPPED-ADDRESS, RFC 8489 section 14.2.
func xorAddress(v, key []byte) (netip.AddrPort, error) {
	if !(len(v) == 8 && v[1] == 1) && !(len(v) == 20 && v[1] == 2) {
		return netip.AddrPort{}, fmt.Errorf("STUN: XOR-MAPPED-ADDRESS % x", v)
	}
	addr := bytes.Clone(v[4:])
	for i := range addr {
		addr[i] ^= key[i]
	}
	ip, _ := netip.AddrFromSlice(addr)
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(v[2:])^stunCookie>>16), nil
}

// stun takes a STUN message.
func (a *Agent) stun(now time.Duration, from netip.AddrPort, b []byte, do []Effect) []Effect {
	kind := binary.BigEndian.Uint16(b)
	if kind == stunRequest {
		return a.send(from, bindingResponse(b, from), do)
	}
	if a.keep.ping == nil || !bytes.Equal(b[8:stunHeader], a.keep.ping[8:stunHeader]) {
		if now < a.reborn || a.keep.answered != nil && bytes.Equal(b[8:stunHeader], a.keep.answered[8:stunHeader]) {
			return do // of a request that was sent again, or before a reboot
		}
		return a.violation(now, 0, fmt.Sprintf("STUN %#04x that answers no request", kind), do)
	}
	if kind != stunSuccess {
		return a.violation(now, 0, fmt.Sprintf("STUN %#04x to a Binding request", kind), do)
	}
	mapped, err := mappedAddress(b)
	switch {
	case err != nil:
		return a.violation(now, 0, err.Error(), do)
	case from != a.o.Peer:
		return a.violation(now, 0, "STUN: answer from "+from.String(), do)
	case mapped.Addr().Is4() != a.o.Addr.Addr().Is4():
		return a.violation(now, 0, "STUN: address of another family: "+mapped.String(), do)
	}
	stop(a.keep.wait)
	a.keep.wait, a.keep.ping, a.keep.answered = nil, nil, a.keep.ping
	do = tell(Event{Is: KeptAlive, At: now, Text: mapped.String()}, do)
	return a.mapped(now, mapped, do)
}

// mapped takes the address that a NAT has given us. Another one than before
// means that the flow by which we are registered is gone. RFC 5626 section
// 4.4.2.
func (a *Agent) mapped(now time.Duration, mapped netip.AddrPort, do []Effect) []Effect {
	before := a.keep.mapped
	a.keep.mapped = mapped
	if !before.IsValid() || before == mapped {
		return do
	}
	if a.reg != nil && a.reg.want.Learn {
		a.learnAddress(mapped)
	}
	return a.flowFailed(now, "mapped to "+mapped.String()+" after "+before.String(), do)
}
