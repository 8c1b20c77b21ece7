package fastpath

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// Counters are packets that the program dropped, by cause.
type Counters struct {
	Banned    uint64 // from a banned prefix
	Source    uint64 // over the rate of their source
	All       uint64 // over the rate of all strangers
	Fragments uint64 // over one of the rates of fragments
}

// Counters returns what was dropped since Load.
func (p *Program) Counters() (Counters, error) {
	var each []fastpathCounters
	var sum Counters
	if err := p.objects.Counters.Lookup(uint32(0), &each); err != nil {
		return Counters{}, fmt.Errorf("read the counters: %w", err)
	}
	for _, c := range each {
		sum.Banned += c.Banned
		sum.Source += c.Source
		sum.All += c.All
		sum.Fragments += c.Fragments
	}
	return sum, nil
}

// resetCounters sets them to 0.
func (p *Program) resetCounters() error {
	n, err := ebpf.PossibleCPU()
	if err != nil {
		return err
	}
	return p.objects.Counters.Update(uint32(0), make([]fastpathCounters, n), ebpf.UpdateAny)
}
