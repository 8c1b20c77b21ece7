package sim

import (
	"errors"
	"testing"
	"time"

	"sbc/lab/ua"
)

// bob hangs up while he follows the REFER, and his NOTIFY overtakes the BYE on
// its way. RFC 3261 section 12.2.2 would have it refused, but bob's call is over
// when he sends BYE (section 15.1.1), and he sends no other: alice must not be
// left in a call with nobody.
func TestFoundByeOvertaken(t *testing.T) {
	x := transfer{kind: blind, place: farThird, leave: ua.LeaveNever}
	s, err := x.scene(Options{Seed: 5, Delay: 10 * time.Millisecond, Sparse: true})
	if err != nil {
		t.Fatal(err)
	}
	s.w.perfect = true
	if !s.prepare(3 * time.Second) {
		t.Fatal("the calls did not come up")
	}
	s.begin(2 * time.Second)
	if !s.until(time.Second, func() bool { return s.state(s.new[0]) == "rings" }) {
		t.Fatal("the target does not ring")
	}
	do := s.bob.agent.Hangup(s.w.now, s.old[1].id, nil)
	for i := range do {
		if e := do[i]; e.Do == ua.Send { // the target answers, and bob tells alice, in the meantime
			do[i].Do = 0
			s.w.after(time.Second, func() { s.w.arrive(outside, e.From, e.Bytes) })
		}
	}
	s.do(s.bob, do)
	s.w.run(s.w.now + 3*time.Second)
	if !s.both(s.old, "over") {
		t.Errorf("bob has hung up; alice's call is %s", s.state(s.old[0]))
	}
	if err := s.over(); err != nil {
		t.Error(err)
	}
}

// An attended transfer whose consultation is a matter of the LAN alone: a
// proxy PBX, or phones that call each other. Refer-To is the contact of carol,
// which no number leads to: "sip:desk@192.168.1.20:5070?Replaces=…". RFC 3515
// section 2.1 and RFC 5589 section 7: bob's INVITE has to come to that contact,
// with the Replaces that alice wrote, whatever the routes make of its user part,
// and also where carol is a peer of her own.
func TestFoundConsultationPastTheBorder(t *testing.T) {
	for _, where := range []transferPlace{inner, beside} {
		t.Run(placeNames[where], func(t *testing.T) {
			x := transfer{kind: attended, place: where, leave: ua.LeaveDone}
			s, err := x.scene(Options{Seed: 5, Delay: 10 * time.Millisecond, Sparse: true, agents: func(o *ua.Options) { o.User = whoIs(o.Addr).name }})
			if err != nil {
				t.Fatal(err)
			}
			s.w.perfect = true
			if !s.prepare(3 * time.Second) {
				t.Fatal("the calls did not come up")
			}
			s.begin(2 * time.Second)
			s.w.run(s.w.now + 4*time.Second)
			if err := errors.Join(s.judge(), s.over()); err != nil {
				t.Error(err)
			}
		})
	}
}
