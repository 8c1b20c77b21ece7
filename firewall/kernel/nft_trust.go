package kernel

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
)

// A span is the addresses from first to last.
type span struct{ first, last netip.Addr }

// spans are prefixes of one family as spans that neither overlap nor touch, in
// their order.
func spans(prefixes []netip.Prefix, v6 bool) (list []span) {
	var all []span
	for _, p := range prefixes {
		if p.Addr().Is6() == v6 {
			all = append(all, span{p.Addr(), last(p)})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.first.Compare(b.first) })
	for _, s := range all {
		if n := len(list); n > 0 {
			before := &list[n-1]
			if next := before.last.Next(); !next.IsValid() || s.first.Compare(next) <= 0 {
				if s.last.Compare(before.last) > 0 {
					before.last = s.last
				}
				continue
			}
		}
		list = append(list, s)
	}
	return list
}

// last is the last address of a masked prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// Trust replaces the trusted in one transaction: no packet sees half of them.
func (n *nft) Trust(prefixes []netip.Prefix) error {
	what := fmt.Sprintf("trust %d prefixes", len(prefixes))
	plain := make([]netip.Prefix, 0, len(prefixes))
	for _, p := range prefixes {
		if !p.IsValid() {
			return failed(what, fmt.Errorf("%v is no prefix", p))
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		plain = append(plain, p.Masked())
	}
	families := n.table.families
	lists := make([][]span, len(families))
	for i, f := range families {
		if lists[i] = spans(plain, f.v6); len(lists[i]) > trustedMax {
			return failed(what, fmt.Errorf("%w: it holds %d", errFull, trustedMax))
		}
	}
	for i, f := range families {
		n.socket.conn.FlushSet(f.trusted)
		if err := n.addElements(f.trusted, intervals(lists[i])); err != nil {
			return failed(what, err)
		}
	}
	return failed(what, n.flush())
}

// intervals are spans as elements: where one begins, and where what follows it
// does, if anything does.
func intervals(list []span) (all []nftables.SetElement) {
	for _, s := range list {
		all = append(all, nftables.SetElement{Key: s.first.AsSlice()})
		if next := s.last.Next(); next.IsValid() {
			all = append(all, nftables.SetElement{Key: next.AsSlice(), IntervalEnd: true})
		}
	}
	return all
}
