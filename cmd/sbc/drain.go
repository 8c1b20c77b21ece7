package main

import (
	"time"
)

// drain lets no call begin any more, and the process end when the last one has
// ended, or after a time. A time of 0 takes that back.
func (b *border) drain(within time.Duration) (calls int) {
	b.draining.Lock()
	defer b.draining.Unlock()
	if b.undrain != nil {
		close(b.undrain)
		b.undrain = nil
	}
	b.engine.Drain(within > 0)
	if within > 0 {
		b.undrain = make(chan struct{})
		go b.awaitEmpty(within, b.undrain)
	}
	return b.engine.Status().Calls
}

// Ours: nobody waits for the last tenth of a second.
const drainLook = 100 * time.Millisecond

// awaitEmpty ends the process when it has no call, or after a time.
func (b *border) awaitEmpty(within time.Duration, undrain chan struct{}) {
	end := time.NewTimer(within)
	defer end.Stop()
	for {
		select {
		case <-undrain:
			return
		case <-end.C:
		case <-time.After(drainLook):
			if b.engine.Status().Calls > 0 {
				continue
			}
		}
		select {
		case b.drained <- struct{}{}:
		case <-undrain:
		}
		return
	}
}
