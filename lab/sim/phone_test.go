package sim

import (
	"fmt"
	"strconv"
	"testing"
)

// phoneWorlds is how many worlds with phones are played besides those of
// TestSim.
const phoneWorlds = 40

// Phones behind NATs register, call and are called, in worlds drawn at random.
func TestPhones(t *testing.T) {
	if *oneSeed != "" {
		seed, _ := strconv.ParseUint(*oneSeed, 0, 64)
		o := Random(seed, callsAWorld)
		o.Trace = func(line string) { fmt.Println(line) }
		r, err := Run(o)
		check(t, r, err)
		return
	}
	n := phoneWorlds
	if *worlds > 0 {
		n = *worlds
	}
	var sum Report
	for seed := *first + 1<<20; n > 0; seed++ {
		o := Random(seed, callsAWorld)
		if o.Phones == 0 {
			continue
		}
		n--
		r, err := Run(o)
		check(t, r, err)
		sum.add(r)
	}
	t.Logf("%v", &sum)
}
