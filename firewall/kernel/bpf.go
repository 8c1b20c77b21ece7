package kernel

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"sbc/fastpath"
	"sbc/firewall"
)

// leaseTime is how long a filter of clsact works on after the process that
// attached it was killed. Ours: a process that gets no processor during a flood
// keeps its protection for as long.
const leaseTime = 30 * time.Second

// bpf is the engine of the three hooks.
type bpf struct {
	// Constant after open.
	program *fastpath.Program
	hook    fastpath.Hook
	lease   time.Duration // of clsact
	stop    chan struct{} // closed to end the renewal; nil without one
	renewal sync.WaitGroup

	// Owned by who calls.
	spares spares

	mu     sync.RWMutex
	closed bool // Guarded by mu: Counters, which any may call, needs the maps.
}

// openBPF attaches the program by the first hook that the kernel has.
func openBPF(interfaces []string, lease time.Duration, hooks ...fastpath.Hook) (*bpf, error) {
	program, err := fastpath.Load()
	if err != nil {
		return nil, err
	}
	var errs error
	for _, hook := range hooks {
		b := &bpf{program: program, hook: hook, lease: lease, spares: newSpares()}
		err := b.attach(interfaces)
		if err == nil {
			return b, nil
		}
		errs = errors.Join(errs, err)
		if !errors.Is(err, errors.ErrUnsupported) {
			break
		}
	}
	return nil, errors.Join(errs, program.Close())
}

func (b *bpf) attach(interfaces []string) error {
	if b.hook != fastpath.Clsact {
		return b.program.Attach(b.hook, interfaces)
	}
	if err := b.program.Lease(b.lease); err != nil {
		return err
	}
	if err := b.program.Attach(b.hook, interfaces); err != nil {
		return err
	}
	b.stop = make(chan struct{})
	b.renewal.Add(1)
	go b.renew()
	return nil
}

// renew keeps the lease. When it cannot, the program passes everything soon,
// and what it does not refuse is refused in user space.
func (b *bpf) renew() {
	defer b.renewal.Done()
	tick := time.NewTicker(b.lease / 6)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-tick.C:
			_ = b.program.Lease(b.lease)
		}
	}
}

func (b *bpf) Name() string { return string(b.hook) }

func (b *bpf) Ban(prefix netip.Prefix, after time.Duration) error {
	p, err := checkBan(prefix)
	if err != nil {
		return err
	}
	if after <= 0 {
		return b.Unban(p)
	}
	return b.failed("ban "+p.String(), b.program.Ban(p, after))
}

func (b *bpf) Unban(prefix netip.Prefix) error {
	p, err := checkBan(prefix)
	if err != nil {
		return err
	}
	return b.failed("unban "+p.String(), b.program.Unban(p))
}

func (b *bpf) Banned() (list []firewall.Banned, err error) {
	bans, err := b.program.Bans()
	for _, ban := range bans {
		list = append(list, firewall.Banned{Prefix: ban.Prefix, Left: ban.Left})
	}
	return list, b.failed("list bans", err)
}

func (b *bpf) Trust(prefixes []netip.Prefix) error {
	return b.failed(fmt.Sprintf("trust %d prefixes", len(prefixes)), b.program.Trust(prefixes))
}

func (b *bpf) Spare(flow firewall.Spared, on bool) error {
	e, err := entryOf(flow)
	if err != nil {
		return err
	}
	for i, each := range b.spares.change(e, on) {
		f := fastpath.Flow{Remote: each.remote, Local: each.local, Proto: each.proto}
		if !on {
			err = b.program.Unspare(f)
		} else if err = b.program.Spare(f); err != nil && i > 0 {
			_ = b.program.Unspare(fastpath.Flow{Remote: e.remote, Local: e.local, Proto: e.proto})
		}
		if err != nil {
			return b.failed(fmt.Sprintf("spare %v", e.remote), err)
		}
	}
	b.spares.done(e, on)
	return nil
}

func (b *bpf) Police(p firewall.Policing) error {
	all, err := placesOf(p)
	if err != nil {
		return err
	}
	var list []fastpath.Listener
	for _, l := range all.udp {
		list = append(list, fastpath.Listener{Local: l, Proto: protoUDP})
	}
	for _, l := range all.tcp {
		list = append(list, fastpath.Listener{Local: l, Proto: protoTCP})
	}
	for _, l := range all.local {
		list = append(list, fastpath.Listener{Local: netip.AddrPortFrom(l, 0)})
	}
	err = b.program.Limit(
		fastpath.Bounds{Source: fastpath.Rate(p.Source), All: fastpath.Rate(p.All)},
		fastpath.Bounds{Source: fastpath.Rate(p.SourceFragments), All: fastpath.Rate(p.AllFragments)})
	if err == nil {
		err = b.program.Listen(list)
	}
	return b.failed(fmt.Sprintf("police %d listeners", len(p.UDP)+len(p.TCP)), err)
}

func (b *bpf) Counters() (firewall.Counters, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		return firewall.Counters{}, b.failed("count", os.ErrClosed)
	}
	c, err := b.program.Counters()
	return firewall.Counters(c), b.failed("count", err)
}

func (b *bpf) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	if b.stop != nil {
		close(b.stop)
		b.renewal.Wait()
	}
	return b.failed("close", b.program.Close())
}

// failed says what failed, and in which engine.
func (b *bpf) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %s: %w", b.hook, what, err)
}
