package policy

import (
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// Formers are sources that were peers' until the configuration or a name server
// said something else. What a peer began by them goes on. A value is never
// changed.
type formers struct {
	list   []former                 // the oldest first, at most formersMax
	tables map[int]*bart.Table[int] // by realm: what list says, the newest winning
}

type former struct {
	realm, peer int
	prefix      netip.Prefix
}

// Ours: a carrier that moves its whole network has some dozen prefixes. One that
// is forgotten costs the calls that it still had.
const formersMax = 1024

// with returns f and more prefixes of a peer.
func (f formers) with(realm, peer int, prefixes []netip.Prefix) formers {
	if len(prefixes) == 0 {
		return f
	}
	list := slices.Clone(f.list)
	for _, p := range prefixes {
		one := former{realm, peer, p}
		list = append(slices.DeleteFunc(list, func(o former) bool { return o == one }), one)
	}
	return newFormers(list[max(0, len(list)-formersMax):])
}

func newFormers(list []former) formers {
	f := formers{list: list, tables: map[int]*bart.Table[int]{}}
	for _, one := range list {
		t := f.tables[one.realm]
		if t == nil {
			t = new(bart.Table[int])
			f.tables[one.realm] = t
		}
		t.Insert(one.prefix, one.peer)
	}
	return f
}

// peer returns the peer that sent from src once.
func (f *formers) peer(realm int, src netip.AddrPort) (int, bool) {
	t := f.tables[realm]
	if t == nil {
		return 0, false
	}
	return t.Lookup(addrOf(src.Addr()))
}

// left returns what is in old and not in now.
func left(old, now []netip.Prefix) []netip.Prefix {
	return slices.DeleteFunc(old, func(p netip.Prefix) bool { return slices.Contains(now, p) })
}

// Known is Peer, and beyond that knows the peer that src was before the
// configuration or a name server said something else: with it things end that
// began then, and nothing begins.
func (r *Rules) Known(realm int, src netip.AddrPort) (peer int, ok bool) {
	if peer, ok = r.Peer(realm, src); ok {
		return peer, true
	}
	return r.sources.Load().former.peer(realm, src)
}

// Inherit takes over what is known of the peers of old beyond the configuration:
// what their names resolve to, and where those that changed have sent from. The
// peers of r begin with those of old, in their order. Nobody else may call
// SetResolved of either meanwhile.
func (r *Rules) Inherit(old *Rules) {
	was := old.sources.Load()
	for i := range was.resolved {
		a, b := &old.o.Peers[i].Target, &r.o.Peers[i].Target
		if !r.o.Peers[i].Gone && a.Host == b.Host && !b.Addr.IsValid() {
			r.SetResolved(i, was.resolved[i])
		}
	}
	s := *r.sources.Load()
	s.former = was.former
	for i := range was.resolved {
		now := s.of(&r.o, i)
		if r.o.Peers[i].Gone {
			now = nil
		}
		if !old.o.Peers[i].Gone {
			s.former = s.former.with(old.o.Peers[i].Realm, i, left(was.of(&old.o, i), now))
		}
	}
	r.sources.Store(&s)
}
