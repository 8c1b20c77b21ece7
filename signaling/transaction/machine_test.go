package transaction_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sbc/signaling/transaction"
)

// A machine is what the four have in common.
type machine interface {
	Step(transaction.Event, []transaction.Effect) []transaction.Effect
	State() transaction.State
}

// kindsOfMachine names the four and makes them. The request that a client
// sends and the responses are words, not messages: the machines look at none.
var kindsOfMachine = map[string]func(reliable bool) machine{
	"server INVITE": func(reliable bool) machine {
		tx := transaction.NewServerInvite(reliable)
		return &tx
	},
	"server non-INVITE": func(reliable bool) machine {
		tx := transaction.NewServerNonInvite(reliable)
		return &tx
	},
	"client INVITE": func(reliable bool) machine {
		tx := transaction.NewClientInvite(reliable, []byte("INVITE"))
		return &tx
	},
	"client non-INVITE": func(reliable bool) machine {
		tx := transaction.NewClientNonInvite(reliable, []byte("OPTIONS"))
		return &tx
	},
}

// inputs are all events that a machine can be told of, by name. Of the
// statuses there is one of each class.
var inputs = func() map[string]transaction.Event {
	m := map[string]transaction.Event{
		"start":   {Is: transaction.Start},
		"request": {Is: transaction.Request},
		"ack":     {Is: transaction.Ack},
		"cancel":  {Is: transaction.Cancel},
		"fail":    {Is: transaction.Fail},
		"abandon": {Is: transaction.Abandon},
		"pending": {Is: transaction.Pending},
	}
	for _, status := range []int{100, 183, 200, 302, 486, 503, 603} {
		text := fmt.Appendf(nil, "%d", status)
		m[fmt.Sprintf("response %d", status)] = transaction.Event{Is: transaction.Response, Status: status, Bytes: text}
		m[fmt.Sprintf("respond %d", status)] = transaction.Event{Is: transaction.Respond, Status: status, Bytes: text}
	}
	for t := transaction.TimerA; t <= transaction.TimerPending; t++ {
		m["fire "+t.String()] = transaction.Event{Is: transaction.Fire, Timer: t}
	}
	return m
}()

// step tells tx of an input and returns what it wants done, in words.
func step(tx machine, input string) string {
	ev, ok := inputs[input]
	if !ok {
		panic("no such input: " + input)
	}
	var words []string
	for _, e := range tx.Step(ev, nil) {
		words = append(words, effectWords(e))
	}
	return strings.Join(words, ", ")
}

func effectWords(e transaction.Effect) string {
	s := e.Do.String()
	switch e.Do {
	case transaction.Send:
		s += " " + string(e.Bytes)
	case transaction.SendAck, transaction.SendCancel:
		s += " of " + string(e.Bytes)
	case transaction.Arm:
		s += fmt.Sprintf(" %v %v", e.Timer, e.After)
	case transaction.Disarm:
		s += " " + e.Timer.String()
	case transaction.Up:
		s += fmt.Sprintf(" %d", e.Status)
		if string(e.Bytes) != fmt.Sprint(e.Status) {
			s += " with " + string(e.Bytes)
		}
	case transaction.TimedOut, transaction.Failed:
		s += " " + e.Why.String()
		if e.Status != 0 {
			s += fmt.Sprintf(" %d", e.Status)
		}
	}
	return s
}

// checker keeps what must hold for every machine at every time.
type checker struct {
	t       *testing.T
	tx      machine
	running map[transaction.Timer]time.Duration
	gone    bool
}

func newChecker(t *testing.T, tx machine) *checker {
	return &checker{t: t, tx: tx, running: map[transaction.Timer]time.Duration{}}
}

// step tells the machine of ev, checks what it wants done, and shows it to
// each of see.
func (c *checker) step(ev transaction.Event, see ...func(transaction.Effect)) {
	if ev.Is == transaction.Fire {
		delete(c.running, ev.Timer)
	}
	final := 0
	for _, e := range c.tx.Step(ev, nil) {
		for _, f := range see {
			f(e)
		}
		if c.gone {
			c.t.Errorf("%v after gone", e.Do)
		}
		_, runs := c.running[e.Timer]
		switch e.Do {
		case transaction.Arm:
			if runs || e.After <= 0 || e.After > transaction.Timeout {
				c.t.Errorf("arm %v for %v, running: %v", e.Timer, e.After, runs)
			}
			c.running[e.Timer] = e.After
		case transaction.Disarm:
			if !runs {
				c.t.Errorf("disarm %v, which is not running", e.Timer)
			}
			delete(c.running, e.Timer)
		case transaction.Send, transaction.SendAck, transaction.SendCancel:
			if len(e.Bytes) == 0 {
				c.t.Errorf("%v of nothing", e.Do)
			}
		case transaction.TimedOut, transaction.Failed:
			final++
		case transaction.Gone:
			c.gone = true
			if len(c.running) != 0 {
				c.t.Errorf("gone with timers running: %v", c.running)
			}
		}
	}
	if final > 1 {
		c.t.Errorf("%d ends in one step", final)
	}
	if c.gone != (c.tx.State() == transaction.Terminated) {
		c.t.Errorf("gone %v, state %v", c.gone, c.tx.State())
	}
}

// drive tells c of inputs with commas between them.
func drive(c *checker, by string) {
	if by == "" {
		return
	}
	for input := range strings.SplitSeq(by, ", ") {
		c.step(inputs[input])
	}
}
