package firewall

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"sbc/signaling/sip"
	"sbc/telemetry"
)

// A SourceInfo is what is known of a source that sent something of late. Texts
// are escaped.
type SourceInfo struct {
	Prefix      netip.Prefix
	State       State
	Score       float64 // of all offences, now
	Sure        float64 // of those that are proven, since the last ban
	First, Last time.Time
	Methods     map[sip.Method]uint32 // how often each was asked for
	Offences    Tally
	Fingerprint string // User-Agent, or "structure 5d1f03aa" where there is none; empty: nothing was read
	User        string // the last one that was asked for
	Users       int    // how many different ones, roughly, up to some 300
}

// A State is how a source is treated.
type State uint8

const (
	IsUnknown State = iota
	IsPoliced
	IsBanned
	IsProven
	IsKnown
)

var stateNames = [...]string{"unknown", "policed", "banned", "proven", "known"}

func (s State) String() string { return stateNames[s] }

// Asked notes a request for the list of Sources: who asks for what. It is for
// requests of who is not known, before anything is refused.
func (g *Guard) Asked(now time.Duration, from From, r Request) {
	if g.exempt(from.Src.Addr()) {
		return
	}
	s := sourceOf(from.Src.Addr())
	var user uint64
	if len(r.User) > 0 {
		user = g.seed.user(r.User)
	}
	g.scores.ask(now, s, g.seed.source(s), user, from, &r)
}

// Sources returns the sources that sent something of late, the last one first. A
// source that was banned in the kernel sends nothing that is seen here.
func (g *Guard) Sources(now time.Duration) []SourceInfo {
	var list []SourceInfo
	for i := range g.scores.sets {
		list = g.sourcesOf(list, now, &g.scores.sets[i])
	}
	slices.SortFunc(list, func(a, b SourceInfo) int { return b.Last.Compare(a.Last) })
	return list
}

func (g *Guard) sourcesOf(list []SourceInfo, now time.Duration, set *scoreSet) []SourceInfo {
	set.mu.Lock()
	defer set.mu.Unlock()
	for i := range set.keys {
		if s := source(set.keys[i].Load()); s != 0 {
			list = append(list, g.sourceInfo(now, s, set, i))
		}
	}
	return list
}

func (g *Guard) sourceInfo(now time.Duration, s source, set *scoreSet, i int) SourceInfo {
	n := &set.info[i]
	f := g.scores.fade(now - n.at)
	about := SourceInfo{
		Prefix: s.prefix(), State: g.state(now, s, n, set, i), Score: n.score * f, Sure: n.sure * f,
		First: g.wall(n.first), Last: g.wall(n.last), Offences: n.did, User: n.user.escaped(), Fingerprint: n.agent.escaped(),
		Users: different(n.users), Methods: map[sip.Method]uint32{},
	}
	if n.agent.n == 0 && n.printed {
		about.Fingerprint = fmt.Sprintf("structure %08x", n.print)
	}
	for m, times := range n.methods {
		if times > 0 {
			about.Methods[sip.Method(m)] = times
		}
	}
	return about
}

func (g *Guard) state(now time.Duration, s source, n *info, set *scoreSet, i int) State {
	if n.from.Src.IsValid() && g.known(n.from) >= Registered {
		return IsKnown
	}
	proven := g.proofs.find(now, s, g.seed.source(s)) != nil
	switch {
	case g.banned(now, s.addr()):
		return IsBanned
	case time.Duration(set.sure[i].Load()) > now, !proven && time.Duration(set.policed[i].Load()) > now:
		return IsPoliced
	case proven:
		return IsProven
	}
	return IsUnknown
}

func (t *text) escaped() string { return telemetry.Escape(string(t.b[:t.n])) }

// structure is a fingerprint of the names of a message's fields, in their order
// and spelling: tools that give themselves no name differ in it. It is the same
// in every process (FNV-1a).
func structure(b []byte) uint32 {
	h := uint32(2166136261)
	b = b[:min(len(b), headMax)]
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 || i+1 >= len(b) || b[i+1] == '\r' || b[i+1] == '\n' {
			return h
		}
		b = b[i+1:]
		for _, c := range b {
			h = (h ^ uint32(c)) * 16777619
			if c == ':' || c == '\n' {
				break
			}
		}
	}
}
