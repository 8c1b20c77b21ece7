package firewall

import (
	"math/bits"
	"sync/atomic"
)

// counts are counters since New.
type counts struct {
	dropped  [causes][classes]atomic.Uint64
	offences [2][offences]atomic.Uint64 // by whether they were proven
	policed  atomic.Uint64
	banned   atomic.Uint64
	merged   atomic.Uint64
	evicted  atomic.Uint64
	refused  atomic.Uint64
	unspared atomic.Uint64
	made     atomic.Uint64

	kernelDone   atomic.Uint64
	kernelLost   atomic.Uint64
	kernelFailed atomic.Uint64
	kernelSyncs  atomic.Uint64
}

func (c *counts) offend(o Offences, proven bool) {
	list := &c.offences[0]
	if proven {
		list = &c.offences[1]
	}
	for o &= 1<<offences - 1; o != 0; o &= o - 1 {
		list[bits.TrailingZeros16(uint16(o))].Add(1)
	}
}

// Stats are counters since New, and what there is now.
type Stats struct {
	Dropped  map[Cause]map[Class]uint64 // what was refused, or would have been; all causes and classes
	Offences map[Offences][2]uint64     // by whether they were proven
	Policed  uint64                     // times that a source became policed
	Banned   uint64                     // bans that scores led to
	Merged   uint64                     // of those, the ones of several networks together
	Evicted  uint64                     // bans that ended because there were too many
	Refused  uint64                     // bans of who is never banned, that were not made
	Unspared uint64                     // registered flows that the kernel was not told, because there were too many

	Bans, Former, Flows int // that exist

	KernelDone   uint64 // calls that the kernel took
	KernelLost   uint64 // changes that found no room in the queue
	KernelFailed uint64 // calls that failed
	KernelSyncs  uint64 // times that the kernel was made equal
	KernelBehind bool   // it is not now
}

// Stats returns the counters.
func (g *Guard) Stats() Stats {
	c := &g.counts
	s := Stats{
		Dropped: map[Cause]map[Class]uint64{}, Offences: map[Offences][2]uint64{},
		Policed: c.policed.Load(), Banned: c.banned.Load(), Merged: c.merged.Load(), Evicted: c.evicted.Load(), Refused: c.refused.Load(), Unspared: c.unspared.Load(),
		KernelDone: c.kernelDone.Load(), KernelLost: c.kernelLost.Load(), KernelFailed: c.kernelFailed.Load(), KernelSyncs: c.kernelSyncs.Load(),
		KernelBehind: g.kernel != nil && g.kernel.behind.Load(),
	}
	for i := NoCause + 1; i < causes; i++ {
		s.Dropped[i] = map[Class]uint64{}
		for j := range classes {
			s.Dropped[i][j] = c.dropped[i][j].Load()
		}
	}
	for i := range offences {
		s.Offences[1<<i] = [2]uint64{c.offences[0][i].Load(), c.offences[1][i].Load()}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Bans, s.Former, s.Flows = len(g.active), len(g.former), len(g.spared)
	return s
}
