package nat

import (
	"net/netip"
	"time"
)

// mask leaves of a far end what a Dependence looks at.
func mask(d Dependence, a netip.AddrPort) netip.AddrPort {
	switch d {
	case EndpointIndependent:
		return netip.AddrPort{}
	case AddressDependent:
		return netip.AddrPortFrom(a.Addr(), 0)
	}
	return a
}

// remotesMax bounds the far ends that one mapping remembers. Ours: a host
// that sends to more at a time scans the net.
const remotesMax = 256

// outward returns the mapping of a packet from inside, which it makes where
// there is none, and refreshes it.
func (n *NAT) outward(now time.Duration, p Packet) (*mapping, Verdict) {
	key := outKey{p.Protocol, p.Src, mask(n.kind.Mapping, p.Dst)}
	m := n.out[key]
	if m != nil && m.expires <= now {
		n.remove(m)
		m = nil
	}
	if p.Protocol == TCP && p.Flags&SYN == 0 && (m == nil || m.remotes[p.Dst].expires <= now) {
		return nil, n.refuse(p)
	}
	if m == nil {
		if m = n.add(now, key, p.Dst); m == nil {
			return nil, Drop
		}
	}
	return m, n.spoke(m, now, p)
}

// spoke notes a packet from inside: the far end may answer.
func (n *NAT) spoke(m *mapping, now time.Duration, p Packet) Verdict {
	if p.Protocol == UDP {
		m.expires = now + n.kind.Lifetime
		if n.kind.Filtering == EndpointIndependent {
			return Pass
		}
		return n.note(m, now, mask(n.kind.Filtering, p.Dst), remote{expires: m.expires})
	}
	r := m.remotes[p.Dst]
	if p.Flags&SYN != 0 && r.expires <= now {
		r = remote{}
	}
	r = n.step(r, now, p.Flags, false)
	m.expires = max(m.expires, r.expires)
	return n.note(m, now, p.Dst, r)
}

// step is what a segment makes of a connection.
func (n *NAT) step(r remote, now time.Duration, f Flags, inbound bool) remote {
	switch {
	case f&(FIN|RST) != 0:
		return remote{expires: now + n.kind.Opening}
	case f&SYN != 0 && inbound:
		r.in = true
	case f&SYN != 0:
		r.out = true
	}
	r.expires = now + n.kind.Opening
	if r.open() {
		r.expires = now + n.kind.TCP
	}
	return r
}

// note keeps a far end of a mapping.
func (n *NAT) note(m *mapping, now time.Duration, far netip.AddrPort, r remote) Verdict {
	if _, known := m.remotes[far]; !known && len(m.remotes) >= remotesMax {
		for a, old := range m.remotes {
			if old.expires <= now {
				delete(m.remotes, a)
			}
		}
		if len(m.remotes) >= remotesMax {
			return Drop
		}
	}
	if m.remotes == nil {
		m.remotes = map[netip.AddrPort]remote{}
	}
	m.remotes[far] = r
	return Pass
}

// permits reports whether a packet from outside may come in by a mapping
// (RFC 4787 section 5; RFC 5382 section 4.3 for SYN).
func (n *NAT) permits(m *mapping, now time.Duration, p Packet) bool {
	if p.Protocol == TCP && p.Flags&SYN == 0 {
		return m.remotes[p.Src].expires > now
	}
	if n.kind.Filtering == EndpointIndependent {
		return true
	}
	if p.Protocol == UDP || n.kind.Filtering == AddressAndPortDependent {
		return m.remotes[mask(n.kind.Filtering, p.Src)].expires > now
	}
	for far, r := range m.remotes {
		if far.Addr() == p.Src.Addr() && r.expires > now {
			return true
		}
	}
	return false
}

// heard notes a packet from outside that came in. It prolongs nothing, unless
// both directions refresh: a stranger's SYN must not keep a mapping, and who
// is alive acknowledges.
func (n *NAT) heard(m *mapping, now time.Duration, p Packet) {
	both := n.kind.Refresh == Both
	if p.Protocol == TCP {
		r := m.remotes[p.Src]
		if r.open() && p.Flags&(FIN|RST) == 0 && !both {
			return
		}
		r = n.step(r, now, p.Flags, true)
		n.note(m, now, p.Src, r)
		if both {
			m.expires = max(m.expires, r.expires)
		}
		return
	}
	if !both {
		return
	}
	m.expires = now + n.kind.Lifetime
	if n.kind.Filtering != EndpointIndependent {
		n.note(m, now, mask(n.kind.Filtering, p.Src), remote{expires: m.expires})
	}
}
