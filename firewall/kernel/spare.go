package kernel

import (
	"fmt"
	"net/netip"

	"sbc/firewall"
)

// Protocols of IP.
const (
	protoTCP = 6
	protoUDP = 17
)

// An entry is what the kernel has for flows that are spared: a flow, or with
// ports and protocol 0 the fragments from one address to another.
type entry struct {
	remote, local netip.AddrPort
	proto         uint8
}

// spares remembers which flows are spared, so that the entry for fragments goes
// with the last flow between its addresses.
type spares struct {
	flows     map[entry]bool
	fragments map[entry]int // flows of each
}

func newSpares() spares {
	return spares{map[entry]bool{}, map[entry]int{}}
}

// entryOf checks a flow.
func entryOf(f firewall.Spared) (entry, error) {
	e := entry{remote: plain(f.Remote), local: plain(f.Local), proto: protoUDP}
	if f.TCP {
		e.proto = protoTCP
	}
	if !e.remote.IsValid() || !e.local.IsValid() || e.remote.Addr().Is4() != e.local.Addr().Is4() {
		return entry{}, fmt.Errorf("spare %v to %v: these are not two addresses of one family", f.Remote, f.Local)
	}
	return e, nil
}

// plain is an address as it stands in packets.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// unported is the entry for the fragments of a flow.
func (e entry) unported() entry {
	return entry{remote: netip.AddrPortFrom(e.remote.Addr(), 0), local: netip.AddrPortFrom(e.local.Addr(), 0)}
}

// change returns what to add to the kernel, or to take out of it.
func (s spares) change(e entry, on bool) []entry {
	flows := s.fragments[e.unported()]
	switch {
	case s.flows[e] == on:
		return nil
	case on && flows == 0, !on && flows == 1:
		return []entry{e, e.unported()}
	}
	return []entry{e}
}

// done notes what was changed.
func (s spares) done(e entry, on bool) {
	if s.flows[e] == on {
		return
	}
	if on {
		s.flows[e] = true
		s.fragments[e.unported()]++
		return
	}
	delete(s.flows, e)
	if s.fragments[e.unported()]--; s.fragments[e.unported()] == 0 {
		delete(s.fragments, e.unported())
	}
}
