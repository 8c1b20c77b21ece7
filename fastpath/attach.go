package fastpath

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// A Hook is where in the kernel the program is attached.
type Hook string

const (
	TCX    Hook = "tcx"    // where packets come in, of any device; Linux 6.6
	Clsact Hook = "clsact" // the same, attached as a filter of a queueing discipline
	XDP    Hook = "xdp"    // in the device's driver, where that can
)

// An attachment is the program on one interface.
type attachment struct {
	name   string
	detach func() error
}

// Attach attaches the program to interfaces of the network namespace of the
// calling thread: to all or to none. An interface that stands on another of
// them (a VLAN) is left out: its packets pass by the other one first, and would
// be counted twice. An error that is errors.ErrUnsupported says that the kernel
// does not have the hook.
func (p *Program) Attach(hook Hook, interfaces []string) error {
	if len(interfaces) == 0 {
		return errors.New("no interface to attach to")
	}
	if p.routes == nil {
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("netlink: %w", err)
		}
		p.routes = h
	}
	on, err := p.links(interfaces)
	if err != nil {
		return err
	}
	for _, l := range on {
		detach, err := p.attach(hook, l)
		if err != nil {
			_ = p.detach()
			return fmt.Errorf("%s: %w", l.Attrs().Name, err)
		}
		p.attached = append(p.attached, attachment{l.Attrs().Name, detach})
	}
	return nil
}

// stacked are kinds of interfaces whose packets pass by their parent first.
var stacked = []string{"vlan", "macvlan", "macvtap", "ipvlan"}

// links looks interfaces up, each once, and leaves out those that stand on
// others.
func (p *Program) links(names []string) (list []netlink.Link, err error) {
	for _, name := range names {
		l, err := p.routes.LinkByName(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if t := l.Attrs().EncapType; t != "ether" && t != "loopback" {
			return nil, fmt.Errorf("%s: its packets are no Ethernet frames (%s)", name, t)
		}
		if !slices.ContainsFunc(list, func(o netlink.Link) bool { return o.Attrs().Index == l.Attrs().Index }) {
			list = append(list, l)
		}
	}
	all := slices.Clone(list)
	return slices.DeleteFunc(list, func(l netlink.Link) bool {
		return slices.Contains(stacked, l.Type()) && slices.ContainsFunc(all, func(o netlink.Link) bool {
			return o.Attrs().Index == l.Attrs().ParentIndex
		})
	}), nil
}

func (p *Program) attach(hook Hook, l netlink.Link) (detach func() error, err error) {
	switch hook {
	case TCX:
		return p.attachTCX(l)
	case Clsact:
		return p.attachClsact(l)
	case XDP:
		return p.attachXDP(l)
	}
	return nil, fmt.Errorf("no hook %q", hook)
}

// attachTCX attaches before other programs of tcx, so that what is refused
// costs those nothing.
func (p *Program) attachTCX(l netlink.Link) (func() error, error) {
	on, err := link.AttachTCX(link.TCXOptions{
		Interface: l.Attrs().Index, Program: p.objects.FastpathTc, Attach: ebpf.AttachTCXIngress, Anchor: link.Head(),
	})
	if errors.Is(err, ebpf.ErrNotSupported) {
		return nil, fmt.Errorf("tcx needs Linux 6.6: %w", errors.ErrUnsupported)
	}
	if err != nil {
		return nil, err
	}
	return on.Close, nil
}

// attachXDP attaches to the driver, and asks the kernel whether it did.
func (p *Program) attachXDP(l netlink.Link) (func() error, error) {
	on, err := link.AttachXDP(link.XDPOptions{Interface: l.Attrs().Index, Program: p.objects.FastpathXdp, Flags: link.XDPDriverMode})
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return nil, fmt.Errorf("its driver has no XDP: %w", unix.EOPNOTSUPP)
	case errors.Is(err, unix.EBUSY):
		return nil, fmt.Errorf("another XDP program is attached: %w", err)
	case err != nil:
		return nil, fmt.Errorf("XDP in the driver (an MTU over the page, or too few queues?): %w", err)
	}
	now, err := p.routes.LinkByIndex(l.Attrs().Index)
	if err == nil && (now.Attrs().Xdp == nil || now.Attrs().Xdp.AttachMode != nl.XDP_ATTACHED_DRV) {
		err = errors.New("XDP was attached, but not in the driver")
	}
	if err != nil {
		_ = on.Close()
		return nil, err
	}
	return on.Close, nil
}

// detach detaches the program everywhere.
func (p *Program) detach() error {
	var errs error
	for _, a := range p.attached {
		// An interface that is gone took the program with it.
		if err := a.detach(); err != nil && !errors.Is(err, unix.ENODEV) {
			errs = errors.Join(errs, fmt.Errorf("detach from %s: %w", a.name, err))
		}
	}
	p.attached = nil
	return errs
}
