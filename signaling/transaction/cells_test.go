package transaction_test

import (
	"strings"
	"testing"

	"sbc/signaling/transaction"
)

// A cell is what one machine does in one state with one input. What a table
// does not have is ignored: no effect, same state.
type cell struct{ input, effects, to string }

// A row is one state: how to get there, and its cells.
type row struct {
	name  string
	by    string // inputs that lead here, with commas
	state string
	cells []cell
}

const (
	s64  = "32s" // 64*T1
	lost = "failed transport"
)

var tables = map[string][]row{
	"server INVITE": {
		{"nothing answered yet", "", "Proceeding", []cell{
			{"respond 100", "send 100", "Proceeding"},
			{"respond 183", "send 183", "Proceeding"},
			{"respond 200", "send 200, arm L " + s64, "Accepted"},
			{"respond 302", "send 302, arm G 500ms, arm H " + s64, "Completed"},
			{"respond 486", "send 486, arm G 500ms, arm H " + s64, "Completed"},
			{"respond 503", "send 503, arm G 500ms, arm H " + s64, "Completed"},
			{"respond 603", "send 603, arm G 500ms, arm H " + s64, "Completed"},
			{"fail", lost, "Proceeding"},
		}},
		{"ringing", "respond 100, respond 183", "Proceeding", []cell{
			{"request", "send 183", "Proceeding"},
			{"respond 100", "send 100", "Proceeding"},
			{"respond 183", "send 183", "Proceeding"},
			{"respond 200", "send 200, arm L " + s64, "Accepted"},
			{"respond 302", "send 302, arm G 500ms, arm H " + s64, "Completed"},
			{"respond 486", "send 486, arm G 500ms, arm H " + s64, "Completed"},
			{"respond 503", "send 503, arm G 500ms, arm H " + s64, "Completed"},
			{"respond 603", "send 603, arm G 500ms, arm H " + s64, "Completed"},
			{"fail", lost, "Proceeding"},
		}},
		{"answered", "respond 200", "Accepted", []cell{
			{"ack", "up ACK", "Accepted"},
			{"respond 200", "send 200", "Accepted"},
			{"fire L", "gone", "Terminated"},
			{"fail", lost, "Accepted"},
		}},
		{"refused", "respond 183, respond 486", "Completed", []cell{
			{"request", "send 486", "Completed"},
			{"ack", "disarm G, disarm H, arm I 5s", "Confirmed"},
			{"fire G", "send 486, arm G 1s", "Completed"},
			{"fire H", "timed out no_ack, disarm G, gone", "Terminated"},
			{"fail", lost, "Completed"},
		}},
		{"refused, for long", "respond 486, fire G, fire G, fire G", "Completed", []cell{
			{"request", "send 486", "Completed"},
			{"ack", "disarm G, disarm H, arm I 5s", "Confirmed"},
			{"fire G", "send 486, arm G 4s", "Completed"},
			{"fire H", "timed out no_ack, disarm G, gone", "Terminated"},
			{"fail", lost, "Completed"},
		}},
		{"acknowledged", "respond 486, ack", "Confirmed", []cell{
			{"fire I", "gone", "Terminated"},
		}},
		{"over", "respond 486, ack, fire I", "Terminated", nil},
	},
	"server non-INVITE": {
		{"nothing answered yet", "", "Trying", []cell{
			{"respond 100", "send 100", "Proceeding"},
			{"respond 183", "send 183", "Proceeding"},
			{"respond 200", "send 200, arm J " + s64, "Completed"},
			{"respond 302", "send 302, arm J " + s64, "Completed"},
			{"respond 486", "send 486, arm J " + s64, "Completed"},
			{"respond 503", "send 503, arm J " + s64, "Completed"},
			{"respond 603", "send 603, arm J " + s64, "Completed"},
			{"pending", "arm Pending 3.5s", "Trying"},
			{"abandon", "gone", "Terminated"},
			{"fail", lost, "Trying"},
		}},
		{"not answered at once", "pending", "Trying", []cell{
			{"respond 100", "send 100, disarm Pending", "Proceeding"},
			{"respond 183", "send 183, disarm Pending", "Proceeding"},
			{"respond 200", "send 200, disarm Pending, arm J " + s64, "Completed"},
			{"respond 302", "send 302, disarm Pending, arm J " + s64, "Completed"},
			{"respond 486", "send 486, disarm Pending, arm J " + s64, "Completed"},
			{"respond 503", "send 503, disarm Pending, arm J " + s64, "Completed"},
			{"respond 603", "send 603, disarm Pending, arm J " + s64, "Completed"},
			{"fire Pending", "late", "Trying"},
			{"abandon", "disarm Pending, gone", "Terminated"},
			{"fail", lost, "Trying"},
		}},
		{"not answered for long", "pending, request, fire Pending", "Trying", []cell{
			{"respond 100", "send 100", "Proceeding"},
			{"respond 183", "send 183", "Proceeding"},
			{"respond 200", "send 200, arm J " + s64, "Completed"},
			{"respond 302", "send 302, arm J " + s64, "Completed"},
			{"respond 486", "send 486, arm J " + s64, "Completed"},
			{"respond 503", "send 503, arm J " + s64, "Completed"},
			{"respond 603", "send 603, arm J " + s64, "Completed"},
			{"pending", "arm Pending 3.5s", "Trying"},
			{"abandon", "gone", "Terminated"},
			{"fail", lost, "Trying"},
		}},
		{"at work", "respond 100", "Proceeding", []cell{
			{"request", "send 100", "Proceeding"},
			{"respond 100", "send 100", "Proceeding"},
			{"respond 183", "send 183", "Proceeding"},
			{"respond 200", "send 200, arm J " + s64, "Completed"},
			{"respond 302", "send 302, arm J " + s64, "Completed"},
			{"respond 486", "send 486, arm J " + s64, "Completed"},
			{"respond 503", "send 503, arm J " + s64, "Completed"},
			{"respond 603", "send 603, arm J " + s64, "Completed"},
			{"abandon", "gone", "Terminated"},
			{"fail", lost, "Proceeding"},
		}},
		{"answered", "respond 200", "Completed", []cell{
			{"request", "send 200", "Completed"},
			{"fire J", "gone", "Terminated"},
			{"fail", lost, "Completed"},
		}},
		{"over", "respond 200, fire J", "Terminated", nil},
	},
	"client INVITE": {
		{"not begun", "", "Idle", []cell{
			{"start", "send INVITE, arm A 500ms, arm B " + s64, "Calling"},
		}},
		{"begun", "start", "Calling", []cell{
			{"response 100", "up 100, disarm A, disarm B", "Proceeding"},
			{"response 183", "up 183, disarm A, disarm B", "Proceeding"},
			{"response 200", "up 200, disarm A, disarm B, arm M " + s64, "Accepted"},
			{"response 302", "send ACK of INVITE, up 302, disarm A, disarm B, arm D " + s64, "Completed"},
			{"response 486", "send ACK of INVITE, up 486, disarm A, disarm B, arm D " + s64, "Completed"},
			{"response 503", "send ACK of INVITE, up 503, disarm A, disarm B, arm D " + s64, "Completed"},
			{"response 603", "send ACK of INVITE, up 603, disarm A, disarm B, arm D " + s64, "Completed"},
			{"fire A", "send INVITE, arm A 1s", "Calling"},
			{"fire B", "timed out no_response 408, disarm A, gone", "Terminated"},
			{"fail", "failed transport 503, disarm A, disarm B, gone", "Terminated"},
		}},
		{"to be cancelled", "start, fire A, fire A, fire A, fire A, cancel", "Calling", []cell{
			{"response 100", "up 100, disarm A, disarm B, send CANCEL of INVITE, arm Cancel " + s64, "Proceeding"},
			{"response 183", "up 183, disarm A, disarm B, send CANCEL of INVITE, arm Cancel " + s64, "Proceeding"},
			{"response 200", "up 200, disarm A, disarm B, arm M " + s64, "Accepted"},
			{"response 302", "send ACK of INVITE, up 302, disarm A, disarm B, arm D " + s64, "Completed"},
			{"response 486", "send ACK of INVITE, up 486, disarm A, disarm B, arm D " + s64, "Completed"},
			{"response 503", "send ACK of INVITE, up 503, disarm A, disarm B, arm D " + s64, "Completed"},
			{"response 603", "send ACK of INVITE, up 603, disarm A, disarm B, arm D " + s64, "Completed"},
			{"fire A", "send INVITE, arm A 16s", "Calling"},
			{"fire B", "timed out no_response 408, disarm A, gone", "Terminated"},
			{"fail", "failed transport 503, disarm A, disarm B, gone", "Terminated"},
		}},
		{"ringing", "start, response 100", "Proceeding", []cell{
			{"response 100", "up 100", "Proceeding"},
			{"response 183", "up 183", "Proceeding"},
			{"response 200", "up 200, arm M " + s64, "Accepted"},
			{"response 302", "send ACK of INVITE, up 302, arm D " + s64, "Completed"},
			{"response 486", "send ACK of INVITE, up 486, arm D " + s64, "Completed"},
			{"response 503", "send ACK of INVITE, up 503, arm D " + s64, "Completed"},
			{"response 603", "send ACK of INVITE, up 603, arm D " + s64, "Completed"},
			{"cancel", "send CANCEL of INVITE, arm Cancel " + s64, "Proceeding"},
		}},
		{"cancelled", "start, response 183, cancel", "Proceeding", []cell{
			{"response 100", "up 100", "Proceeding"},
			{"response 183", "up 183", "Proceeding"},
			{"response 200", "up 200, disarm Cancel, arm M " + s64, "Accepted"},
			{"response 302", "send ACK of INVITE, up 302, disarm Cancel, arm D " + s64, "Completed"},
			{"response 486", "send ACK of INVITE, up 486, disarm Cancel, arm D " + s64, "Completed"},
			{"response 503", "send ACK of INVITE, up 503, disarm Cancel, arm D " + s64, "Completed"},
			{"response 603", "send ACK of INVITE, up 603, disarm Cancel, arm D " + s64, "Completed"},
			{"fire Cancel", "timed out no_final 487, gone", "Terminated"},
		}},
		{"answered", "start, response 200", "Accepted", []cell{
			{"response 200", "up 200", "Accepted"},
			{"fire M", "gone", "Terminated"},
		}},
		{"refused", "start, response 486", "Completed", []cell{
			{"response 302", "send ACK of INVITE", "Completed"},
			{"response 486", "send ACK of INVITE", "Completed"},
			{"response 503", "send ACK of INVITE", "Completed"},
			{"response 603", "send ACK of INVITE", "Completed"},
			{"fire D", "gone", "Terminated"},
			{"fail", "failed transport 503, disarm D, gone", "Terminated"},
		}},
		{"over", "start, response 486, fire D", "Terminated", nil},
	},
	"client non-INVITE": {
		{"not begun", "", "Idle", []cell{
			{"start", "send OPTIONS, arm E 500ms, arm F " + s64, "Trying"},
		}},
		{"begun", "start", "Trying", []cell{
			{"response 100", "up 100", "Proceeding"},
			{"response 183", "up 183", "Proceeding"},
			{"response 200", "up 200, disarm E, disarm F, arm K 5s", "Completed"},
			{"response 302", "up 302, disarm E, disarm F, arm K 5s", "Completed"},
			{"response 486", "up 486, disarm E, disarm F, arm K 5s", "Completed"},
			{"response 503", "up 503, disarm E, disarm F, arm K 5s", "Completed"},
			{"response 603", "up 603, disarm E, disarm F, arm K 5s", "Completed"},
			{"fire E", "send OPTIONS, arm E 1s", "Trying"},
			{"fire F", "timed out no_response 408, disarm E, gone", "Terminated"},
			{"fail", "failed transport 503, disarm E, disarm F, gone", "Terminated"},
		}},
		{"begun, for long", "start, fire E, fire E, fire E", "Trying", []cell{
			{"response 100", "up 100", "Proceeding"},
			{"response 183", "up 183", "Proceeding"},
			{"response 200", "up 200, disarm E, disarm F, arm K 5s", "Completed"},
			{"response 302", "up 302, disarm E, disarm F, arm K 5s", "Completed"},
			{"response 486", "up 486, disarm E, disarm F, arm K 5s", "Completed"},
			{"response 503", "up 503, disarm E, disarm F, arm K 5s", "Completed"},
			{"response 603", "up 603, disarm E, disarm F, arm K 5s", "Completed"},
			{"fire E", "send OPTIONS, arm E 4s", "Trying"},
			{"fire F", "timed out no_response 408, disarm E, gone", "Terminated"},
			{"fail", "failed transport 503, disarm E, disarm F, gone", "Terminated"},
		}},
		{"at work", "start, response 100", "Proceeding", []cell{
			{"response 100", "up 100", "Proceeding"},
			{"response 183", "up 183", "Proceeding"},
			{"response 200", "up 200, disarm E, disarm F, arm K 5s", "Completed"},
			{"response 302", "up 302, disarm E, disarm F, arm K 5s", "Completed"},
			{"response 486", "up 486, disarm E, disarm F, arm K 5s", "Completed"},
			{"response 503", "up 503, disarm E, disarm F, arm K 5s", "Completed"},
			{"response 603", "up 603, disarm E, disarm F, arm K 5s", "Completed"},
			{"fire E", "send OPTIONS, arm E 4s", "Proceeding"},
			{"fire F", "timed out no_response 408, disarm E, gone", "Terminated"},
			{"fail", "failed transport 503, disarm E, disarm F, gone", "Terminated"},
		}},
		{"answered", "start, response 200", "Completed", []cell{
			{"fire K", "gone", "Terminated"},
		}},
		{"over", "start, response 200, fire K", "Terminated", nil},
	},
}

// Over TCP, TLS and WebSocket nothing is sent twice, and the states that wait
// for what comes again are left at once.
var reliableTables = map[string][]row{
	"server INVITE": {
		{"ringing", "respond 183", "Proceeding", []cell{
			{"respond 200", "send 200, arm L " + s64, "Accepted"},
			{"respond 486", "send 486, arm H " + s64, "Completed"},
		}},
		{"refused", "respond 486", "Completed", []cell{
			{"ack", "disarm H, gone", "Terminated"},
			{"fire H", "timed out no_ack, gone", "Terminated"},
		}},
	},
	"server non-INVITE": {
		{"nothing answered yet", "", "Trying", []cell{
			{"respond 200", "send 200, gone", "Terminated"},
			{"pending", "arm Pending 3.5s", "Trying"},
		}},
		{"not answered at once", "pending", "Trying", []cell{
			{"respond 100", "send 100, disarm Pending", "Proceeding"},
			{"respond 200", "send 200, disarm Pending, gone", "Terminated"},
			{"fire Pending", "late", "Trying"},
		}},
	},
	"client INVITE": {
		{"not begun", "", "Idle", []cell{
			{"start", "send INVITE, arm B " + s64, "Calling"},
		}},
		{"begun", "start", "Calling", []cell{
			{"response 200", "up 200, disarm B, arm M " + s64, "Accepted"},
			{"response 486", "send ACK of INVITE, up 486, disarm B, gone", "Terminated"},
			{"fire B", "timed out no_response 408, gone", "Terminated"},
		}},
	},
	"client non-INVITE": {
		{"not begun", "", "Idle", []cell{
			{"start", "send OPTIONS, arm F " + s64, "Trying"},
		}},
		{"begun", "start", "Trying", []cell{
			{"response 100", "up 100", "Proceeding"},
			{"response 200", "up 200, disarm F, gone", "Terminated"},
		}},
	},
}

// Every state with every input: what the table has, and else nothing.
func TestEveryCell(t *testing.T) {
	for name, rows := range tables {
		for _, r := range rows {
			t.Run(name+"/"+r.name, func(t *testing.T) {
				cells := map[string]cell{}
				for _, c := range r.cells {
					if _, ok := inputs[c.input]; !ok {
						t.Fatalf("no such input: %s", c.input)
					}
					cells[c.input] = c
				}
				for input := range inputs {
					want, ok := cells[input]
					if !ok {
						want = cell{input, "", r.state}
					}
					r.try(t, name, false, want)
				}
			})
		}
	}
}

func TestCellsOfReliableTransports(t *testing.T) {
	for name, rows := range reliableTables {
		for _, r := range rows {
			t.Run(name+"/"+r.name, func(t *testing.T) {
				for _, c := range r.cells {
					r.try(t, name, true, c)
				}
			})
		}
	}
}

// try leads a new machine to the row's state and gives it the cell's input.
func (r row) try(t *testing.T, name string, reliable bool, want cell) {
	t.Helper()
	tx := kindsOfMachine[name](reliable)
	if r.by != "" {
		for input := range strings.SplitSeq(r.by, ", ") {
			step(tx, input)
		}
	}
	if got := tx.State().String(); got != r.state {
		t.Fatalf("%q leads to %s, want %s", r.by, got, r.state)
	}
	if got := step(tx, want.input); got != want.effects {
		t.Errorf("%s: got %q, want %q", want.input, got, want.effects)
	}
	if got := tx.State().String(); got != want.to {
		t.Errorf("%s: leads to %s, want %s", want.input, got, want.to)
	}
}

// The tables have every state that a machine can be in.
func TestTablesHaveEveryState(t *testing.T) {
	for name, rows := range tables {
		have := map[string]bool{}
		for _, r := range rows {
			have[r.state] = true
			for _, c := range r.cells {
				have[c.to] = have[c.to] || false
			}
		}
		for state, row := range have {
			if !row {
				t.Errorf("%s: %s is entered, and has no row", name, state)
			}
		}
	}
}

func TestNamesAreComplete(t *testing.T) {
	for k := transaction.Start; k <= transaction.Pending; k++ {
		if k.String() == "" || k.String() == "unknown" {
			t.Errorf("kind %d has no name", k)
		}
	}
	for a := transaction.Send; a <= transaction.Gone; a++ {
		if a.String() == "" || a.String() == "unknown" {
			t.Errorf("action %d has no name", a)
		}
	}
	if got := transaction.Timer(99).String(); got != "unknown" {
		t.Errorf("got %q", got)
	}
}
