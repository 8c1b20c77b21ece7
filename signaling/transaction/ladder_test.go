package transaction_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sbc/lab/ladder"
	"sbc/signaling/transaction"
)

var update = flag.Bool("update", false, "write what happened into the .ladder files")

func TestLadders(t *testing.T) {
	files, err := filepath.Glob("testdata/*.ladder")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d ladders, %v", len(files), err)
	}
	hands := ladder.Files{Read: os.ReadFile}
	if *update {
		hands.Write = func(name string, data []byte) error { return os.WriteFile(name, data, 0o644) }
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			w := &world{t: t}
			ladder.Run(t, file, hands, w.do)
		})
	}
}

// A world is one machine, the far end of which stands at the left of a server
// and at the right of a client, and a clock that stands still until "wait".
type world struct {
	t     *testing.T
	c     *checker
	arrow string // to the far end
	now   time.Duration
	due   map[transaction.Timer]time.Duration
	lines []string
}

// do does one line of a ladder:
//
//	server INVITE          begins; also server non-INVITE, client …, "over TCP"
//	start, cancel          the client's user sends its request, or gives it up
//	respond 486            the server's user answers
//	INVITE, OPTIONS, ACK   comes from the far end
//	486                    a response comes from the far end
//	abandon                the server's user has no answer
//	pending                it does not answer at once
//	fail                   the transport could not send
//	wait 3s                time passes
func (w *world) do(verb string, args []string) []string {
	w.lines = nil
	switch verb {
	case "server", "client":
		w.begin(verb, args)
	case "start":
		w.step(transaction.Event{Is: transaction.Start})
	case "cancel":
		w.step(transaction.Event{Is: transaction.Cancel})
	case "abandon":
		w.step(transaction.Event{Is: transaction.Abandon})
	case "pending":
		w.step(transaction.Event{Is: transaction.Pending})
	case "fail":
		w.step(transaction.Event{Is: transaction.Fail})
	case "respond":
		w.step(answer(w.t, transaction.Respond, args[0]))
	case "wait":
		w.wait(args[0])
	case "ACK":
		w.step(transaction.Event{Is: transaction.Ack})
	case "INVITE", "OPTIONS":
		w.step(transaction.Event{Is: transaction.Request})
	default:
		w.step(answer(w.t, transaction.Response, verb))
	}
	return w.lines
}

func (w *world) begin(side string, args []string) {
	tcp := len(args) == 3 && args[1] == "over" && args[2] == "TCP"
	make, ok := kindsOfMachine[side+" "+args[0]]
	if !ok || len(args) != 1 && !tcp {
		w.t.Fatalf("no such machine: %s %v", side, args)
	}
	w.c, w.now, w.due = newChecker(w.t, make(tcp)), 0, map[transaction.Timer]time.Duration{}
	w.arrow = "──▶"
	if side == "server" {
		w.arrow = "◀──"
	}
}

func answer(t *testing.T, kind transaction.Kind, status string) transaction.Event {
	n, err := strconv.Atoi(status)
	if err != nil {
		t.Fatalf("neither a verb nor a status: %s", status)
	}
	return transaction.Event{Is: kind, Status: n, Bytes: []byte(status)}
}

func (w *world) wait(text string) {
	d, err := time.ParseDuration(text)
	if err != nil {
		w.t.Fatal(err)
	}
	end := w.now + d
	for {
		timer, ok := w.first(end)
		if !ok {
			w.now = end
			return
		}
		w.now = w.due[timer]
		delete(w.due, timer)
		w.step(transaction.Event{Is: transaction.Fire, Timer: timer})
	}
}

// first returns the timer that is due first, up to end.
func (w *world) first(end time.Duration) (first transaction.Timer, ok bool) {
	for timer := transaction.TimerA; timer <= transaction.TimerPending; timer++ {
		if at, runs := w.due[timer]; runs && at <= end && (!ok || at < w.due[first]) {
			first, ok = timer, true
		}
	}
	return first, ok
}

// step tells the machine of ev, under the eyes of the checker.
func (w *world) step(ev transaction.Event) {
	if w.c == nil {
		w.t.Fatal("no machine")
	}
	w.c.step(ev, func(e transaction.Effect) {
		switch e.Do {
		case transaction.Arm:
			w.due[e.Timer] = w.now + e.After
		case transaction.Disarm:
			delete(w.due, e.Timer)
		case transaction.Send:
			w.say("%s %s", w.arrow, e.Bytes)
		case transaction.SendAck:
			w.say("%s ACK", w.arrow)
		case transaction.SendCancel:
			w.say("%s CANCEL", w.arrow)
		default:
			w.say("    %s", strings.TrimSuffix(effectWords(e), " "))
		}
	})
}

func (w *world) say(format string, args ...any) {
	w.lines = append(w.lines, ladder.At(w.now, fmt.Sprintf(format, args...)))
}
