package ua

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// violations lists what the agents told of each other, with the letter of who
// told it.
func (w *world) violations() (all []string) {
	for i := range w.events {
		for _, e := range w.events[i] {
			if e.Is == Violation {
				all = append(all, fmt.Sprintf("%c: %s", 'a'+i, e.Text))
			}
		}
	}
	return all
}

// clean checks that nobody broke a rule.
func (w *world) clean() {
	w.t.Helper()
	for _, v := range w.violations() {
		w.t.Error(v)
	}
}

// has reports whether agent i told an event, with a status or with any (0).
func (w *world) has(i int, is Kind, status int) bool {
	for _, e := range w.events[i] {
		if e.Is == is && (status == 0 || e.Status == status) {
			return true
		}
	}
	return false
}

// A transfer is one cell of the matrix: agent a has a call with b, and where
// it is attended another with c. Who called whom does not matter to it.
type transfer struct {
	kind    string // blind, attended, early, ringing
	caller  bool   // the transferor called the transferee
	leave   Leave
	refused bool // by the target
	noNews  bool
	first   bool // NOTIFY before 202
}

func (x transfer) String() string {
	return fmt.Sprintf("%s,caller=%t,leave=%s,refused=%t,nonews=%t,first=%t", x.kind, x.caller, x.leave, x.refused, x.noNews, x.first)
}

func transfers() (all []transfer) {
	for _, kind := range []string{"blind", "attended", "early", "ringing"} {
		for _, caller := range []bool{true, false} {
			for l := LeaveNever; l <= LeaveDone; l++ {
				for _, refused := range []bool{false, true} {
					all = append(all, transfer{kind: kind, caller: caller, leave: l, refused: refused, noNews: l == LeaveNever && caller, first: caller})
				}
			}
		}
	}
	return all
}

func (x transfer) world(t *testing.T) *world {
	w := newWorldOf(t, 3, func(i int, o *Options) {
		o.Quiet, o.NotifyFirst, o.ReplaceRinging = true, x.first, true
	})
	w.react[0] = answer
	if x.kind == "early" {
		w.react[0] = func(a *Agent, e Event, do []Effect) []Effect { // the call from c is left to ring
			if e.Is == Incoming {
				do = a.Ring(e.At, e.Call, 180, do)
			}
			return do
		}
	}
	w.react[2] = func(a *Agent, e Event, do []Effect) []Effect {
		if e.Is != Incoming {
			return do
		}
		do = a.Ring(e.At, e.Call, 180, do)
		switch {
		case x.kind == "ringing" && e.Other == 0:
			return do
		case x.refused && (x.kind == "blind" || e.Other != 0):
			return a.Reject(e.At, e.Call, 603, do)
		}
		return a.Answer(e.At, e.Call, do)
	}
	return w
}

// dial lets one agent call another, and returns the ids at both.
func (w *world) dial(from, to int) (Call, Call) {
	w.t.Helper()
	id, do := w.agents[from].Invite(w.now, Invite{To: string(rune('a' + to))}, nil)
	for i := range do {
		if do[i].Do == Send {
			do[i].To = addrs[to]
		}
	}
	w.agents[from].byID(id).invite.to = addrs[to]
	w.do(from, do)
	for range 400 {
		w.run(50 * time.Millisecond)
		if w.agents[from].byID(id) == nil || w.agents[from].byID(id).up || len(w.agents[to].Calls()) > 0 && w.agents[from].byID(id).remoteTag != "" {
			break
		}
	}
	w.run(3 * time.Second)
	there := w.agents[to].Calls()
	if len(there) == 0 {
		w.t.Fatalf("%c did not reach %c", 'a'+from, 'a'+to)
	}
	return id, there[len(there)-1]
}

func (x transfer) play(w *world) {
	var ab, ac Call
	if x.caller {
		ab, _ = w.dial(0, 1)
	} else {
		react := w.react[0]
		w.react[0] = answer
		_, ab = w.dial(1, 0)
		w.react[0] = react
	}
	r := Refer{To: "c", Leave: x.leave, NoNews: x.noNews}
	switch x.kind {
	case "attended", "ringing":
		ac, _ = w.dial(0, 2)
	case "early":
		_, ac = w.dial(2, 0)
		r.EarlyOnly = true
	}
	r.Replaces = ac
	do := w.agents[0].Refer(w.now, ab, r, nil)
	w.do(0, do)
	w.run(25 * time.Second)
}

func TestTransfers(t *testing.T) {
	for _, x := range transfers() {
		t.Run(x.String(), func(t *testing.T) {
			w := x.world(t)
			direct(w)
			x.play(w)
			x.judge(w, true)
		})
	}
}

// direct leads what is for the host of a user, c@10.0.0.1, to the user.
func direct(w *world) {
	w.route = func(b []byte, p *packet) {
		line, _, _ := strings.Cut(string(b), crlf)
		if strings.HasPrefix(line, "INVITE sip:c@") && p.by == 1 {
			p.to = addrs[2]
		}
	}
}

func (x transfer) judge(w *world, all bool) {
	w.t.Helper()
	w.clean()
	bc := 0 // calls of b that c has too
	for _, id := range w.agents[1].Calls() {
		if c := w.agents[1].byID(id); c.out && strings.HasPrefix(c.remote, "<sip:c@") && c.up {
			bc++
		}
	}
	if want := !x.refused; (bc == 1) != want {
		w.t.Errorf("b and c have %d calls", bc)
	}
	left := len(w.agents[0].Calls())
	wants := map[bool]int{true: 0, false: 0}
	wants[true] = map[Leave]int{LeaveNever: 1}[x.leave] // a-b
	wants[false] = map[Leave]int{LeaveNever: 1, LeaveDone: 1}[x.leave]
	if x.kind != "blind" {
		wants[false]++ // a-c is still there
	}
	if all && left != wants[!x.refused] {
		w.t.Errorf("the transferor has %d calls, want %d", left, wants[!x.refused])
	}
	status := map[bool]int{false: 200, true: 603}[x.refused]
	if !x.noNews && !w.has(0, Transferred, status) {
		w.t.Errorf("the transferor was not told %d", status)
	}
	for i := range w.agents {
		w.hangup(i)
	}
	w.done()
	if w.t.Failed() {
		for i := range w.agents {
			w.t.Logf("%c: %s", 'a'+i, w.kinds(i))
		}
	}
}

// A transferor that does not want to hear more of a transfer that takes long,
// and one whose subscription ends before it is known how the transfer ends.
func TestNewsEnd(t *testing.T) {
	for _, stop := range []bool{true, false} {
		w := transfer{kind: "blind"}.world(t)
		direct(w)
		w.react[2] = ringOnly
		id, _ := w.dial(0, 1)
		w.do(0, w.agents[0].Refer(w.now, id, Refer{To: "c"}, nil))
		w.run(2 * time.Second)
		if stop {
			w.do(0, w.agents[0].StopNews(w.now, id, nil))
		}
		w.run(3 * time.Minute)
		w.do(2, w.agents[2].Answer(w.now, 1, nil))
		w.run(time.Second)
		if !w.has(0, Unsubscribed, 0) || !w.has(0, Transferred, 180) || w.has(0, Transferred, 200) {
			t.Errorf("a: %s", w.kinds(0))
		}
		for i := range w.agents {
			w.hangup(i)
		}
		w.done()
		w.clean()
	}
}

func TestTransfersInBadWeather(t *testing.T) {
	for seed := range uint64(12) {
		for _, x := range transfers() {
			t.Run(fmt.Sprint(x, " seed ", seed), func(t *testing.T) {
				w := x.world(t)
				direct(w)
				w.chaos = rand.New(rand.NewPCG(seed, 3))
				x.play(w)
				w.run(30 * time.Second)
				if x.leave == LeaveAtOnce {
					w.clean() // the BYE may come first
					return
				}
				x.judge(w, true)
			})
		}
	}
}
