package nat

import (
	"net/netip"
	"slices"
	"time"
)

// add makes a mapping. It returns nil when there is no room or no port.
func (n *NAT) add(now time.Duration, key outKey, far netip.AddrPort) *mapping {
	if n.mappings >= n.kind.Max {
		if n.sweep(now); n.mappings >= n.kind.Max {
			return nil
		}
	}
	addr := n.address(key.inside.Addr())
	port, ok := n.port(now, key, addr, far)
	if !ok {
		return nil
	}
	m := &mapping{key: key, public: netip.AddrPortFrom(addr, port)}
	at := inKey{key.protocol, m.public}
	n.out[key] = m
	n.in[at] = slices.Insert(n.in[at], 0, m)
	n.mappings++
	return m
}

// remove forgets a mapping.
func (n *NAT) remove(m *mapping) {
	at := inKey{m.key.protocol, m.public}
	left := slices.DeleteFunc(n.in[at], func(o *mapping) bool { return o == m })
	if n.in[at] = left; len(left) == 0 {
		delete(n.in, at)
	}
	delete(n.out, m.key)
	n.mappings--
}

// sweep forgets what has expired.
func (n *NAT) sweep(now time.Duration) {
	for _, m := range n.out {
		if m.expires <= now {
			n.remove(m)
		}
	}
}

// address returns the public address for an inside host: RFC 4787 REQ-2.
func (n *NAT) address(host netip.Addr) netip.Addr {
	if len(n.public) == 1 {
		return n.public[0]
	}
	if n.kind.Arbitrary {
		return n.public[n.rand.IntN(len(n.public))]
	}
	a, ok := n.paired[host]
	if !ok {
		a = n.public[n.rand.IntN(len(n.public))]
		if len(n.paired) >= n.kind.Max {
			clear(n.paired)
		}
		n.paired[host] = a
	}
	return a
}

// port returns a public port for a new mapping: RFC 4787 section 4.2.
func (n *NAT) port(now time.Duration, key outKey, addr netip.Addr, far netip.AddrPort) (uint16, bool) {
	free := func(port uint16) bool {
		return n.free(now, inKey{key.protocol, netip.AddrPortFrom(addr, port)}, key, far)
	}
	own, first, count := key.inside.Port(), n.kind.First, int(n.kind.Last)-int(n.kind.First)+1
	start := int(n.next - first)
	if keeps := n.kind.Ports == Preserve || n.kind.Ports == Overload; keeps && own >= first && own <= n.kind.Last && free(own) {
		return own, true
	}
	if n.kind.Ports != Sequential {
		start = n.rand.IntN(count)
	}
	for i := range count {
		port := first + uint16((start+i)%count)
		if n.kind.Ports == Parity && port&1 != own&1 || !free(port) {
			continue
		}
		n.next = first + uint16((start+i+1)%count)
		return port, true
	}
	return 0, false
}

// free reports whether nobody has a public port; an overloaded one may be had
// by others that talk with other far ends.
func (n *NAT) free(now time.Duration, at inKey, key outKey, far netip.AddrPort) bool {
	for _, m := range slices.Clone(n.in[at]) {
		switch {
		case m.expires <= now:
			n.remove(m)
		case n.kind.Ports != Overload || n.talks(m, now, far):
			return false
		}
	}
	return true
}

// talks reports whether a mapping is in use with a far end.
func (n *NAT) talks(m *mapping, now time.Duration, far netip.AddrPort) bool {
	if m.key.protocol == UDP {
		far = mask(n.kind.Filtering, far)
	}
	return m.remotes[far].expires > now
}
