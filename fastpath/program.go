package fastpath

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
)

// ErrFull is what a table without room answers.
var ErrFull = errors.New("the table is full")

// A Program is in the kernel with maps of its own. Its methods are called by one
// goroutine at a time, but Counters and Lease, which any may call. Who drops the
// last reference to it without Close detaches it at the next garbage collection.
type Program struct {
	// Constant after Load.
	objects fastpathObjects
	inner   struct{ trusted, listeners *ebpf.MapSpec }

	// Owned by who calls.
	routes   *netlink.Handle // of the namespace of Attach; nil before
	attached []attachment
}

// Load puts the program and its maps into the kernel and tries it on a few
// frames. Nothing is attached to it yet. An error that is os.ErrPermission says
// that CAP_BPF or CAP_NET_ADMIN is missing.
func Load() (*Program, error) {
	spec, err := loadFastpath()
	if err != nil {
		return nil, err
	}
	p := &Program{}
	p.inner.trusted = spec.Maps[fastpathMapTrusted].InnerMap
	p.inner.listeners = spec.Maps[fastpathMapListeners].InnerMap
	if err := spec.LoadAndAssign(&p.objects, nil); err != nil {
		return nil, fmt.Errorf("load the BPF program: %w", err)
	}
	if err := p.selfTest(); err != nil {
		_ = p.objects.Close()
		return nil, fmt.Errorf("test the BPF program: %w", err)
	}
	return p, nil
}

// Close detaches the program everywhere and lets it and its maps go.
func (p *Program) Close() error {
	err := p.detach()
	if p.routes != nil {
		p.routes.Close()
		p.routes = nil
	}
	return errors.Join(err, p.objects.Close())
}
