package main

import (
	"runtime"
	"slices"
	"time"
)

// Ours. Many short turns, so that what the machine does meanwhile hits all
// contenders alike; the median turn counts.
const (
	turns    = 41
	turnTime = 20 * time.Millisecond
)

// A contender is one way to do one piece of work.
type contender struct {
	name string
	work func() error

	times  []float64 // nanoseconds a message, a turn each
	allocs float64   // a message
	bytes  float64   // allocated a message
}

// measure runs the contenders in turns.
func measure(all []*contender) error {
	n := make([]int, len(all))
	for i, c := range all {
		var err error
		if n[i], err = c.calibrate(); err != nil {
			return err
		}
	}
	for range turns {
		for i, c := range all {
			if err := c.turn(n[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// calibrate warms the contender up and returns how many messages fill a turn.
func (c *contender) calibrate() (int, error) {
	for n := 64; ; n *= 2 {
		c.times = c.times[:0]
		if err := c.turn(n); err != nil {
			return 0, err
		}
		if spent := time.Duration(c.times[0] * float64(n)); spent >= turnTime/2 {
			c.times = c.times[:0]
			return max(1, int(float64(n)*float64(turnTime)/float64(spent))), nil
		}
	}
}

// turn does the work n times. Garbage of the contender before is collected
// first; what this one's garbage costs is part of its time.
func (c *contender) turn(n int) error {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range n {
		if err := c.work(); err != nil {
			return err
		}
	}
	spent := time.Since(start)
	runtime.ReadMemStats(&after)
	c.times = append(c.times, float64(spent)/float64(n))
	c.allocs = float64(after.Mallocs-before.Mallocs) / float64(n)
	c.bytes = float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
	return nil
}

// median returns the nanoseconds a message of the median turn.
func (c *contender) median() float64 {
	s := slices.Sorted(slices.Values(c.times))
	return s[len(s)/2]
}
