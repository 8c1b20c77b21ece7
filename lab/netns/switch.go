package netns

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"

	"github.com/vishvananda/netlink"
)

// A Network is something that cables are plugged into.
type Network interface {
	// Plug lays a cable from e to the network. The end gets its address, if
	// it has one.
	Plug(e End) error
}

// A Switch joins any number of namespaces in one link.
type Switch struct {
	space *Space
	ports atomic.Int32
}

// The interface of a bridge, and its address. It is set, because a bridge
// without one takes the lowest of its ports', and changes it when a cable is
// plugged in.
const bridgeName = "lan"

var bridgeAddr = net.HardwareAddr{0x02, 0, 0, 0, 0, 0x01}

// NewSwitch makes a switch. The name is for messages only. The caller must
// Close it.
func NewSwitch(name string) (*Switch, error) {
	s, err := New(name)
	if err != nil {
		return nil, err
	}
	w := &Switch{space: s}
	if err := w.bridge(); err != nil {
		s.Close()
		return nil, err
	}
	return w, nil
}

// bridge makes the bridge in the namespace. What it forwards is not shown to
// netfilter, which has to do with what is routed only.
func (w *Switch) bridge() error {
	h, err := w.space.handle()
	if err != nil {
		return err
	}
	defer h.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr, attrs.MTU = bridgeName, bridgeAddr, mtu
	snooping := false
	if err := h.LinkAdd(&netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snooping}); err != nil {
		return fmt.Errorf("bridge in %q: %w", w.space.name, err)
	}
	err = w.space.Sysctl("net/bridge/bridge-nf-call-iptables", "0")
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	return w.space.up(bridgeName)
}

// Plug lays a cable from e to the switch.
func (w *Switch) Plug(e End) error {
	port := End{Space: w.space, Interface: fmt.Sprintf("port%d", w.ports.Add(1))}
	if err := Join(e, port); err != nil {
		return err
	}
	err := w.space.onLink(port.Interface, func(h *netlink.Handle, link netlink.Link) error {
		bridge, err := h.LinkByName(bridgeName)
		if err != nil {
			return err
		}
		return h.LinkSetMaster(link, bridge)
	})
	if err != nil {
		return err
	}
	return w.space.carries(bridgeName)
}

// Space returns the namespace of the switch: a capture of its interface
// "lan" sees what is broadcast, those of "port1" and so on what each cable
// carries, in the order in which they were plugged in.
func (w *Switch) Space() *Space { return w.space }

// Close lets the switch and its cables go.
func (w *Switch) Close() { w.space.Close() }
