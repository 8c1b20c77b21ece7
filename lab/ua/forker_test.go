package ua

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// forked is a world in which a calls b, c and d through a forker.
func forked(t *testing.T, o ForkerOptions, change ...func(int, *Options)) *world {
	change = append(change, func(i int, o *Options) {
		if i == 0 {
			o.Peer = addrs[forkerIndex]
		}
	})
	w := newWorldOf(t, 4, change...)
	o.Addr, o.Branches, o.Rand = addrs[forkerIndex], addrs[1:4], rand.New(rand.NewPCG(9, 9))
	w.forker = NewForker(o)
	return w
}

// after lets a callee ring at once and answer, or refuse, later.
func after(w *world, i int, d time.Duration, status int) {
	w.react[i] = func(a *Agent, e Event, do []Effect) []Effect {
		if e.Is != Incoming {
			return do
		}
		w.at(d, func() {
			switch {
			case a.byID(e.Call) == nil:
			case status == 200:
				w.do(i, a.Answer(w.now, e.Call, nil))
			default:
				w.do(i, a.Reject(w.now, e.Call, status, nil))
			}
		})
		return a.Ring(e.At, e.Call, 180, do)
	}
}

func TestForker(t *testing.T) {
	quiet := func(_ int, o *Options) { o.Quiet = true }
	for _, record := range []bool{false, true} {
		for _, c := range []struct {
			name    string
			o       ForkerOptions
			status  [3]int // of b, c, d: after 2, 3 and 4 s
			a       string
			winners int
		}{
			{"the first wins", ForkerOptions{}, [3]int{200, 200, 200}, "answered 200", 1},
			{"the last wins", ForkerOptions{}, [3]int{486, 404, 200}, "answered 200", 1},
			{"two win", ForkerOptions{TwoWinners: true}, [3]int{200, 200, 200}, "answered 200", 2},
			{"all refuse", ForkerOptions{}, [3]int{486, 404, 480}, "ended 404 (rejected)", 0},
			{"one declines for all", ForkerOptions{}, [3]int{603, 200, 200}, "ended 603 (rejected)", 0},
		} {
			t.Run(fmt.Sprint(c.name, " record ", record), func(t *testing.T) {
				c.o.RecordRoute = record
				w := forked(t, c.o, quiet)
				for i, status := range c.status {
					after(w, i+1, time.Duration(i+2)*time.Second, status)
				}
				w.invite(Invite{})
				w.run(time.Second)
				if n := w.agents[0].Forks(1); n != 3 {
					t.Errorf("%d early dialogs", n)
				}
				w.run(20 * time.Second)
				w.clean()
				winners := 0
				for i := 1; i < 4; i++ {
					if w.has(i, Answered, 200) {
						winners++
					}
				}
				if winners != c.winners {
					t.Errorf("%d callees were answered", winners)
				}
				if c.winners > 0 {
					w.do(0, w.agents[0].Info(w.now, 1, "text/plain", "x", nil))
					w.run(time.Second)
				}
				w.hangup(0)
				w.done()
				want := "ringing 180, ringing 180, ringing 180, " + c.a
				if c.winners > 0 {
					want += ", replied 200, ended (we hung up)"
				}
				w.want(want)
			})
		}
	}
}

func TestForkedCallerCancels(t *testing.T) {
	w := forked(t, ForkerOptions{}, func(_ int, o *Options) { o.Quiet = true })
	for i := 1; i < 4; i++ {
		after(w, i, time.Minute, 200)
	}
	w.invite(Invite{})
	w.run(time.Second)
	w.hangup(0)
	w.done()
	w.clean()
	w.want("ringing 180, ringing 180, ringing 180, ended 487 (cancelled)", "incoming, ended 487 (cancelled)",
		"incoming, ended 487 (cancelled)", "incoming, ended 487 (cancelled)")
}

// A phone that is not there does not keep the call from an end.
func TestForkedToTheDead(t *testing.T) {
	for _, status := range []int{200, 486} {
		w := forked(t, ForkerOptions{}, quietly)
		for i := 1; i < 4; i++ {
			after(w, i, 3*time.Second, status)
		}
		w.lose = func(p packet) bool { return p.to == addrs[2] }
		w.invite(Invite{})
		w.run(40 * time.Second)
		if want := map[int]Kind{200: Answered, 486: Ended}[status]; !w.has(0, want, map[int]int{200: 200, 486: 408}[status]) {
			t.Errorf("a: %s", w.kinds(0))
		}
		w.hangup(0)
		w.done()
		w.clean()
		if !w.forker.Idle() {
			t.Error("the forker is not idle")
		}
	}
}

// Three early dialogs with SDP each, then one of them is answered.
func TestForkedEarlyMedia(t *testing.T) {
	w := forked(t, ForkerOptions{RecordRoute: true})
	for i := 1; i < 4; i++ {
		w.react[i] = func(a *Agent, e Event, do []Effect) []Effect {
			if e.Is == Incoming {
				do = a.Progress(e.At, e.Call, do)
			}
			return do
		}
	}
	w.invite(Invite{})
	w.run(3 * time.Second)
	w.do(2, w.agents[2].Answer(w.now, 1, nil))
	w.run(3 * time.Second)
	if _, got := w.agents[2].Media(1); got.Right < 100 || got.Wrong > 0 {
		t.Errorf("the winner heard %+v", got)
	}
	w.hangup(2)
	w.done()
	w.clean()
}

func TestForksInBadWeather(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := forked(t, ForkerOptions{RecordRoute: seed%2 == 0, TwoWinners: seed%3 == 0}, func(_ int, o *Options) { o.Quiet = true })
			w.chaos = rand.New(rand.NewPCG(seed, 4))
			for i := 1; i < 4; i++ {
				status := []int{200, 200, 486}[w.chaos.IntN(3)]
				after(w, i, time.Duration(w.chaos.IntN(4000))*time.Millisecond, status)
			}
			w.invite(Invite{})
			w.run(time.Minute)
			w.hangup(0)
			w.done()
			w.clean()
			if !w.forker.Idle() {
				t.Error("the forker is not idle")
			}
		})
	}
}
