package policy

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// sources say who sends from where. A value is never changed after it was
// stored; SetResolved stores a new one.
type sources struct {
	tables   []*bart.Table[[]int] // by realm: peers in the order of the file
	resolved [][]netip.Addr       // by peer: what its target is now
	former   formers
}

func newSources(o *Options) (*sources, error) {
	s := &sources{tables: make([]*bart.Table[[]int], len(o.Realms)), resolved: make([][]netip.Addr, len(o.Peers))}
	for i := range o.Peers {
		p := &o.Peers[i]
		if p.Target.Addr.IsValid() {
			s.resolved[i] = []netip.Addr{addrOf(p.Target.Addr)}
		}
	}
	for realm := range s.tables {
		s.fill(o, realm)
	}
	return s, s.ambiguous(o)
}

// fill writes the table of one realm.
func (s *sources) fill(o *Options, realm int) {
	t := new(bart.Table[[]int])
	s.tables[realm] = t
	for i := range o.Peers {
		if o.Peers[i].Realm != realm || o.Peers[i].Gone {
			continue
		}
		for _, p := range s.of(o, i) {
			insert(t, p, i)
		}
	}
}

// of returns where a peer sends from.
func (s *sources) of(o *Options, peer int) []netip.Prefix {
	var list []netip.Prefix
	for _, p := range o.Peers[peer].Sources {
		list = append(list, p.Masked())
	}
	if len(list) > 0 || len(o.Peers[peer].Names) > 0 {
		return list
	}
	for _, a := range s.resolved[peer] {
		list = append(list, netip.PrefixFrom(a, a.BitLen()))
	}
	return list
}

func insert(t *bart.Table[[]int], p netip.Prefix, peer int) {
	have, _ := t.Get(p)
	if !slices.Contains(have, peer) {
		t.Insert(p, append(slices.Clone(have), peer))
	}
}

// ambiguous finds two peers of a realm that nothing tells apart: the same
// prefix and the same port of the target.
func (s *sources) ambiguous(o *Options) error {
	for realm := range s.tables {
		for prefix, peers := range s.tables[realm].AllSorted() {
			for i, a := range peers {
				for _, b := range peers[i+1:] {
					if o.Peers[a].Target.Port == o.Peers[b].Target.Port {
						return fmt.Errorf("%s: peers %q and %q both send from %s", o.Peers[b].Ref, o.Peers[a].Name, o.Peers[b].Name, prefix)
					}
				}
			}
		}
	}
	return nil
}

// Peer returns the index of the peer that sends from src in a realm: the
// one with the longest prefix that holds the address. Where several peers
// have that prefix, the one whose target has the source's port is taken, and
// failing that the first of the file. It allocates nothing.
func (r *Rules) Peer(realm int, src netip.AddrPort) (peer int, ok bool) {
	s := r.sources.Load()
	if realm < 0 || realm >= len(s.tables) {
		return 0, false
	}
	peers, ok := s.tables[realm].Lookup(addrOf(src.Addr()))
	if !ok {
		return 0, false
	}
	if len(peers) > 1 {
		for _, p := range peers {
			if r.o.Peers[p].Target.Port == src.Port() {
				return p, true
			}
		}
	}
	return peers[0], true
}

// Source returns the prefix by which Peer knows the peer that sends from src:
// one of its Sources, or an address that its target resolves to.
func (r *Rules) Source(realm int, src netip.AddrPort) (by netip.Prefix, ok bool) {
	s := r.sources.Load()
	if realm < 0 || realm >= len(s.tables) {
		return netip.Prefix{}, false
	}
	a := addrOf(src.Addr())
	by, _, ok = s.tables[realm].LookupPrefixLPM(netip.PrefixFrom(a, a.BitLen()))
	return by, ok
}

// SetResolved says what the name of a peer's target resolves to now. A peer
// without Sources is known by these addresses from here on, and by no
// others. It has no effect on a peer whose target is an address. One
// goroutine calls it at a time; readers see the old addresses or the new.
func (r *Rules) SetResolved(peer int, addrs []netip.Addr) {
	p := &r.o.Peers[peer]
	if p.Target.Addr.IsValid() {
		return
	}
	old := r.sources.Load()
	s := &sources{tables: slices.Clone(old.tables), resolved: slices.Clone(old.resolved), former: old.former}
	list := make([]netip.Addr, 0, len(addrs))
	for _, a := range addrs {
		if a = addrOf(a); a.IsValid() && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	s.resolved[peer] = list
	s.fill(&r.o, p.Realm)
	s.former = s.former.with(p.Realm, peer, left(old.of(&r.o, peer), s.of(&r.o, peer)))
	r.sources.Store(s)
}

// Resolved returns the addresses of a peer's target, in the order in which they
// were given: the literal address, or what SetResolved said last. It is
// empty before that. The slice is shared: read only.
func (r *Rules) Resolved(peer int) []netip.Addr { return r.sources.Load().resolved[peer] }

// Sources returns all that peers send from, the targets of their names among them,
// and what they have sent from before.
func (r *Rules) Sources() (list []netip.Prefix) {
	s := r.sources.Load()
	for i := range r.o.Peers {
		if !r.o.Peers[i].Gone {
			list = append(list, s.of(&r.o, i)...)
		}
		for _, a := range s.resolved[i] {
			list = append(list, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	for _, f := range s.former.list {
		list = append(list, f.prefix)
	}
	return list
}
