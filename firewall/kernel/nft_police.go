package kernel

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"sbc/firewall"
)

// Police replaces the listeners; and the rates, with their buckets, where they
// are others than before.
func (n *nft) Police(p firewall.Policing) error {
	all, err := placesOf(p)
	if err != nil {
		return err
	}
	conn := n.socket.conn
	for _, f := range n.table.families {
		conn.FlushSet(f.udp)
		conn.FlushSet(f.tcp)
		conn.FlushSet(f.local)
		err := n.add(f.udp, f.keys(all.udp))
		if err == nil {
			err = n.add(f.tcp, f.keys(all.tcp))
		}
		if err == nil {
			err = n.add(f.local, f.addresses(all.local))
		}
		if err != nil {
			return err
		}
	}
	rates := [4]firewall.Rate{p.Source, p.All, p.SourceFragments, p.AllFragments}
	if rates != n.rates {
		n.table.writeRates(conn, p)
	}
	if err := n.flush(); err != nil {
		return failed(fmt.Sprintf("police %d listeners", len(p.UDP)+len(p.TCP)), err)
	}
	n.rates = rates
	return nil
}

// writeRates adds the rules of rates in place of those that are there.
func (t *table) writeRates(conn *nftables.Conn, p firewall.Policing) {
	conn.FlushChain(t.all)
	conn.FlushChain(t.fragments)
	t.limitAll(conn, t.all, p.All, countAll)
	t.limitAll(conn, t.fragments, p.AllFragments, countFragments)
	for _, f := range t.families {
		conn.FlushChain(f.police)
		conn.FlushChain(f.policeFragments)
		conn.FlushSet(f.sources)
		conn.FlushSet(f.fragmentSources)
		t.limitEach(conn, f.police, f, f.sources, p.Source, countSource)
		t.limitEach(conn, f.policeFragments, f, f.fragmentSources, p.SourceFragments, countFragments)
		t.rule(conn, f.police, jumpTo(t.all))
		t.rule(conn, f.policeFragments, jumpTo(t.fragments))
	}
}

// limitAll drops what is over a rate that both families share: its bucket is
// the rule's.
func (t *table) limitAll(conn *nftables.Conn, c *nftables.Chain, r firewall.Rate, counter string) {
	if r.PerSecond > 0 {
		t.rule(conn, c, []expr.Any{over(r.PerSecond, burst(r))}, dropAs(counter))
	}
}

// limitEach drops what is over the rate of its source. A source that finds no
// room in the set is bounded by the rate of all.
func (t *table) limitEach(conn *nftables.Conn, c *nftables.Chain, f *family, s *nftables.Set, r firewall.Rate, counter string) {
	if r.PerSecond <= 0 {
		return
	}
	keep := *s
	keep.Timeout = sourceTime + time.Duration(burst(r))*time.Second/time.Duration(r.PerSecond)
	t.rule(conn, c, f.fromSource(), []expr.Any{update(&keep, reg0, over(r.PerSecond, burst(r)))}, dropAs(counter))
}

// burstMax keeps a bucket within the numbers of the kernel. Ours.
const burstMax = 1 << 20

func burst(r firewall.Rate) int { return min(max(r.Burst, 1), burstMax) }

// keys are the addresses and ports of a family, as they stand in registers.
func (f *family) keys(list []netip.AddrPort) (all [][]byte) {
	for _, l := range list {
		if l.Addr().Is6() == f.v6 {
			all = append(all, slices.Concat(l.Addr().AsSlice(), port16(l.Port())))
		}
	}
	return all
}

func (f *family) addresses(list []netip.Addr) (all [][]byte) {
	for _, a := range list {
		if a.Is6() == f.v6 {
			all = append(all, a.AsSlice())
		}
	}
	return all
}

// Counters returns what was dropped since the table was written.
func (n *nft) Counters() (c firewall.Counters, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	objects, err := ask(n.reader, func(c *nftables.Conn) ([]nftables.Obj, error) { return c.GetObjects(n.table.Table) })
	if err != nil {
		return c, failed("count", err)
	}
	for _, o := range objects {
		counter, ok := o.(*nftables.CounterObj)
		if !ok || counter.Table.Name != tableName || counter.Table.Family != nftables.TableFamilyINet {
			continue
		}
		switch counter.Name {
		case countBanned:
			c.Banned = counter.Packets
		case countSource:
			c.Source = counter.Packets
		case countAll:
			c.All = counter.Packets
		case countFragments:
			c.Fragments = counter.Packets
		}
	}
	return c, nil
}
