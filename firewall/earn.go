package firewall

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"
)

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
