package fastpath

import (
	"time"

	"github.com/cilium/ebpf"
)

// A Rate is a token bucket. PerSecond 0: no bound.
type Rate struct {
	PerSecond int
	Burst     int // packets that may come at once; less than 1 counts as 1
}

// Bounds are the rates of what strangers send. A source is an IPv4 address or an
// IPv6 /64.
type Bounds struct {
	Source Rate // of one source
	All    Rate // of all together
}

// The kinds of what strangers send: enum kind of maps.h.
const (
	kindPacket uint32 = iota
	kindFragment
)

// Limit replaces the bounds: of UDP and SYNs, and of fragments.
func (p *Program) Limit(packets, fragments Bounds) error {
	if err := p.objects.Limits.Update(kindPacket, packets.value(), ebpf.UpdateAny); err != nil {
		return err
	}
	return p.objects.Limits.Update(kindFragment, fragments.value(), ebpf.UpdateAny)
}

func (b Bounds) value() fastpathBounds {
	return fastpathBounds{Source: b.Source.value(), All: b.All.value()}
}

// burstMax keeps a bucket's time far from the end of a number. Ours.
const burstMax = 1 << 20

func (r Rate) value() fastpathRate {
	if r.PerSecond <= 0 {
		return fastpathRate{}
	}
	interval := uint64(max(time.Second/time.Duration(r.PerSecond), 1))
	return fastpathRate{Interval: interval, Ahead: interval * uint64(min(max(r.Burst, 1), burstMax)-1)}
}

// Lease lets the program work for a time; when it is over every packet passes,
// until the lease is renewed. 0: without an end, as after Load. A program that
// outlives its process is held by it.
func (p *Program) Lease(d time.Duration) error {
	if d <= 0 {
		return p.objects.Lease.Update(uint32(0), uint64(0), ebpf.UpdateAny)
	}
	now, err := monotonic()
	if err != nil {
		return err
	}
	return p.objects.Lease.Update(uint32(0), now+uint64(d), ebpf.UpdateAny)
}
