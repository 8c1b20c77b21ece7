package firewall

import (
	"net/netip"
	"time"
)

// equal makes the kernel what it should be.
func (w *writer) equal() {
	w.behind.Store(false)
	ok := w.compare()
	w.g.counts.kernelSyncs.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if ok {
		w.pause = pauseMin
		return
	}
	w.again = w.now() + w.pause
	w.pause = min(2*w.pause, pauseMax)
}

// compare tells the kernel all in which it differs, and reports whether it took
// it. It goes on when a call fails: the next may do more.
func (w *writer) compare() bool {
	has, err := w.k.Banned()
	if !w.result(err) {
		return false
	}
	want, flows := w.wanted(has)
	ok := w.result(w.apply(change{is: trust}))
	ok = w.result(w.apply(change{is: police})) && ok
	now := w.now()
	for _, b := range has {
		p, _ := clean(b.Prefix)
		until, wanted := want[p]
		switch off := now + b.Left - until; {
		case !wanted:
			ok = w.result(w.k.Unban(b.Prefix)) && ok
		case off > -endSlack && off < endSlack:
			delete(want, p)
		}
	}
	for p, until := range want {
		ok = w.result(w.apply(change{is: banIt, prefix: p, until: until})) && ok
	}
	for _, f := range flows {
		ok = w.result(w.spare(f)) && ok
	}
	return ok
}

// wanted returns the bans that the kernel should have, and the flows that it has
// to be told of. Changes that wait are in it.
func (w *writer) wanted(has []Banned) (want map[netip.Prefix]time.Duration, flows []Spared) {
	g := w.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if !w.adopted && !g.o.Count {
		g.adopt(w.now(), has)
	}
	w.adopted = true
	for len(w.changes) > 0 {
		<-w.changes // nobody else takes from it, and who puts holds the lock
	}
	want = map[netip.Prefix]time.Duration{}
	for f, sp := range g.spared {
		if sp.wanted != sp.told || !sp.wanted {
			flows = append(flows, f)
		}
	}
	if g.o.Count {
		return want, flows
	}
	for _, b := range g.active {
		if fits(b.prefix) {
			want[b.prefix] = b.until
		}
	}
	return want, flows
}

// adopt takes over the bans that an earlier process left in the kernel. mu is
// held.
func (g *Guard) adopt(now time.Duration, has []Banned) {
	g.sweep(now)
	for _, k := range has {
		p, ok := clean(k.Prefix)
		if !ok || k.Left <= 0 || len(g.active) >= g.o.Bans || g.refuses(p) != nil {
			continue
		}
		if _, known := g.bans.Load().LookupPrefix(p); known {
			continue
		}
		b := g.again(now, p)
		b.by, b.reason, b.until = ByEarlier, "left by an earlier run", now+min(k.Left, handMax)
		g.put(now, b)
	}
}
