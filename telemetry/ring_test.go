package telemetry

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sbc/signaling/edit"
)

// The ring must always hold the newest entries, in order and unharmed, and
// give up no more of the oldest ones than a new entry needs.
func TestRingKeepsTheNewest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ring := NewRing(1 << 13)
	var all []Entry
	fewest := 1 << 30
	for i := range 5000 {
		e := randomEntry(r, i)
		all = append(all, e)
		ring.Append(e.Call, e.At, e.Kind, e.Leg, e.Head, e.Payload, e.Edits)
		kept := ring.count
		if kept > len(all) {
			t.Fatalf("entry %d: the ring claims %d entries", i, kept)
		}
		if i > 200 {
			fewest = min(fewest, kept)
		}
		if i%17 == 0 {
			checkRing(t, ring, all[len(all)-kept:])
		}
	}
	// An entry takes 500 octets on average and 1,100 at most.
	if fewest < 4 {
		t.Errorf("the ring of %d octets held only %d entries at one time", len(ring.buf), fewest)
	}
}

func randomEntry(r *rand.Rand, i int) Entry {
	e := Entry{
		Call: uint64(r.IntN(5)), At: time.Duration(i), Kind: Kind(r.IntN(int(End) + 1)), Leg: uint8(r.IntN(2)),
		Head:    strings.Repeat("h", r.IntN(40)),
		Payload: bytes.Repeat([]byte{byte('a' + i%26)}, r.IntN(900)),
	}
	for range r.IntN(4) {
		e.Edits = append(e.Edits, edit.Edit{Start: r.IntN(50), End: 50 + r.IntN(50), New: bytes.Repeat([]byte("n"), r.IntN(20)), Why: "why"})
	}
	return e
}

func checkRing(t *testing.T, ring *Ring, want []Entry) {
	t.Helper()
	for call := range uint64(5) {
		var list []Entry
		for _, e := range want {
			if e.Call == call {
				list = append(list, e)
			}
		}
		got := ring.Read(call)
		if len(got) != len(list) {
			t.Fatalf("call %d: %d entries, want %d", call, len(got), len(list))
		}
		for i := range got {
			if a, b := fmt.Sprintf("%+v", got[i]), fmt.Sprintf("%+v", list[i]); a != b {
				t.Fatalf("call %d entry %d:\n got %s\nwant %s", call, i, a, b)
			}
		}
	}
}

func TestRingCutsWhatIsTooLong(t *testing.T) {
	ring := NewRing(0)
	ring.Append(7, 1, In, 0, strings.Repeat("h", 5000), bytes.Repeat([]byte("x"), 70000), []edit.Edit{{Start: 0, End: 1}})
	got := ring.Read(7)
	if len(got) != 1 || !got[0].Cut || got[0].Edits != nil || len(got[0].Head) > headMax || len(got[0].Payload) > ringMin {
		t.Fatalf("got %d entries, %+v", len(got), got)
	}
}

func TestRingCalls(t *testing.T) {
	ring := NewRing(1 << 12)
	for _, call := range []uint64{3, 1, 3, 2} {
		ring.Append(call, 0, Rule, 0, "x", nil, nil)
	}
	if got := fmt.Sprint(ring.Calls()); got != "[3 1 2]" {
		t.Errorf("calls %s", got)
	}
}

func TestRingDoesNotAllocate(t *testing.T) {
	ring := NewRing(1 << 16)
	msg := []byte(invite)
	edits := []edit.Edit{{Start: 4, End: 10, New: []byte("sip:x"), Why: "contact"}, {Start: 20, End: 30, Why: "via"}}
	if n := testing.AllocsPerRun(1000, func() { ring.Append(1, 1, Out, 1, "", msg, edits) }); n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
}

// What is appended must not be changed where it lies: the engine still sends it.
func TestRingLeavesItsArgumentsAlone(t *testing.T) {
	msg, value := []byte(invite), []byte("sip:bob:secret@b.example")
	NewRing(1<<14).Append(1, 0, In, 0, "", msg, []edit.Edit{{New: value}})
	if string(msg) != invite || string(value) != "sip:bob:secret@b.example" {
		t.Error("Append wrote to its arguments")
	}
}

func BenchmarkRingAppend(b *testing.B) {
	ring := NewRing(1 << 24)
	msg := []byte(invite)
	b.ReportAllocs()
	for b.Loop() {
		ring.Append(1, 1, In, 0, "", msg, nil)
	}
}
