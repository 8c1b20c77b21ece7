package transaction_test

import (
	"slices"
	"testing"
	"unsafe"

	"sbc/signaling/transaction"
)

// FuzzMachines tells each machine any sequence of events: timers that run are
// known, nothing follows Gone, nothing empty is sent.
func FuzzMachines(f *testing.F) {
	var names []string
	for input := range inputs {
		names = append(names, input)
	}
	slices.Sort(names)
	at := func(input string) byte { return byte(slices.Index(names, input)) }
	f.Add(byte(0), []byte{at("start"), at("response 100"), at("cancel"), at("response 486"), at("fire D")})
	f.Add(byte(1), []byte{at("respond 183"), at("request"), at("respond 486"), at("fire G"), at("ack"), at("fire I")})
	f.Add(byte(2), []byte{at("start"), at("fire E"), at("response 200"), at("fire K")})
	f.Add(byte(7), []byte{at("respond 200"), at("request")})
	f.Add(byte(3), []byte{at("pending"), at("request"), at("fire Pending"), at("respond 100"), at("abandon")})
	machines := []string{"client INVITE", "server INVITE", "client non-INVITE", "server non-INVITE"}
	f.Fuzz(func(t *testing.T, which byte, events []byte) {
		tx := kindsOfMachine[machines[which%4]](which&4 != 0)
		c := newChecker(t, tx)
		for _, e := range events {
			c.step(inputs[names[int(e)%len(names)]])
		}
	})
}

// A machine that is left alone ends by its timers, whatever came before.
func TestTimersEndEveryTransaction(t *testing.T) {
	for name, rows := range tables {
		for _, r := range rows {
			for _, reliable := range []bool{false, true} {
				tx := kindsOfMachine[name](reliable)
				c := newChecker(t, tx)
				drive(c, r.by)
				// What its user owes: a start, a final response, a CANCEL.
				drive(c, "start, respond 486, cancel")
				for range 100 {
					for timer := range c.running {
						c.step(transaction.Event{Is: transaction.Fire, Timer: timer})
						break
					}
				}
				if !c.gone {
					t.Errorf("%s, %s, reliable %v: still %v", name, r.name, reliable, tx.State())
				}
			}
		}
	}
}

func TestMachinesAreSmall(t *testing.T) {
	for name, got := range map[string]uintptr{
		"server non-INVITE": unsafe.Sizeof(transaction.ServerNonInvite{}),
		"server INVITE":     unsafe.Sizeof(transaction.ServerInvite{}),
		"client non-INVITE": unsafe.Sizeof(transaction.ClientNonInvite{}),
		"client INVITE":     unsafe.Sizeof(transaction.ClientInvite{}),
	} {
		if got > 48 {
			t.Errorf("%s: %d octets, want at most 48", name, got)
		}
	}
}

func TestStepDoesNotAllocate(t *testing.T) {
	do := make([]transaction.Effect, 0, 8)
	for name, make := range kindsOfMachine {
		tx := make(false)
		for _, input := range []string{"start", "pending", "fire Pending", "respond 183", "request", "response 183", "respond 486", "response 486"} {
			ev := inputs[input]
			if n := testing.AllocsPerRun(100, func() { do = tx.Step(ev, do[:0]) }); n != 0 {
				t.Errorf("%s, %s: %v allocations", name, input, n)
			}
		}
	}
}

func BenchmarkServerInvite(b *testing.B) {
	do := make([]transaction.Effect, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		tx := transaction.NewServerInvite(false)
		for _, ev := range [...]transaction.Event{
			{Is: transaction.Respond, Status: 100, Bytes: inputs100}, {Is: transaction.Request},
			{Is: transaction.Respond, Status: 486, Bytes: inputs100}, {Is: transaction.Ack},
			{Is: transaction.Fire, Timer: transaction.TimerI},
		} {
			do = tx.Step(ev, do[:0])
		}
	}
}

var inputs100 = []byte("100")
