package fastpath

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// A Ban drops what comes from a prefix.
type Ban struct {
	Prefix netip.Prefix
	Left   time.Duration // until it ends
}

// monotonic is the clock of the program: bpf_ktime_get_ns.
func monotonic() (uint64, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0, fmt.Errorf("read the monotonic clock: %w", err)
	}
	return uint64(now.Nano()), nil
}

// Ban drops what comes from a prefix until after has passed. Prefixes are IPv4
// addresses and IPv6 /64, /56 and /48; one may contain another. 65,536 fit.
func (p *Program) Ban(prefix netip.Prefix, after time.Duration) error {
	key, err := banKey(prefix)
	if err != nil {
		return err
	}
	now, err := monotonic()
	if err != nil {
		return err
	}
	ends := now + uint64(max(after, 0))
	err = p.objects.Banned.Update(key, ends, ebpf.UpdateAny)
	if errors.Is(err, unix.E2BIG) {
		// Bans that have ended are in the way until somebody looks.
		if _, err := p.Bans(); err != nil {
			return err
		}
		err = p.objects.Banned.Update(key, ends, ebpf.UpdateAny)
	}
	return full(err, p.objects.Banned)
}

// full says it in our words when a map has no room.
func full(err error, m *ebpf.Map) error {
	if errors.Is(err, unix.E2BIG) || errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w: it holds %d", ErrFull, m.MaxEntries())
	}
	return err
}

// Unban lifts a ban; one that does not exist is no error.
func (p *Program) Unban(prefix netip.Prefix) error {
	key, err := banKey(prefix)
	if err != nil {
		return err
	}
	return gone(p.objects.Banned.Delete(key))
}

// gone is no error of an entry that was not there.
func gone(err error) error {
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil
	}
	return err
}

// Bans returns the bans that hold, and removes those that have ended.
func (p *Program) Bans() ([]Ban, error) {
	now, err := monotonic()
	if err != nil {
		return nil, err
	}
	var list []Ban
	var over []fastpathBan
	var key fastpathBan
	var ends uint64
	all := p.objects.Banned.Iterate()
	for all.Next(&key, &ends) {
		if ends <= now {
			over = append(over, key)
			continue
		}
		list = append(list, Ban{Prefix: prefixOf(key.Bits, key.Address), Left: time.Duration(ends - now)})
	}
	if err := all.Err(); err != nil {
		return nil, fmt.Errorf("read the bans: %w", err)
	}
	for _, key := range over {
		if err := gone(p.objects.Banned.Delete(key)); err != nil {
			return nil, fmt.Errorf("remove a ban that has ended: %w", err)
		}
	}
	return list, nil
}
