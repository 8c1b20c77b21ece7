package sim

import (
	"errors"
	"testing"
	"time"

	"sbc/lab/ua"
)

// An attended transfer whose consultation is a matter of the LAN alone: a
// proxy PBX, or phones that call each other. Refer-To is the contact of carol,
// which no number leads to: "sip:desk@192.168.1.20:5070?Replaces=…". RFC 3515
// section 2.1 and RFC 5589 section 7: bob's INVITE has to come to that contact,
// with the Replaces that alice wrote. The border answers 404, because no route
// takes the user part of the contact, and it has forgotten the host; where a
// route leads to carol's own peer it answers 503, because the alias is good
// for alice's peer only.
func TestFoundConsultationPastTheBorder(t *testing.T) {
	for name, x := range map[string]transfer{
		"behind alice's peer": {kind: attended, place: inner, leave: ua.LeaveDone},
		"a peer beside alice": {kind: attended, place: beside, leave: ua.LeaveDone},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := x.scene(Options{Seed: 5, Delay: 10 * time.Millisecond, Sparse: true, agents: func(o *ua.Options) { o.User = neighbours[neighbourAt(o.Addr)].name }})
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
