package turn

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// A limiter bounds a rate by source and in all, by the generic cell rate
// algorithm: of each it keeps the time at which it would have nothing left to
// wait for. Sources share a fixed table, so that nobody can make it grow; two
// that meet in it share their rate.
type limiter struct {
	perSource, all time.Duration // the interval of one request

	seed maphash.Seed

	mu  sync.Mutex
	due [limiterSlots]int64 // ns since 1970
	any int64
}

// Ours: 64 KiB of table, and two seconds' worth at once.
const (
	limiterSlots = 1 << 13
	burst        = 2 * time.Second
)

func newLimiter(r Rate) *limiter {
	return &limiter{
		perSource: time.Second / time.Duration(r.PerSource), all: time.Second / time.Duration(r.All),
		seed: maphash.MakeSeed(),
	}
}

// allow reports whether one more request of src is within the rates.
func (l *limiter) allow(now time.Time, src netip.Addr) bool {
	a := household(src).As16()
	at := now.UnixNano()
	l.mu.Lock()
	defer l.mu.Unlock()
	slot := &l.due[maphash.Bytes(l.seed, a[:])%limiterSlots]
	if *slot-at > int64(burst-l.perSource) || l.any-at > int64(burst-l.all) {
		return false
	}
	*slot = max(*slot, at) + int64(l.perSource)
	l.any = max(l.any, at) + int64(l.all)
	return true
}

// household is what counts as one client address: all of a /64 are one
// customer's.
func household(a netip.Addr) netip.Addr {
	if a.Is6() {
		return netip.PrefixFrom(a, 64).Masked().Addr()
	}
	return a
}
