package firewall

import (
	"net/netip"
	"slices"
	"time"

	"github.com/gaissmai/bart"
)

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

// forgive takes the scores off sources, and counts those that had one.
func (t *scores) forgive(whom func(netip.Prefix) bool) (had int) {
	for i := range t.sets {
		set := &t.sets[i]
		set.mu.Lock()
		for j := range set.keys {
			if s := source(set.keys[j].Load()); s != 0 && whom(s.prefix()) {
				set.policed[j].Store(0)
				set.sure[j].Store(0)
				n := &set.info[j]
				if n.score > 0 {
					had++
				}
				n.score, n.sure, n.proven = 0, 0, Tally{}
			}
		}
		set.mu.Unlock()
	}
	return had
}
