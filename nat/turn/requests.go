package turn

import (
	"encoding/binary"
	"net/netip"
	"time"

	"sbc/nat"
)

// carry decides on a request of somebody known.
func (f *front) carry(now time.Time, q *request, from netip.AddrPort) verdict {
	if strange(q.m) > 0 {
		return q.refuse(unknownAttribute, Refused)
	}
	if q.m.Method() == nat.MethodAllocate {
		return f.allocate(q, from)
	}
	if q.a == nil {
		return q.refuse(allocationMismatch, Refused)
	}
	switch q.m.Method() {
	case nat.MethodRefresh:
		return f.refresh(q)
	case nat.MethodCreatePermission:
		return f.createPermission(now, q)
	case nat.MethodChannelBind:
		return f.channelBind(now, q)
	}
	return drop(Malformed) // the guard passes no other method
}

// The values of REQUESTED-ADDRESS-FAMILY (RFC 8656 section 18.8) and of
// REQUESTED-TRANSPORT (section 18.7).
const (
	familyIPv4   = 0x01
	familyIPv6   = 0x02
	protocolUDP  = 17
	reserveNext  = 0x80 // of EVEN-PORT, section 18.5
	channelFirst = 0x4000
	channelLast  = 0x7FFE // RFC 5766 section 11; RFC 8656 has 0x4FFF, but older clients use all
)

// allocate decides on an Allocate request (RFC 8656 section 7.2).
func (f *front) allocate(q *request, from netip.AddrPort) verdict {
	if q.a != nil {
		if q.a.transaction != q.m.Transaction() {
			return q.refuse(allocationMismatch, Refused)
		}
		return q.pass(q.a, f.allocateAttrs(q)) // sent again: the library has the answer still
	}
	transport, ok := q.m.Find(nat.AttrRequestedTransport)
	switch {
	case !ok:
		return q.refuse(badRequest, Refused)
	case transport[0] != protocolUDP:
		return q.refuse(transportNotUDP, Refused)
	}
	v6, s, ok := f.wantedFamily(q.m)
	if !ok {
		return q.refuse(s, Refused)
	}
	even, evenWanted := q.m.Find(nat.AttrEvenPort)
	if _, reserved := q.m.Find(nat.AttrReservationToken); reserved || evenWanted && even[0]&reserveNext != 0 {
		// RFC 8656 section 7.2: a server that keeps no port for later may say
		// so. ICE never asks for one.
		return q.refuse(insufficient, OverQuota)
	}
	if s, ok := f.open(from, q, v6, evenWanted); !ok {
		return q.refuse(s, OverQuota)
	}
	return q.pass(f.find(from), f.allocateAttrs(q))
}

// wantedFamily returns which family a client wants to be relayed to.
func (f *front) wantedFamily(m nat.STUN) (v6 bool, s status, ok bool) {
	if v, asked := m.Find(nat.AttrRequestedFamily); asked {
		if _, both := m.Find(nat.AttrReservationToken); both {
			return false, badRequest, false
		}
		if v[0] != familyIPv4 && v[0] != familyIPv6 {
			return false, familyNotSupported, false
		}
		v6 = v[0] == familyIPv6
	}
	return v6, familyNotSupported, f.relays.has(v6)
}

// allocateAttrs are the attributes of an Allocate request that the library gets.
func (f *front) allocateAttrs(q *request) []byte {
	b := appendAttr(nil, nat.AttrRequestedTransport, []byte{protocolUDP, 0, 0, 0})
	asked, _ := q.m.Find(nat.AttrLifetime)
	return appendLifetime(b, lifetime(asked, binary.BigEndian.Uint32))
}

func appendLifetime(b []byte, d time.Duration) []byte {
	return appendAttr(b, nat.AttrLifetime, binary.BigEndian.AppendUint32(nil, uint32(d/time.Second)))
}

// refresh decides on a Refresh request (RFC 8656 section 8.2).
func (f *front) refresh(q *request) verdict {
	if v, ok := q.m.Find(nat.AttrRequestedFamily); ok && (v[0] == familyIPv6) != q.a.socket.v6 {
		return q.refuse(familyMismatch, Refused)
	}
	asked, ok := q.m.Find(nat.AttrLifetime)
	d := lifetime(asked, binary.BigEndian.Uint32)
	if ok && binary.BigEndian.Uint32(asked) == 0 {
		d = 0 // the end
	}
	return q.pass(q.a, appendLifetime(nil, d))
}

// createPermission decides on a CreatePermission request (RFC 8656 section
// 10.2): all of its peers or none.
func (f *front) createPermission(now time.Time, q *request) verdict {
	list := appendPeers(nil, q.m)
	if len(list) == 0 {
		return q.refuse(badRequest, Refused)
	}
	for _, p := range list {
		if v, ok := f.reachable(q, p.Addr(), 0); !ok {
			return v
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !q.a.roomFor(now, list, f.o.Quota.Permissions) {
		return q.refuse(insufficient, OverQuota)
	}
	q.a.permit(now, list...)
	var attrs []byte
	for a, v := range q.m.Attributes {
		if a == nat.AttrXORPeerAddress {
			attrs = appendAttr(attrs, a, v)
		}
	}
	return q.pass(q.a, attrs)
}

// channelBind decides on a ChannelBind request (RFC 8656 section 12.2).
func (f *front) channelBind(now time.Time, q *request) verdict {
	number, numbered := q.m.Find(nat.AttrChannelNumber)
	peer, one := onePeer(q.m)
	if !numbered || !one || peer.Port() == 0 {
		return q.refuse(badRequest, Refused)
	}
	n := binary.BigEndian.Uint16(number)
	if n < channelFirst || n > channelLast {
		return q.refuse(badRequest, Refused)
	}
	if v, ok := f.reachable(q, peer.Addr(), peer.Port()); !ok {
		return v
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := q.a.bind(now, n, peer, f.o.Quota); !ok {
		if s == insufficient {
			return q.refuse(s, OverQuota)
		}
		return q.refuse(s, Refused)
	}
	peerValue, _ := q.m.Find(nat.AttrXORPeerAddress)
	attrs := appendAttr(nil, nat.AttrChannelNumber, []byte{number[0], number[1], 0, 0})
	return q.pass(q.a, appendAttr(attrs, nat.AttrXORPeerAddress, peerValue))
}

// reachable decides whether a peer may be sent to; port 0: at some port.
func (f *front) reachable(q *request, peer netip.Addr, port uint16) (verdict, bool) {
	switch {
	case f.peers.refused(peer, port):
		return q.refuse(forbidden, Denied), false
	case peer.Is6() != q.a.socket.v6:
		return q.refuse(familyMismatch, Refused), false
	}
	return verdict{}, true
}

// pass writes the request anew, with what the library may see of it. The
// transaction ID stays, so values that are combined with it do too.
func (q *request) pass(a *allocation, attrs []byte) verdict {
	b := make([]byte, 0, passMax)
	b = append(beginLike(b, q.m), attrs...)
	setLength(b, 0)
	return verdict{pass: message{octets: b, from: a.addr, tuple: a.tuple, signer: &q.who}}
}

// Ours: what a request is at most, with the credentials that pion.go adds.
const passMax = 2048
