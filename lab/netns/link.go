package netns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// mtu of the cables. Ours: a SIP message with every field that a test can
// think of stays in one frame, so that a capture needs no reassembly.
const mtu = 9000

// An End is one end of a cable: the interface in a namespace, and its address.
// The zero Addr gives it none.
type End struct {
	Space     *Space
	Interface string
	Addr      netip.Prefix
}

// Join lays a veth cable between two namespaces and brings both ends up.
func Join(a, b End) error {
	h, err := a.Space.handle()
	if err != nil {
		return err
	}
	defer h.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = a.Interface, mtu
	err = h.LinkAdd(&netlink.Veth{
		LinkAttrs:     attrs,
		PeerName:      b.Interface,
		PeerNamespace: netlink.NsFd(b.Space.ns),
		PeerMTU:       mtu,
	})
	if err != nil {
		return fmt.Errorf("join %s/%s and %s/%s: %w", a.Space.name, a.Interface, b.Space.name, b.Interface, err)
	}
	for _, e := range []End{a, b} {
		if e.Addr.IsValid() {
			if err := e.Space.AddAddr(e.Interface, e.Addr); err != nil {
				return err
			}
		}
		if err := e.Space.up(e.Interface); err != nil {
			return err
		}
	}
	for _, e := range []End{a, b} {
		if err := e.Space.carries(e.Interface); err != nil {
			return err
		}
	}
	return nil
}

// carrierTime is more than the kernel needs on a machine that is very busy.
const carrierTime = 10 * time.Second

// carries waits until an interface carries packets: the kernel notices a
// carrier some time after both ends are up, and drops what is sent before. A
// lost ARP request costs a second.
func (s *Space) carries(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), carrierTime)
	defer cancel()
	return s.onLink(name, func(h *netlink.Handle, link netlink.Link) error {
		return Await(ctx, func() bool {
			now, err := h.LinkByIndex(link.Attrs().Index)
			return err == nil && now.Attrs().OperState == netlink.OperUp
		})
	})
}

// AddAddr gives an interface one more address.
func (s *Space) AddAddr(name string, addr netip.Prefix) error {
	return s.onLink(name, func(h *netlink.Handle, link netlink.Link) error {
		// An IPv6 address is good at once: nobody else is there to have it.
		a := &netlink.Addr{IPNet: ipNet(addr)}
		if addr.Addr().Is6() {
			a.Flags = unix.IFA_F_NODAD
		}
		return h.AddrAdd(link, a)
	})
}

// Route sends what goes to a prefix by a next hop. The prefix 0.0.0.0/0 is
// the default route, ::/0 that of IPv6.
func (s *Space) Route(to netip.Prefix, via netip.Addr) error {
	h, err := s.handle()
	if err != nil {
		return err
	}
	defer h.Close()
	if err := h.RouteAdd(&netlink.Route{Dst: ipNet(to), Gw: net.IP(via.AsSlice())}); err != nil {
		return fmt.Errorf("route %s via %s in %q: %w", to, via, s.name, err)
	}
	return nil
}

// up brings an interface up.
func (s *Space) up(name string) error {
	return s.onLink(name, func(h *netlink.Handle, link netlink.Link) error {
		return h.LinkSetUp(link)
	})
}

func (s *Space) onLink(name string, f func(*netlink.Handle, netlink.Link) error) error {
	h, err := s.handle()
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(name)
	if err == nil {
		err = f(h, link)
	}
	if err != nil {
		return fmt.Errorf("interface %s/%s: %w", s.name, name, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{
		IP:   net.IP(p.Addr().AsSlice()),
		Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
	}
}
