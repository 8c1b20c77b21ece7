package sim

import (
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
)

var (
	oneSeed = flag.String("seed", "", "play the world of this seed again, with all that happens in it")
	worlds  = flag.Int("worlds", 0, "how many worlds to play; 0: 600, with -short 20")
	first   = flag.Uint64("first", 0x1000, "the first seed")
)

// allWorlds is what `make test` plays.
const allWorlds = 600

// callsAWorld is small: a checker looks at everything after every event.
const callsAWorld = 20

func TestSim(t *testing.T) {
	if *oneSeed != "" {
		seed, err := strconv.ParseUint(*oneSeed, 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		o := Random(seed, callsAWorld)
		o.Trace = func(line string) { fmt.Println(line) }
		r, err := Run(o)
		check(t, r, err)
		return
	}
	n := *worlds
	if n == 0 {
		n = allWorlds
		if testing.Short() {
			n = 20
		}
	}
	var sum Report
	bad := 0
	for _, w := range playAll(n) {
		<-w.done
		if w.report != nil && len(w.report.Problems) > 0 {
			if bad++; bad > 10 {
				continue
			}
		}
		check(t, w.report, w.err)
		sum.add(w.report)
		w.report = nil // there may be many
	}
	t.Logf("%d worlds, %d bad: %v", n, bad, &sum)
	if n >= allWorlds {
		checkCells(t, &sum, n)
	}
}

// A played is a world that is played by somebody else, until done is closed.
type played struct {
	report *Report
	err    error
	done   chan struct{}
}

// playAll plays n worlds, as many at once as there are processors.
func playAll(n int) []*played {
	list := make([]*played, n)
	for i := range list {
		list[i] = &played{done: make(chan struct{})}
	}
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				w := list[i]
				w.report, w.err = Run(Random(*first+uint64(i), callsAWorld))
				close(w.done)
			}
		}()
	}
	return list
}

func check(t *testing.T, r *Report, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Problems) == 0 {
		return
	}
	t.Errorf("lab: seed %#x\n%v", r.Seed, r)
	if !shrunk {
		shrunk = true
		o, _ := Shrink(Random(r.Seed, callsAWorld), r.all[0])
		t.Logf("the same in as few messages as it takes:\n%s", Ladder(o))
	}
}

// shrunk: one world that fails is told of in full.
var shrunk bool
