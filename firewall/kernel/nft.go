package kernel

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"sbc/firewall"
)

// errFull is what a set without room answers.
var errFull = errors.New("the set is full")

// nft is the engine nftables.
type nft struct {
	// Constant after open.
	table *table

	// Owned by who calls.
	socket *socket
	spares spares
	rates  [4]firewall.Rate

	mu     sync.Mutex
	reader *socket // Guarded by mu. Of Counters, which any may call.
}

// openNFT writes the table, or goes on with one that a killed process left.
func openNFT() (*nft, error) {
	n := &nft{table: newTable(), spares: newSpares()}
	var err error
	if n.socket, err = openSocket(); err != nil {
		return nil, err
	}
	if n.reader, err = openSocket(); err != nil {
		return nil, errors.Join(err, n.socket.close())
	}
	if err := n.begin(); err != nil {
		return nil, errors.Join(err, n.socket.close(), n.reader.close())
	}
	return n, nil
}

func (n *nft) Name() string { return "nftables" }

// elementsMax is how many elements go into one message: its length is a number
// of 16 bits. Ours: the longest have 100 octets.
const elementsMax = 512

// add adds keys to a set, in the transaction that is being written.
func (n *nft) add(s *nftables.Set, keys [][]byte) error {
	elements := make([]nftables.SetElement, len(keys))
	for i, key := range keys {
		elements[i].Key = key
	}
	return n.addElements(s, elements)
}

func (n *nft) addElements(s *nftables.Set, elements []nftables.SetElement) error {
	for part := range slices.Chunk(elements, elementsMax) {
		if err := n.socket.conn.SetAddElements(s, part); err != nil {
			return err
		}
	}
	return nil
}

// flush carries out the transaction.
func (n *nft) flush() error {
	err := n.socket.flush()
	if errors.Is(err, unix.ENFILE) {
		return errFull
	}
	return err
}

func failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("nftables: %s: %w", what, err)
}

// banSet returns the set that a ban belongs to, and its key.
func (n *nft) banSet(p netip.Prefix) (*nftables.Set, []nftables.SetElement) {
	for _, f := range n.table.families {
		for _, b := range f.bans {
			if f.v6 == p.Addr().Is6() && b.bits == p.Bits() {
				return b.set, []nftables.SetElement{{Key: p.Addr().AsSlice()}}
			}
		}
	}
	panic("a ban of a length that was not checked")
}

// Ban adds an element with a timeout. Older kernels keep the time of one that is
// there, so that it is taken out first, which needs one to be there.
func (n *nft) Ban(prefix netip.Prefix, after time.Duration) error {
	p, err := checkBan(prefix)
	if err != nil {
		return err
	}
	if after <= 0 {
		return n.Unban(p)
	}
	s, element := n.banSet(p)
	if err := n.unban(s, element); err != nil {
		return err
	}
	element[0].Timeout = max(after, time.Millisecond)
	if err := n.addElements(s, element); err != nil {
		return err
	}
	return failed("ban "+p.String(), n.flush())
}

// Unban takes an element out, which needs it to be there.
func (n *nft) Unban(prefix netip.Prefix) error {
	p, err := checkBan(prefix)
	if err != nil {
		return err
	}
	if err := n.unban(n.banSet(p)); err != nil {
		return err
	}
	return failed("unban "+p.String(), n.flush())
}

func (n *nft) unban(s *nftables.Set, element []nftables.SetElement) error {
	if err := n.addElements(s, element); err != nil {
		return err
	}
	return n.socket.conn.SetDeleteElements(s, element)
}

func (n *nft) Banned() (list []firewall.Banned, err error) {
	for _, f := range n.table.families {
		for _, b := range f.bans {
			elements, err := ask(n.socket, func(c *nftables.Conn) ([]nftables.SetElement, error) { return c.GetSetElements(b.set) })
			if err != nil {
				return nil, failed("list bans", err)
			}
			for _, e := range elements {
				a, ok := netip.AddrFromSlice(e.Key)
				if ok && e.Expires > 0 {
					list = append(list, firewall.Banned{Prefix: netip.PrefixFrom(a, b.bits), Left: e.Expires})
				}
			}
		}
	}
	return list, nil
}

// Spare adds a flow, or takes it out.
func (n *nft) Spare(flow firewall.Spared, on bool) error {
	e, err := entryOf(flow)
	if err != nil {
		return err
	}
	var elements []nftables.SetElement
	for _, each := range n.spares.change(e, on) {
		elements = append(elements, nftables.SetElement{Key: flowKey(each)})
	}
	if len(elements) == 0 {
		return nil
	}
	set := n.table.families[0].spared
	if e.remote.Addr().Is6() {
		set = n.table.families[1].spared
	}
	if on {
		err = n.socket.conn.SetAddElements(set, elements)
	} else {
		err = n.socket.conn.SetDeleteElements(set, elements)
	}
	if err == nil {
		err = n.flush()
	}
	if err != nil {
		return failed(fmt.Sprintf("spare %v", e.remote), err)
	}
	n.spares.done(e, on)
	return nil
}

// Close removes the table.
func (n *nft) Close() error {
	if n.socket.closed {
		return nil
	}
	n.socket.conn.DelTable(n.table.Table)
	err := n.flush()
	n.mu.Lock()
	defer n.mu.Unlock()
	return failed("close", errors.Join(err, n.socket.close(), n.reader.close()))
}
