package turn

import (
	"encoding/binary"
	"net/netip"
	"time"

	"sbc/nat"
)

// A verdict is what becomes of one message: it is passed, answered or dropped.
type verdict struct {
	pass    message
	answer  []byte
	refused bool
	cause   Cause // if refused
}

func drop(why Cause) verdict { return verdict{refused: true, cause: why} }

// judge decides on one datagram or frame. What it passes is a view into b.
func (f *front) judge(now time.Time, b []byte, from netip.AddrPort) verdict {
	rules := nat.TURNServer
	if why := rules.Datagram(b); why != nat.STUNFine || from.Port() == 0 {
		return drop(Malformed)
	}
	if !nat.IsSTUN(b) {
		return f.channelData(now, b, from)
	}
	m := nat.STUN(b)
	switch {
	case m.Class() == nat.ClassIndication && m.Method() == nat.MethodSend:
		return f.indication(now, m, from)
	case m.Class() == nat.ClassIndication:
		return verdict{} // RFC 8489 section 7.3.2: it kept a NAT's mapping, and that was all
	case m.Method() == nat.MethodBinding:
		return f.binding(now, m, from)
	}
	q, v := f.authenticate(now, m, from)
	if q == nil {
		return v
	}
	return f.carry(now, q, from)
}

// channelData decides on data by a channel (RFC 8656 section 12.6).
func (f *front) channelData(now time.Time, b []byte, from netip.AddrPort) verdict {
	f.mu.RLock()
	defer f.mu.RUnlock()
	a := f.table[from]
	if a == nil || !a.onChannel(now, binary.BigEndian.Uint16(b)) {
		return drop(Stranger)
	}
	return verdict{pass: message{octets: b, from: a.addr, tuple: a.tuple}}
}

// indication decides on a Send indication (RFC 8656 section 11.2). It carries
// no credentials; what may be sent is what the permissions allow.
func (f *front) indication(now time.Time, m nat.STUN, from netip.AddrPort) verdict {
	f.mu.RLock()
	defer f.mu.RUnlock()
	a := f.table[from]
	if a == nil {
		return drop(Stranger)
	}
	peer, ok := onePeer(m)
	if _, data := m.Find(nat.AttrData); !ok || !data || strange(m) > 0 {
		return drop(Malformed)
	}
	if peer.Addr().Is6() != a.socket.v6 || !a.mayReach(now, peer.Addr()) {
		return drop(Stranger)
	}
	return verdict{pass: message{octets: m, from: a.addr, tuple: a.tuple}}
}

// binding answers where a request came from.
func (f *front) binding(now time.Time, m nat.STUN, from netip.AddrPort) verdict {
	if !f.limiter.allow(now, from.Addr()) {
		return drop(Limited)
	}
	f.counts.bindings.Add(1)
	return verdict{answer: nat.AppendBindingResponse(nil, m, from)}
}

// onePeer returns the peer of a message that must name one.
func onePeer(m nat.STUN) (peer netip.AddrPort, ok bool) {
	var some [2]netip.AddrPort
	list := appendPeers(some[:0], m)
	return some[0], len(list) == 1
}

// appendPeers appends all peers of m. IPv4 in the form of IPv6 stays so: who
// writes that wants to get around something.
func appendPeers(list []netip.AddrPort, m nat.STUN) []netip.AddrPort {
	for a, v := range m.Attributes {
		if a == nat.AttrXORPeerAddress {
			list = append(list, unXOR(m, v))
		}
	}
	return list
}

// unXOR reads the value of an address attribute that the guard has passed: 8 or
// 20 octets (RFC 8489 section 14.2).
func unXOR(m nat.STUN, v []byte) netip.AddrPort {
	port := binary.BigEndian.Uint16(v[2:]) ^ binary.BigEndian.Uint16(m[4:])
	var b [16]byte
	n := copy(b[:], v[4:])
	for i := range n {
		b[i] ^= m[4+i] // the cookie, then the transaction ID
	}
	if n == 4 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(b), port)
}

// understood are the attributes below 0x8000 that a message may have. The
// second integrity is not looked at, because the first is there.
var understood = [0x40]bool{
	nat.AttrUsername: true, nat.AttrMessageIntegrity: true, nat.AttrRealm: true, nat.AttrNonce: true,
	nat.AttrIntegritySHA256: true, nat.AttrChannelNumber: true, nat.AttrLifetime: true,
	nat.AttrXORPeerAddress: true, nat.AttrData: true, nat.AttrRequestedFamily: true, nat.AttrEvenPort: true,
	nat.AttrRequestedTransport: true, nat.AttrReservationToken: true,
}

// strange counts the attributes that would have to be understood and are not.
func strange(m nat.STUN) (n int) {
	for a := range m.Attributes {
		if isStrange(a) {
			n++
		}
	}
	return n
}

func isStrange(a nat.Attr) bool {
	return a.Required() && (int(a) >= len(understood) || !understood[a])
}
