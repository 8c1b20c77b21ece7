package sim

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sbc/lab/ua"
	"sbc/signaling/sip"
)

// Transfers over a network that loses, doubles and overtakes: what comes of
// each is not known before, but it has to be one of the right things, and
// nothing may be left of it.
func TestTransfersInBadWeather(t *testing.T) {
	var sum weather
	n := *worlds
	if n == 0 {
		n = 600
		if testing.Short() {
			n = 60
		}
	}
	for seed := range uint64(n) {
		x, o := drawTransfer(seed)
		if err := x.endure(o, &sum); err != nil {
			t.Errorf("seed %d: %v: %v", seed, x, err)
		}
	}
	t.Logf("%+v", sum)
	if sum.Undisturbed*3 < sum.Tried || sum.Transferred*4 < sum.Tried || sum.Stayed == 0 || sum.Left == 0 {
		t.Error("there was little to see")
	}
}

// weather counts what came of transfers.
type weather struct {
	Tried, Begun                    int
	Undisturbed                     int // all was as in a perfect network
	Transferred, Stayed, Left, Lost int
	Meddled                         int // somebody else hung up
}

// drawTransfer draws a cell and a network.
func drawTransfer(seed uint64) (x transfer, o Options) {
	r := rand.New(rand.NewPCG(seed, 0x7a4f))
	for {
		x = transfer{
			kind: transferKind(r.IntN(int(kinds))), inward: r.IntN(2) == 0, called: r.IntN(2) == 0,
			place: transferPlace(r.IntN(int(places))), leave: leaves[r.IntN(len(leaves))], outcome: answered,
		}
		if r.IntN(2) == 0 {
			x.outcome = transferOutcome(r.IntN(int(outcomes)))
		}
		if x.impossible() == "" {
			break
		}
	}
	o = Options{
		Seed: seed, Shards: 1 + r.IntN(3), Sparse: true, Delay: time.Duration(1+r.IntN(60)) * time.Millisecond, Jitter: 40 * time.Millisecond,
		Loss: 0.1 + 0.2*r.Float64(), Duplicate: 0.1 * r.Float64(), Reorder: 0.3 * r.Float64(),
	}
	if seed%6 == 0 { // then the order in which people act is all there is
		o.Loss, o.Duplicate, o.Reorder = 0, 0, 0
	}
	return x, o
}

// meddle lets somebody hang up one of the calls while the transfer goes on.
func (s *scene) meddle(r *rand.Rand) {
	call, side := r.IntN(3), r.IntN(2)
	s.w.after(time.Duration(r.IntN(900))*time.Millisecond, func() {
		at := [][2]end{s.old, s.consult, s.new}[call][side]
		if state := s.state(at); at.id != 0 && (state == "up" || state == "rings") {
			s.do(at.a, at.a.agent.Hangup(s.w.now, at.id, nil))
		}
	})
}

// endure plays a cell over a bad network. People wait longer than the network
// can delay anything.
func (x transfer) endure(o Options, sum *weather) error {
	s, err := x.scene(o)
	if err != nil {
		return err
	}
	sum.Tried++
	s.w.checkers = append(s.w.checkers, &byes{watch{s.w}, s})
	s.talk()
	if s.prepare(64*t1 + time.Second) {
		sum.Begun++
		meddled := o.Seed%3 == 0 && x.outcome != unreachable
		if meddled {
			s.meddle(rand.New(rand.NewPCG(o.Seed, 0x3edd1e)))
		}
		s.begin(map[bool]time.Duration{false: 25 * time.Second, true: time.Minute}[x.outcome == unreachable])
		s.w.run(s.w.now + 40*time.Second)
		s.who().away = false
		s.w.run(s.w.now + 60*time.Second)
		s.w.perfect = true
		s.w.run(s.w.now + 64*t1)
		if !meddled {
			err = s.judgeStorm(sum)
		}
		err = errors.Join(err, s.judgeEnd(sum, meddled), s.judgeUse())
	}
	s.w.perfect, s.mute = true, true
	return errors.Join(err, s.over())
}

// byes notes that a BYE was refused because a later request of its dialog
// overtook it: RFC 3261 section 12.2.2. Then one side has hung up, and the other
// has not heard of it.
type byes struct {
	watch
	s *scene
}

func (c *byes) in(m *message) { c.s.overtaken = c.s.overtaken || m.response(sip.BYE, 500, 500) }

// talk lets everybody say something in each call, every second.
func (s *scene) talk() {
	if s.mute {
		return
	}
	var legs []*leg
	for _, l := range s.w.book.legs {
		if l.state != ended && l.our.IsValid() && l.our.Port() != 0 && l.rtp.IsValid() {
			legs = append(legs, l)
		}
	}
	slices.SortFunc(legs, func(a, b *leg) int {
		return cmp.Or(cmp.Compare(a.begun, b.begun), cmp.Compare(a.listener, b.listener), cmp.Compare(a.callID, b.callID))
	})
	for _, l := range legs {
		s.w.inject(l.our, l.rtp, packet(uint16(s.w.now/time.Second)))
	}
	s.w.after(time.Second, s.talk)
}

// judgeStorm holds that all is as in a perfect network, unless there is a
// reason why it cannot be: a BYE overtook the REFER that it was sent behind, the
// INVITE overtook what was to come before it, or something did not come in
// 64*T1, or rang for too long.
func (s *scene) judgeStorm(sum *weather) error {
	err := s.judge()
	_, final := s.news()
	switch status := s.replied(); {
	case err == nil:
		sum.Undisturbed++
	case s.x.leave == ua.LeaveAtOnce && (status == 481 || status == 500):
	case (s.x.outcome == gone || s.x.outcome == tooLate) && s.heard(s.new[0]) == 487:
	case !final && status == 202 || s.lost():
	default:
		return err
	}
	return nil
}

// judgeEnd holds that bob is talking with carol, or still with alice, or that
// somebody wanted it otherwise.
func (s *scene) judgeEnd(sum *weather, meddled bool) (err error) {
	for i, call := range [][2]end{s.old, s.consult, s.new} {
		if a, b := s.state(call[0]), s.state(call[1]); (a == "up") != (b == "up") && !s.overtaken {
			err = errors.Join(err, fmt.Errorf("the %s call is %s and %s", []string{"old", "consultation", "new"}[i], a, b))
		}
	}
	all, final := s.news()
	if final && len(all) > 0 && all[len(all)-1] == 200 && !s.has(s.new[0], ua.Answered, nil) {
		err = errors.Join(err, errors.New("alice is told of a success that there was not"))
	}
	switch {
	case s.both(s.new, "up"):
		sum.Transferred++
	case s.both(s.old, "up") || s.both(s.old, "rings"):
		sum.Stayed++
	case s.has(s.old[0], ua.Ended, func(e *ua.Event) bool { return e.Cause == ua.ByUs }) && s.x.left():
		sum.Left++
	case meddled:
		sum.Meddled++
	case s.x.kind == pickRing && s.both(s.old, "over"): // it has rung for too long
		sum.Left++
	case s.lost():
		sum.Lost++
	default:
		err = errors.Join(err, fmt.Errorf("nobody talks, and nobody wanted that: old %s, new %s", s.ends(s.old), s.ends(s.new)))
	}
	return err
}

// lost reports whether something was given up: 64*T1 without an answer (RFC
// 3261 section 12.2.1.2), without an ACK or a PRACK, or a call that rang for too
// long.
func (s *scene) lost() bool {
	return slices.ContainsFunc(s.events, func(n seen) bool {
		return n.e.Is == ua.Unacked || n.e.Status == 408 || n.e.Status == 504 || n.e.Is == ua.Ended && (n.e.Cause == ua.NoAnswer || n.e.Cause == ua.NoAck)
	})
}

// ends says why a call ended at each end.
func (s *scene) ends(call [2]end) (text string) {
	for _, at := range call {
		text += s.state(at) + " "
		for _, n := range s.events {
			if n.a == at.a && n.e.Call == at.id && n.e.Is == ua.Ended {
				text += fmt.Sprintf("(%v %d) ", n.e.Cause, n.e.Status)
			}
		}
	}
	return text
}
