package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sbc/lab/ua"
	"sbc/signaling/sip"
)

// status is what the one who calls hears in the end.
func (x transfer) status() []int {
	return map[transferOutcome][]int{
		answered: {200}, busy: {486}, rejects: {603}, silent: {487}, unreachable: {408},
		gone: {481, 603}, tooLate: {486}, strict: {481},
	}[x.outcome]
}

// left reports whether the old call is over in the end.
func (x transfer) left() bool {
	switch x.leave {
	case ua.LeaveAtOnce:
		return true
	case ua.LeaveAccepted:
		return x.outcome != refused
	case ua.LeaveDone:
		return x.outcome == answered
	}
	return x.picked() && (x.outcome == answered || x.outcome == gone)
}

// judge compares what the users see with what they have to see, in a network
// that is perfect.
func (s *scene) judge() error {
	return errors.Join(s.judgeCalls(), s.judgeNews(), s.judgeReplaced(), s.judgeReferrer())
}

func (s *scene) judgeCalls() error {
	want := map[bool]string{true: "over", false: "up"}[s.x.left()]
	if want == "up" && s.x.kind == pickRing && s.x.outcome != tooLate {
		want = "rings"
	}
	err := s.stands("old", s.old, want)
	if s.x.consults() {
		err = errors.Join(err, s.stands("consultation", s.consult, s.x.consulted()))
	}
	if s.x.outcome == answered {
		return errors.Join(err, s.stands("new", s.new, "up"))
	}
	for _, at := range s.new {
		if state := s.state(at); state != "none" && state != "over" {
			err = errors.Join(err, fmt.Errorf("a new call %s", state))
		}
	}
	for _, n := range s.events {
		if n.e.Is == ua.Ignored {
			err = errors.Join(err, fmt.Errorf("%s could not: %s", n.a.at.name, n.e.Text))
		}
	}
	return err
}

// consulted is how the call of alice with carol stands in the end.
func (x transfer) consulted() string {
	switch {
	case x.outcome == answered || x.outcome == gone:
		return "over"
	case x.kind == ringing && x.outcome != tooLate:
		return "rings"
	}
	return "up"
}

func (s *scene) stands(name string, call [2]end, want string) error {
	if s.both(call, want) {
		return nil
	}
	return fmt.Errorf("the %s call: %s and %s, want %s", name, s.state(call[0]), s.state(call[1]), want)
}

// judgeNews holds what alice is told of the transfer, or carol of her pick-up.
func (s *scene) judgeNews() error {
	x := s.x
	all, final := s.news()
	switch {
	case x.picked():
		if !slices.Contains(x.status(), s.heard(s.new[1])) {
			return fmt.Errorf("who picks up got %d", s.heard(s.new[1]))
		}
		return nil
	case x.outcome == refused:
		if s.replied() != 403 || len(all) > 0 {
			return fmt.Errorf("REFER was answered with %d, news %d", s.replied(), all)
		}
		return nil
	case s.replied() != 202:
		return fmt.Errorf("REFER was answered with %d", s.replied())
	case x.kind == unheard:
		if len(all) > 0 {
			return fmt.Errorf("news %d, though none were wanted", all)
		}
		return nil
	case len(all) < 2 || all[0] != 100 || !final || !slices.Contains(x.status(), all[len(all)-1]):
		return fmt.Errorf("news %d", all)
	}
	return nil
}

// heard is the final response to a call that somebody made; 0: none, or it did
// not come.
func (s *scene) heard(at end) (status int) {
	for _, n := range s.events {
		if n.a == at.a && n.e.Call == at.id && (n.e.Is == ua.Answered || n.e.Is == ua.Ended && status == 0) {
			status = n.e.Status
		}
	}
	return status
}

// judgeReplaced holds that the one who got Replaces found the right call by it,
// and that alice's end of that call was ended by him.
func (s *scene) judgeReplaced() error {
	named, by := s.consult, s.new[1]
	switch {
	case s.x.outcome != answered || s.x.kind == blind || s.x.kind == unheard:
		return nil
	case s.x.picked():
		named, by = s.old, s.new[0]
	}
	if !s.has(named[1], ua.Replaced, func(e *ua.Event) bool { return e.Other == by.id }) {
		return errors.New("nothing was replaced")
	}
	if !s.has(named[0], ua.Ended, func(e *ua.Event) bool {
		return slices.Contains([]ua.Cause{ua.ByFar, ua.Cancelled, ua.Rejected}, e.Cause)
	}) {
		return errors.New("alice still has the call that was replaced")
	}
	return nil
}

// judgeReferrer holds that carol sees who sent her the call.
func (s *scene) judgeReferrer() error {
	for _, n := range s.events {
		if s.x.picked() || n.e.Is != ua.Incoming || n.a != s.new[1].a || n.e.Call != s.new[1].id {
			continue
		}
		m := n.e.Message
		f, ok := m.First(sip.FieldReferredBy)
		by := string(m.Bytes(f.Value))
		if !ok || !strings.Contains(by, "sip:"+s.alice.at.name+"@") && !strings.Contains(by, "sip:"+s.alice.at.prefix+innerNumber+"@") {
			return fmt.Errorf("Referred-By %q in the INVITE to the target", by)
		}
	}
	return nil
}

// judgeUse holds that whatever call is left can be used: what rings can be
// answered, what is up can be held and resumed by both.
func (s *scene) judgeUse() error {
	for _, call := range [][2]end{s.old, s.consult, s.new} {
		if s.both(call, "rings") {
			s.answer(call)
			if !s.until(time.Second, func() bool { return s.both(call, "up") }) {
				return fmt.Errorf("what rang cannot be answered: %s and %s", s.state(call[0]), s.state(call[1]))
			}
		}
		if s.both(call, "up") && !s.used(call) {
			return errors.New("a call that is left cannot be held and resumed")
		}
	}
	return nil
}

// result is who is connected with whom, and the status that alice was told.
func (s *scene) result() string {
	var talks []string
	for i, call := range [][2]end{s.new, s.old, s.consult} {
		if s.both(call, "up") {
			talks = append(talks, []string{"E–G", "T–E", "T–G"}[i])
		}
		if s.both(call, "rings") {
			talks = append(talks, []string{"E…G", "T…E", "T…G"}[i])
		}
	}
	if len(talks) == 0 {
		talks = []string{"nobody"}
	}
	text := strings.Join(talks, " and ")
	switch all, _ := s.news(); {
	case s.x.picked():
		return fmt.Sprintf("%s; %d", text, s.heard(s.new[1]))
	case s.x.outcome == refused:
		return fmt.Sprintf("%s; %d", text, s.replied())
	case len(all) > 0:
		return fmt.Sprintf("%s; %d", text, all[len(all)-1])
	}
	return text
}
