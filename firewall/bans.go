package firewall

import (
	"container/heap"
	"fmt"
	"net/netip"
	"time"
)

// hear keeps the latest time.
func (g *Guard) hear(now time.Duration) {
	for {
		last := g.clock.Load()
		if int64(now) <= last || g.clock.CompareAndSwap(last, int64(now)) {
			return
		}
	}
}

// Advance lets bans end, and has the kernel made equal if it is not. It is
// called every second or so.
func (g *Guard) Advance(now time.Duration) {
	g.mu.Lock()
	g.sweep(now)
	g.mu.Unlock()
	if g.kernel != nil {
		g.kernel.advance(now)
	}
}

// refuses says why a network cannot be banned. mu is held.
func (g *Guard) refuses(p netip.Prefix) error {
	if g.never.Load().OverlapsPrefix(p) || linkLocal.Overlaps(p) {
		return fmt.Errorf("ban %v: it has somebody in it who is never banned: a peer, a resolver, or who is allowed", p)
	}
	if p.Bits() < sourceBits(p.Addr()) && g.homes.OverlapsPrefix(p) {
		return fmt.Errorf("ban %v: somebody has registered from there: ban less of it", p)
	}
	return nil
}

// clean returns a network as it stands in tables.
func clean(p netip.Prefix) (netip.Prefix, bool) {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), p.IsValid()
}

// again returns the ban that comes after those of a network that are remembered,
// or that is there. mu is held.
func (g *Guard) again(now time.Duration, p netip.Prefix) *ban {
	b := &ban{prefix: p, since: now, times: 1}
	if old, ok := g.bans.Load().Get(p); ok {
		b.id, b.times = old.id, old.times
		return b
	}
	if old := g.past[p]; old != nil {
		b.id, b.times = old.id, old.times+1
		heap.Remove(&g.former, old.index)
		delete(g.past, p)
		return b
	}
	g.lastID++
	b.id = g.lastID
	return b
}

// put makes a ban one that is. Of two bans the one within the other is kept only
// while it ends later. mu is held.
func (g *Guard) put(now time.Duration, b *ban) {
	if old, ok := g.bans.Load().Get(b.prefix); ok {
		g.remove(old)
	}
	for _, wider := range g.bans.Load().Supernets(b.prefix) {
		if wider.until >= b.until {
			g.remember(now, b)
			g.tell(change{is: unban, prefix: b.prefix})
			return
		}
	}
	for _, in := range g.within(b.prefix, 0) {
		if in.until <= b.until {
			g.end(now, in)
		}
	}
	if len(g.active) >= g.o.Bans {
		g.counts.evicted.Add(1)
		g.end(now, g.active[0])
	}
	heap.Push(&g.active, b)
	g.bans.Store(g.bans.Load().InsertPersist(b.prefix, b))
	g.counts.made.Add(1)
	g.keep(b)
	g.tell(change{is: banIt, prefix: b.prefix, until: b.until})
}

// within returns the bans in a network that are of a length, or of any if that
// is 0. mu is held.
func (g *Guard) within(p netip.Prefix, length int) (list []*ban) {
	for q, b := range g.bans.Load().Subnets(p) {
		if length == 0 || q.Bits() == length {
			list = append(list, b)
		}
	}
	return list
}

// end ends a ban before its time, and remembers it. mu is held.
func (g *Guard) end(now time.Duration, b *ban) {
	g.remove(b)
	g.remember(now, b)
	g.tell(change{is: unban, prefix: b.prefix})
}

// remove takes a ban out of the table. mu is held.
func (g *Guard) remove(b *ban) {
	heap.Remove(&g.active, b.index)
	g.bans.Store(g.bans.Load().DeletePersist(b.prefix))
}

// remember keeps that a ban was. mu is held.
func (g *Guard) remember(now time.Duration, b *ban) {
	was := *b // readers may still look at b
	was.until = min(was.until, now)
	if len(g.former) >= g.o.Bans {
		g.dropFormer()
	}
	heap.Push(&g.former, &was)
	g.past[was.prefix] = &was
	g.keep(&was)
}

func (g *Guard) dropFormer() {
	old := heap.Pop(&g.former).(*ban)
	delete(g.past, old.prefix)
	g.forget(old.id)
}

// sweep ends what has had its time. The kernel does that by itself. mu is held.
func (g *Guard) sweep(now time.Duration) {
	g.hear(now)
	for len(g.active) > 0 && g.active[0].until <= now {
		b := g.active[0]
		g.remove(b)
		g.remember(now, b)
	}
	for len(g.former) > 0 && g.former[0].until+g.o.Memory <= now {
		g.dropFormer()
	}
}

func (g *Guard) keep(b *ban) {
	if g.o.Keep != nil && !g.o.Count {
		g.o.Keep(b.id, g.appendRecord(nil, b))
	}
}

func (g *Guard) forget(id uint64) {
	if g.o.Keep != nil && !g.o.Count {
		g.o.Keep(id, nil)
	}
}

// lift ends a ban as if it had not been. mu is held.
func (g *Guard) lift(b *ban) {
	g.remove(b)
	g.forget(b.id)
	g.tell(change{is: unban, prefix: b.prefix})
}
