package kernel

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"
)

// begin writes the table. Of one that a killed process left, the sets of bans
// stay as they are, with the time that each has left; everything else is made
// anew in the same transaction, so that no packet of the banned passes between.
func (n *nft) begin() error {
	conn := n.socket.conn
	tables, err := conn.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	if !slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == tableName }) {
		return n.write()
	}
	sets, err := conn.GetSets(n.table.Table)
	if err != nil {
		return fmt.Errorf("read table inet %s: %w", tableName, err)
	}
	switch {
	case n.table.adoptable(sets):
		if err := n.clear(sets); err != nil {
			return err
		}
	case n.table.ours(sets):
		conn.DelTable(n.table.Table) // of another version
	default:
		return fmt.Errorf("there is a table inet %s that is not ours: nft delete table inet %s", tableName, tableName)
	}
	return n.write()
}

func (n *nft) write() error {
	if err := n.table.write(n.socket.conn); err != nil {
		return err
	}
	if err := n.flush(); err != nil {
		return fmt.Errorf("write table inet %s: %w", tableName, err)
	}
	return nil
}

// ours reports whether a table was made by this engine, of whatever version:
// there is a set of bans in it.
func (t *table) ours(sets []*nftables.Set) bool {
	return slices.ContainsFunc(sets, func(s *nftables.Set) bool {
		return slices.ContainsFunc(t.families, func(f *family) bool { return f.bansIn(s.Name) })
	})
}

// adoptable reports whether all sets of bans are there, as we make them.
func (t *table) adoptable(sets []*nftables.Set) bool {
	for _, f := range t.families {
		for _, b := range f.bans {
			same := func(s *nftables.Set) bool {
				return s.Name == b.set.Name && s.HasTimeout && !s.Interval && s.KeyType.Bytes == b.set.KeyType.Bytes && s.Size == b.set.Size
			}
			if !slices.ContainsFunc(sets, same) {
				return false
			}
		}
	}
	return true
}

// clear takes everything but bans out of the table, in the transaction that is
// being written.
func (n *nft) clear(sets []*nftables.Set) error {
	conn := n.socket.conn
	chains, err := conn.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return fmt.Errorf("list chains: %w", err)
	}
	objects, err := conn.GetObjects(n.table.Table)
	if err != nil {
		return fmt.Errorf("list counters: %w", err)
	}
	conn.FlushTable(n.table.Table)
	for _, c := range chains {
		if c.Table.Name == tableName {
			conn.DelChain(c)
		}
	}
	for _, s := range sets {
		if !slices.ContainsFunc(n.table.families, func(f *family) bool { return f.bansIn(s.Name) }) {
			conn.DelSet(s)
		}
	}
	var errs error
	for _, o := range objects {
		counter, ok := o.(*nftables.CounterObj)
		switch {
		case !ok:
			errs = errors.Join(errs, fmt.Errorf("table inet %s has an object that is not ours", tableName))
		case counter.Table.Name == tableName:
			conn.DeleteObject(counter)
		}
	}
	return errs
}

// bansIn reports whether a set is one of bans.
func (f *family) bansIn(name string) bool {
	return slices.ContainsFunc(f.bans, func(b banSet) bool { return b.set.Name == name })
}
