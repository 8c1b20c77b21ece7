//go:build !race

package signaling

import (
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// The race detector has a memory of its own: this runs without it.

// heldCallBytes bounds the heap that a held call takes once its transactions
// are over, the relay's model included. Ours: twice that, for the collector,
// stays below a third of what a proxy with a separate relay takes.
const heldCallBytes = 11 << 10

func TestMemoryOfHeldCalls(t *testing.T) {
	// What earlier tests have left running uses the same heap: the least counts.
	least := held(t)
	for range 2 {
		least = min(least, held(t))
	}
	if least > heldCallBytes {
		t.Errorf("a held call takes %d octets, want %d at most", least, heldCallBytes)
	}
}

// held returns the heap that a held call takes.
func held(t *testing.T) int {
	const calls = 90
	w := newWorld(t)
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	for i := range calls {
		text := strings.NewReplacer("pbxone", "b"+itoa(uint32(i)), "secret-call", "call-number-"+itoa(uint32(i))).Replace(invite)
		inv := w.send(pbxAddr, text)[1]
		ok := w.send(itspAddr, respond(inv, 200, gateway, answer))[0]
		w.send(pbxAddr, strings.Replace(ackFor(ok), "ACK10", "ACK"+itoa(uint32(i)), 1))
	}
	if n := w.s.calls.Len(); n != calls {
		t.Fatalf("%d calls", n)
	}
	busy := (heap() - before) / calls
	w.wait(40 * time.Second)
	n := (heap() - before) / calls
	t.Logf("%d octets a call at its start, %d later", busy, n)
	if name := os.Getenv("HEAP_PROFILE"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		pprof.Lookup("heap").WriteTo(f, 0)
	}
	runtime.KeepAlive(w)
	return n
}
