package e2e

import (
	"testing"
	"time"

	"sbc/lab/netns"
	"sbc/lab/ua"
	"sbc/lab/ua/live"
)

// together runs two functions at once, the one in the other's goroutine
// every second time.
func together(n int, a, b func()) {
	if n%2 == 1 {
		a, b = b, a
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		a()
	}()
	b()
	<-done
}

// Both hang up in the same moment, a hundred times: each sees its call end,
// and nothing is left.
func TestBothHangUp(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root")
	w := newWorld(t)
	p := w.phones("out", func(_ int, o *live.Options) { o.Agent.Quiet = true })
	for n := range 100 {
		id := p.caller.Invite(ua.Invite{To: "4930123"})
		p.call(p.caller, id, ua.Answered)
		p.call(p.far, id, ua.Answered)
		together(n, func() { p.far.Hangup(id) }, func() { p.caller.Hangup(id) })
		p.call(p.caller, id, ua.Ended)
		p.call(p.far, id, ua.Ended)
	}
	p.lawful()
}

// CANCEL and 200 meet somewhere on the way, a hundred times.
func TestCancelMeetsAnswer(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root")
	w := newWorld(t)
	p := w.phones("in", func(i int, o *live.Options) {
		o.Agent.Quiet = true
		if i == 1 {
			o.React = ringOnly
		}
	})
	for n := range 100 {
		id := p.caller.Invite(ua.Invite{To: "4930123"})
		p.call(p.caller, id, ua.Ringing)
		together(n, func() {
			p.far.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect { return a.Answer(now, id, do) })
		}, func() { p.caller.Hangup(id) })
		p.call(p.caller, id, ua.Ended)
		p.call(p.far, id, ua.Ended)
	}
	p.lawful()
}

func ringOnly(a *ua.Agent, e ua.Event, do []ua.Effect) []ua.Effect {
	if e.Is == ua.Incoming {
		do = a.Ring(e.At, e.Call, 180, do)
	}
	return do
}

// lawful fails the test when either phone has seen a violation.
func (p *pair) lawful() {
	p.w.t.Helper()
	for i, phone := range []*live.Phone{p.caller, p.far} {
		for _, e := range phone.Events() {
			if e.Is == ua.Violation {
				p.w.t.Errorf("phone %d: %s", i, e.Text)
			}
		}
	}
}
