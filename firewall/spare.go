package firewall

import "net/netip"

// A spare is a flow that somebody registered by, and what the kernel knows of
// it.
type spare struct {
	wanted bool
	told   bool
}

// Registered notes that somebody registered by a flow, or that nobody is there
// any more. A ban of the address spares it. Telling it twice is as once.
func (g *Guard) Registered(flow Spared, on bool) {
	flow.Remote = plain(flow.Remote)
	flow.Local = plain(flow.Local)
	if !flow.Remote.IsValid() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	sp := g.spared[flow]
	switch {
	case (sp != nil && sp.wanted) == on:
		return
	case sp == nil && len(g.spared) >= g.o.Flows:
		g.lost = true // nobody knows any more who is in a network
		g.counts.unspared.Add(1)
		return
	case sp == nil:
		sp = new(spare)
		g.spared[flow] = sp
	}
	sp.wanted = on
	home := sourceOf(flow.Remote.Addr()).prefix()
	g.homes.Modify(home, func(n int, _ bool) (int, bool) {
		if on {
			return n + 1, false
		}
		return n - 1, n <= 1
	})
	if g.kernel == nil {
		if !on {
			delete(g.spared, flow)
		}
		return
	}
	g.tell(change{is: spareIt, flow: flow})
}

func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
