package kernel

import (
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// tableName is the table, of family inet.
const tableName = "sbc"

// hookPriority is before conntrack's defragmentation, which is at -400: behind
// it there are no fragments, and their memory is spent.
const hookPriority = -450

// Ours: the sizes of the sets. maps.h of package fastpath has the same.
const (
	trustedMax   = 16384 // prefixes
	bannedMax    = 65536 // of each length
	sparedMax    = 131072
	listenersMax = 4096
	sourcesMax   = 65536
)

// sourceTime is how long a source is remembered after its last packet, at
// least. Ours: a bucket that takes longer to fill is kept until it is full.
const sourceTime = 10 * time.Second

// Names of the counters.
const (
	countBanned    = "banned"
	countSource    = "source"
	countAll       = "all"
	countFragments = "fragments"
)

// A family is one of the two halves of the table.
type family struct {
	v6       bool
	number   byte // of nf_tables
	suffix   string
	address  nftables.SetDatatype
	from, to field
	source   []byte // the mask of what is one source
	// The masks of bans, by the name of their set.
	bans []banSet

	trusted, spared           *nftables.Set
	udp, tcp, local           *nftables.Set // listeners
	sources, fragmentSources  *nftables.Set // with a limit for each
	input, ban                *nftables.Chain
	stranger, police          *nftables.Chain
	fragment, policeFragments *nftables.Chain
}

// A banSet has the bans of one length.
type banSet struct {
	bits int
	mask []byte // nil: the whole address
	set  *nftables.Set
}

// A table is ours as a whole. Its sets and chains have the same names in every
// process, so that one can go on where another was killed.
type table struct {
	*nftables.Table
	families       []*family
	hook           *nftables.Chain
	all, fragments *nftables.Chain // the bounds of all strangers
	sets           uint32
}

func newTable() *table {
	t := &table{Table: &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet}}
	policy := nftables.ChainPolicyAccept
	t.hook = t.chain("prerouting")
	t.hook.Type, t.hook.Policy = nftables.ChainTypeFilter, &policy
	t.hook.Hooknum, t.hook.Priority = nftables.ChainHookPrerouting, nftables.ChainPriorityRef(hookPriority)
	t.all, t.fragments = t.chain("all"), t.chain("fragments")
	for _, f := range []*family{
		{number: unix.NFPROTO_IPV4, suffix: "4", address: nftables.TypeIPAddr,
			from: field{expr.PayloadBaseNetworkHeader, 12, 4}, to: field{expr.PayloadBaseNetworkHeader, 16, 4}},
		{v6: true, number: unix.NFPROTO_IPV6, suffix: "6", address: nftables.TypeIP6Addr,
			from: field{expr.PayloadBaseNetworkHeader, 8, 16}, to: field{expr.PayloadBaseNetworkHeader, 24, 16}, source: mask6(64)},
	} {
		t.fill(f)
		t.families = append(t.families, f)
	}
	return t
}

// mask6 is a mask of an IPv6 address.
func mask6(bits int) []byte {
	m := make([]byte, 16)
	for i := range bits / 8 {
		m[i] = 0xff
	}
	return m
}

// fill names the sets and chains of a family.
func (t *table) fill(f *family) {
	if !f.v6 {
		f.bans = []banSet{{bits: 32, set: t.set(nftables.Set{Name: "banned32", KeyType: f.address, HasTimeout: true, Size: bannedMax})}}
	} else {
		for _, b := range []struct {
			bits int
			name string
		}{{64, "banned64"}, {56, "banned56"}, {48, "banned48"}} {
			f.bans = append(f.bans, banSet{b.bits, mask6(b.bits), t.set(nftables.Set{Name: b.name, KeyType: f.address, HasTimeout: true, Size: bannedMax})})
		}
	}
	port := nftables.TypeInetService
	flow := nftables.MustConcatSetType(f.address, port, f.address, port, nftables.TypeInetProto)
	place := nftables.MustConcatSetType(f.address, port)
	f.trusted = t.set(nftables.Set{Name: "trusted" + f.suffix, KeyType: f.address, Interval: true, Size: 2 * trustedMax})
	f.spared = t.set(nftables.Set{Name: "spared" + f.suffix, KeyType: flow, Concatenation: true, Size: sparedMax})
	f.udp = t.set(nftables.Set{Name: "udp" + f.suffix, KeyType: place, Concatenation: true, Size: listenersMax})
	f.tcp = t.set(nftables.Set{Name: "tcp" + f.suffix, KeyType: place, Concatenation: true, Size: listenersMax})
	f.local = t.set(nftables.Set{Name: "local" + f.suffix, KeyType: f.address, Size: listenersMax})
	limits := nftables.Set{KeyType: f.address, Dynamic: true, HasTimeout: true, Timeout: sourceTime, Size: sourcesMax}
	limits.Name = "sources" + f.suffix
	f.sources = t.set(limits)
	limits.Name = "fragment-sources" + f.suffix
	f.fragmentSources = t.set(limits)

	f.input, f.ban = t.chain("ip"+f.suffix), t.chain("ban"+f.suffix)
	f.stranger, f.police = t.chain("stranger"+f.suffix), t.chain("police"+f.suffix)
	f.fragment, f.policeFragments = t.chain("fragment"+f.suffix), t.chain("police-fragments"+f.suffix)
}

// set gives a set its number, which the library would take from a variable that
// nothing guards.
func (t *table) set(s nftables.Set) *nftables.Set {
	t.sets++
	s.Table, s.ID = t.Table, t.sets
	return &s
}

func (t *table) chain(name string) *nftables.Chain {
	return &nftables.Chain{Name: name, Table: t.Table}
}

// listed are all sets but those of bans.
func (f *family) listed() []*nftables.Set {
	return []*nftables.Set{f.trusted, f.spared, f.udp, f.tcp, f.local, f.sources, f.fragmentSources}
}

// chains are those that others jump to, before those that jump.
func (t *table) chains() []*nftables.Chain {
	list := []*nftables.Chain{t.all, t.fragments}
	for _, f := range t.families {
		list = append(list, f.police, f.policeFragments, f.stranger, f.fragment, f.ban, f.input)
	}
	return append(list, t.hook)
}

// write adds everything to a transaction, without bans: their sets may exist.
func (t *table) write(conn *nftables.Conn) error {
	conn.AddTable(t.Table)
	for _, name := range []string{countBanned, countSource, countAll, countFragments} {
		conn.AddObj(&nftables.CounterObj{Table: t.Table, Name: name})
	}
	for _, f := range t.families {
		for _, b := range f.bans {
			if err := conn.AddSet(b.set, nil); err != nil {
				return err
			}
		}
		for _, s := range f.listed() {
			if err := conn.AddSet(s, nil); err != nil {
				return err
			}
		}
	}
	for _, c := range t.chains() {
		conn.AddChain(c)
	}
	for _, f := range t.families {
		t.writeRules(conn, f)
	}
	return nil
}

// rule adds a rule.
func (t *table) rule(conn *nftables.Conn, c *nftables.Chain, parts ...[]expr.Any) {
	var all []expr.Any
	for _, p := range parts {
		all = append(all, p...)
	}
	conn.AddRule(&nftables.Rule{Table: t.Table, Chain: c, Exprs: all})
}
