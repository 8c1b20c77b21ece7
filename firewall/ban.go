package firewall

import (
	"container/heap"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"sbc/telemetry"
)

// A ban is one that is, or one that was and is remembered.
type ban struct {
	// Constant once it is in the table.
	prefix netip.Prefix
	until  time.Duration

	// Guarded by mu.
	id     uint64
	since  time.Duration
	times  uint32 // this one and those before it
	by     Origin
	reason string
	did    Tally
	index  int // in its queue
}

// An Origin is who made a ban.
type Origin uint8

const (
	ByScore   Origin = iota // its offences
	ByHand                  // the operator
	ByMerge                 // so many networks of it were banned
	ByEarlier               // it was found in the kernel at the start
	origins
)

var originNames = [origins]string{"score", "operator", "networks", "earlier run"}

func (o Origin) String() string { return originNames[o] }

// A Ban is one as the operator sees it.
type Ban struct {
	Prefix   netip.Prefix
	Since    time.Time
	Until    time.Time
	Times    int // this one and those before it that are remembered
	By       Origin
	Reason   string // escaped
	Offences Tally  // those that led to it
}

// A queue has the ban first that ends first.
type queue []*ban

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].until < q[j].until }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].index, q[j].index = i, j }
func (q *queue) Push(x any)        { b := x.(*ban); b.index = len(*q); *q = append(*q, b) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	b := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return b
}

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

// Bans returns the bans that are, the last one first.
func (g *Guard) Bans(now time.Duration) []Ban {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	list := make([]Ban, 0, len(g.active))
	for _, b := range g.active {
		list = append(list, Ban{
			Prefix: b.prefix, Since: g.wall(b.since), Until: g.wall(b.until), Times: int(b.times),
			By: b.by, Reason: telemetry.Escape(b.reason), Offences: b.did,
		})
	}
	slices.SortFunc(list, func(a, b Ban) int {
		if c := b.Since.Compare(a.Since); c != 0 {
			return c
		}
		return a.Prefix.Compare(b.Prefix)
	})
	return list
}

func (g *Guard) wall(at time.Duration) time.Time { return g.o.Start.Add(at) }

// Ours:
const (
	// What fits a line of a list.
	reasonMax = 120
	// The longest ban by hand: for ever, in a clock of 63 bits of nanoseconds.
	handMax = 100 * 365 * 24 * time.Hour
)

// Ban bans a network for d by hand; a ban that exists gets the new time. The
// error says why it cannot be: somebody is in it who is never banned, or it is
// more than one source and somebody has registered from there.
func (g *Guard) Ban(now time.Duration, p netip.Prefix, d time.Duration, reason string) error {
	p, ok := clean(p)
	if !ok || d <= 0 {
		return fmt.Errorf("ban %v for %v: want a network, and a time that is more than 0", p, d)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	if err := g.refuses(p); err != nil {
		g.counts.refused.Add(1)
		return err
	}
	b := g.again(now, p)
	b.by, b.reason, b.until = ByHand, cut(reason), now+min(d, handMax)
	g.put(now, b)
	return nil
}

func cut(reason string) string { return reason[:min(len(reason), reasonMax)] }

// Unban lifts the ban of a network, and forgets what was known of the sources in
// it. The error says that there is none.
func (g *Guard) Unban(now time.Duration, p netip.Prefix) error {
	p, ok := clean(p)
	if !ok {
		return errors.New("unban: no network")
	}
	if err := g.unban(now, p); err != nil {
		return err
	}
	g.scores.forgive(p.Overlaps)
	return nil
}

func (g *Guard) unban(now time.Duration, p netip.Prefix) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	if b, ok := g.bans.Load().Get(p); ok {
		g.lift(b)
		return nil
	}
	if wider, _, ok := g.bans.Load().LookupPrefixLPM(p); ok {
		return fmt.Errorf("unban %v: it is banned as a part of %v: lift that", p, wider)
	}
	return fmt.Errorf("unban %v: it is not banned", p)
}

// lift ends a ban as if it had not been. mu is held.
func (g *Guard) lift(b *ban) {
	g.remove(b)
	g.forget(b.id)
	g.tell(change{is: unban, prefix: b.prefix})
}

// banSource bans a source for what it did.
func (g *Guard) banSource(now time.Duration, s source, why Tally) {
	g.mu.Lock()
	made := g.earned(now, s.prefix(), why)
	g.mu.Unlock()
	for _, b := range made {
		g.counts.banned.Add(1)
		if g.speak.take(now, sayBans) {
			g.log.Info("banned", slog.String("source", b.prefix.String()), slog.Duration("for", b.until-b.since),
				slog.Int("times", int(b.times)), slog.String("offences", b.did.String()), slog.Bool("counted_only", g.o.Count))
		}
	}
}

// Ours: ten lines a minute; the list of bans has all.
var sayBans = pace{interval: 6 * time.Second, slack: time.Minute}

// earned bans a source, and the networks that are banned with it. mu is held.
func (g *Guard) earned(now time.Duration, p netip.Prefix, why Tally) (made []ban) {
	g.sweep(now)
	if g.refuses(p) != nil {
		g.counts.refused.Add(1)
		return nil
	}
	if _, ok := g.bans.Load().LookupPrefix(p); ok {
		return nil // it is banned: this came by a connection that it had before
	}
	b := g.again(now, p)
	b.by, b.did, b.until = ByScore, why, now+g.term(b.times)
	g.put(now, b)
	return g.merge(now, p, append(made, *b))
}

// term is how long a ban is.
func (g *Guard) term(times uint32) time.Duration {
	d := g.o.BanFirst
	for ; times > 1 && d < g.o.BanMax; times-- {
		d *= 2
	}
	return min(d, g.o.BanMax)
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
