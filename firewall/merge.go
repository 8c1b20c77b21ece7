package firewall

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/gaissmai/bart"
)

// merge bans the network of IPv6 of which so many parts are banned as p is: who
// has a /56 or a /48 has as many /64 as he likes. It appends to made what it
// bans. mu is held.
func (g *Guard) merge(now time.Duration, p netip.Prefix, made []ban) []ban {
	for p.Addr().Is6() && (p.Bits() == 64 || p.Bits() == 56) && g.o.Merge > 0 && !g.lost {
		wide := netip.PrefixFrom(p.Addr(), p.Bits()-8).Masked()
		parts := len(g.within(wide, p.Bits()))
		if parts < g.o.Merge || g.refuses(wide) != nil {
			break
		}
		if _, ok := g.bans.Load().LookupPrefix(wide); ok {
			break
		}
		b := g.again(now, wide)
		b.by, b.until = ByMerge, now+g.term(b.times)
		b.reason = fmt.Sprintf("%d networks of it were banned", parts)
		for _, in := range g.within(wide, 0) {
			b.until = max(b.until, in.until) // so that none of them is left
			b.did.join(&in.did)
		}
		g.put(now, b)
		g.counts.merged.Add(1)
		made = append(made, *b)
		p = wide
	}
	return made
}

// SetNever replaces the list of who is neither banned nor policed, when what they
// resolve to has changed. Bans of them are lifted. The list is not kept.
func (g *Guard) SetNever(now time.Duration, list []netip.Prefix) {
	never, trusted := new(bart.Lite), make([]netip.Prefix, 0, len(list))
	for _, p := range list {
		if p, ok := clean(p); ok {
			never.Insert(p)
			trusted = append(trusted, p)
		}
	}
	g.replaceNever(now, never, trusted)
	// By what it is now: another call may have come in between.
	g.scores.forgive(func(p netip.Prefix) bool { return g.never.Load().OverlapsPrefix(p) })
}

func (g *Guard) replaceNever(now time.Duration, never *bart.Lite, trusted []netip.Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	g.never.Store(never)
	g.trusted = trusted
	g.tell(change{is: trust})
	for _, b := range slices.Clone(g.active) {
		if never.OverlapsPrefix(b.prefix) {
			g.lift(b)
		}
	}
}

// forgive takes the scores off sources.
func (t *scores) forgive(whom func(netip.Prefix) bool) {
	for i := range t.sets {
		set := &t.sets[i]
		set.mu.Lock()
		for j := range set.keys {
			if s := source(set.keys[j].Load()); s != 0 && whom(s.prefix()) {
				set.policed[j].Store(0)
				set.sure[j].Store(0)
				n := &set.info[j]
				n.score, n.sure, n.proven = 0, 0, Tally{}
			}
		}
		set.mu.Unlock()
	}
}

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

// Police replaces what the kernel lets through of strangers.
func (g *Guard) Police(p Policing) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.police = p
	g.tell(change{is: police})
}
