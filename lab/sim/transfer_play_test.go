package sim

import (
	"html"
	"regexp"
	"time"

	"sbc/lab/ua"
	"sbc/signaling/sip"
)

// until lets time pass until something is so, for a time at most.
func (s *scene) until(most time.Duration, so func() bool) bool {
	for limit := s.w.now + most; s.w.now < limit && !so(); {
		s.w.run(s.w.now + 100*time.Millisecond)
	}
	return so()
}

// prepare brings the calls up that the transfer is about. false: the network
// did not let them.
func (s *scene) prepare(most time.Duration) bool {
	caller, callee, mine := s.alice, s.bob, 0
	if s.x.called {
		caller, callee, mine = s.bob, s.alice, 1
	}
	s.old[mine] = s.call(caller, callee, oldNumber)
	want := "up"
	if s.x.kind == pickRing {
		want = "rings"
	}
	if !s.until(most, func() bool { return s.both(s.old, want) }) {
		return false
	}
	if s.x.picked() {
		return s.observe(most)
	}
	if !s.x.consults() {
		return true
	}
	s.do(s.alice, s.alice.agent.Hold(s.w.now, s.old[0].id, ua.SendOnly, nil))
	if !s.until(most, func() bool { return s.has(s.old[0], ua.Reinvited, nil) && s.has(s.old[1], ua.Reoffered, nil) }) {
		return false
	}
	s.consult[0] = s.call(s.alice, s.carol, consultNumber)
	want = "up"
	if s.x.kind == ringing {
		want = "rings"
	}
	return s.until(most, func() bool { return s.both(s.consult, want) })
}

// call lets somebody call somebody.
func (s *scene) call(from, to *actor, number string) end {
	id, do := from.agent.Invite(s.w.now, ua.Invite{To: to.at.prefix + number}, nil)
	if number == consultNumber && s.x.past() {
		s.private = callIDOf(do)
	}
	s.do(from, do)
	return end{from, id}
}

// do carries out what a user agent asks for.
func (s *scene) do(a *actor, list []ua.Effect) { a.do(s.past(a, list)) }

// past takes what belongs to a call past the border out of what a user agent
// asks for, and delivers it.
func (s *scene) past(a *actor, list []ua.Effect) []ua.Effect {
	for i := range list {
		e := list[i]
		if e.Do != ua.Send || s.private == "" || callIDOf(list[i:i+1]) != s.private {
			continue
		}
		far := s.alice
		if a == s.alice {
			far = s.carol
		}
		list[i].Do = 0
		s.w.spoken[a.index] = append(s.w.spoken[a.index], e.Bytes)
		s.w.after(s.w.o.Delay, func() { s.do(far, far.agent.Receive(s.w.now, far.at.addr, a.at.addr, e.Bytes, nil)) })
	}
	return list
}

// callIDOf returns the Call-ID of the first message that is sent; empty: none.
func callIDOf(list []ua.Effect) string {
	for i := range list {
		var m sip.Message
		if list[i].Do == ua.Send && m.Parse(list[i].Bytes) == nil {
			return string(m.Bytes(m.CallID()))
		}
	}
	return ""
}

// observe lets carol watch what calls alice has.
func (s *scene) observe(most time.Duration) bool {
	id, do := s.carol.agent.Subscribe(s.w.now, ua.Subscribe{To: s.alice.at.prefix + oldNumber, Event: "dialog", Seconds: 300}, nil)
	s.watch = id
	s.do(s.carol, do)
	return s.until(most, func() bool { return watched.MatchString(s.body) })
}

// watched is a dialog in a body of RFC 4235.
var watched = regexp.MustCompile(`call-id="([^"]*)" local-tag="([^"]*)" remote-tag="([^"]*)".*<remote>.*<target uri="([^"]*)"`)

// begin begins the transfer. patience is for how long bob lets it ring.
func (s *scene) begin(patience time.Duration) {
	now := s.w.now
	switch s.x.outcome {
	case unreachable:
		s.who().away = true
	case refused:
		s.bob.agent.RefuseRefer(s.old[1].id, 403)
	case tooLate:
		s.answer(map[bool][2]end{false: s.consult, true: s.old}[s.x.picked()])
	}
	if s.x.picked() {
		s.take()
		s.w.after(patience, func() { s.giveUp(s.new[1]) })
		return
	}
	r := ua.Refer{To: s.carol.at.prefix + targetNumber, NoNews: s.x.kind == unheard, Leave: s.x.leave}
	if s.x.consults() {
		r.Replaces, r.EarlyOnly = s.consult[0].id, s.x.outcome == tooLate
	}
	s.do(s.alice, s.alice.agent.Refer(now, s.old[0].id, r, nil))
	if s.x.outcome == gone {
		s.do(s.alice, s.alice.agent.Hangup(now, s.consult[0].id, nil))
	}
	s.w.after(patience, func() { s.giveUp(s.new[0]) })
}

// answer lets the called answer a call that rings.
func (s *scene) answer(call [2]end) {
	callee := call[1]
	if !s.has(callee, ua.Incoming, nil) {
		callee = call[0]
	}
	s.do(callee.a, callee.a.agent.Answer(s.w.now, callee.id, nil))
}

// who is the one who is to answer the new call.
func (s *scene) who() *actor {
	if s.x.picked() {
		return s.bob
	}
	return s.carol
}

// take lets carol pick the call up: RFC 5359 section 2.16. It is over or
// answered just before where the outcome says so.
func (s *scene) take() {
	switch s.x.outcome {
	case gone:
		s.do(s.alice, s.alice.agent.Hangup(s.w.now, s.old[0].id, nil))
		s.until(2*time.Second, func() bool { return s.both(s.old, "over") })
	case tooLate:
		s.until(2*time.Second, func() bool { return s.both(s.old, "up") })
	}
	m := watched.FindStringSubmatch(s.body)
	v := html.UnescapeString(m[1]) + ";to-tag=" + m[3] + ";from-tag=" + m[2]
	if s.x.kind == pickRing {
		v += ";early-only"
	}
	id, do := s.carol.agent.Invite(s.w.now, ua.Invite{URI: html.UnescapeString(m[4]), Fields: []string{"Replaces: " + v, "Require: replaces"}}, nil)
	s.new[1] = end{s.carol, id}
	s.do(s.carol, do)
}

// giveUp hangs up a call that was not answered.
func (s *scene) giveUp(at end) {
	if state := s.state(at); at.id != 0 && state != "up" && state != "over" {
		s.do(at.a, at.a.agent.Hangup(s.w.now, at.id, nil))
	}
}

// used lets both ends of a call hold it and take it back, and reports whether
// that works.
func (s *scene) used(call [2]end) bool {
	for i, at := range call {
		for _, h := range []ua.Hold{ua.SendOnly, ua.NotHeld} {
			from := len(s.events)
			s.do(at.a, at.a.agent.Hold(s.w.now, at.id, h, nil))
			if !s.until(3*time.Second, func() bool { return s.reoffered(from, at, call[1-i]) }) {
				return false
			}
		}
	}
	return true
}

// reoffered reports whether a re-INVITE was accepted, since so many events.
func (s *scene) reoffered(from int, by, far end) bool {
	mine, theirs := false, false
	for _, n := range s.events[from:] {
		mine = mine || n.e.Is == ua.Reinvited && n.e.Status == 200 && n.a == by.a && n.e.Call == by.id
		theirs = theirs || n.e.Is == ua.Reoffered && n.a == far.a && n.e.Call == far.id
	}
	return mine && theirs
}

// over lets everybody hang up, and tells what did not hold.
func (s *scene) over() error {
	s.carol.away, s.bob.away = false, false
	if at := s.consult[0]; s.x.past() && s.state(at) != "over" {
		s.do(at.a, at.a.agent.Hangup(s.w.now, at.id, nil))
		s.w.run(s.w.now + time.Second)
	}
	return (&stage{w: s.w}).over()
}
