package fastpath

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// How the filter is found again when the process that attached it was killed.
// Ours: the priority is one that nobody chooses by himself, so that other
// filters keep their places.
const (
	filterName     = "sbc-fastpath"
	filterPriority = 23490
	filterHandle   = 1
)

// attachClsact makes the program a filter of the device's clsact discipline, in
// place of one that an earlier process left.
func (p *Program) attachClsact(l netlink.Link) (func() error, error) {
	made, err := p.clsact(l)
	if err != nil {
		return nil, err
	}
	filter := &netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: l.Attrs().Index, Parent: netlink.HANDLE_MIN_INGRESS,
			Handle: filterHandle, Protocol: unix.ETH_P_ALL, Priority: filterPriority,
		},
		Fd: p.objects.FastpathTc.FD(), Name: filterName, DirectAction: true,
	}
	detach := func() error {
		err := p.routes.FilterDel(filter)
		if made {
			err = errors.Join(err, p.removeClsact(l))
		}
		return err
	}
	if err := p.filterIsFree(l); err != nil {
		return nil, err
	}
	if err := p.routes.FilterReplace(filter); err != nil {
		if made {
			_ = p.removeClsact(l)
		}
		return nil, fmt.Errorf("attach a filter of clsact: %w", err)
	}
	return detach, nil
}

func clsactOf(l netlink.Link) netlink.Qdisc {
	attrs := netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}
	return &netlink.GenericQdisc{QdiscAttrs: attrs, QdiscType: "clsact"}
}

// clsact adds the discipline, and reports whether it was not there.
func (p *Program) clsact(l netlink.Link) (made bool, err error) {
	err = p.routes.QdiscAdd(clsactOf(l))
	if errors.Is(err, unix.EEXIST) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("add clsact: %w", err)
	}
	return true, nil
}

// removeClsact removes the discipline that we added, unless somebody else uses
// it now.
func (p *Program) removeClsact(l netlink.Link) error {
	for _, parent := range []uint32{netlink.HANDLE_MIN_INGRESS, netlink.HANDLE_MIN_EGRESS} {
		filters, err := p.routes.FilterList(l, parent)
		if err != nil || len(filters) > 0 {
			return err
		}
	}
	return p.routes.QdiscDel(clsactOf(l))
}

// filterIsFree makes sure that what is replaced is ours.
func (p *Program) filterIsFree(l netlink.Link) error {
	filters, err := p.routes.FilterList(l, netlink.HANDLE_MIN_INGRESS)
	if err != nil {
		return fmt.Errorf("list the filters of clsact: %w", err)
	}
	for _, f := range filters {
		if f.Attrs().Priority != filterPriority {
			continue
		}
		if b, ok := f.(*netlink.BpfFilter); !ok || b.Name != filterName {
			return fmt.Errorf("another's filter has priority %d: remove it with tc filter del", filterPriority)
		}
	}
	return nil
}
