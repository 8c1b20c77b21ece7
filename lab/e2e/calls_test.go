package e2e

import (
	"strings"
	"testing"
	"time"

	"sbc/lab/netns"
	"sbc/lab/ua"
	"sbc/lab/ua/live"
)

// Calls between agents of lab/ua, which check every rule that they know and
// every octet of the audio, and which carry canaries: what must not be seen
// on either side is searched for in every test.
func TestPhones(t *testing.T) {
	netns.Require(t, "root")
	for _, c := range []struct {
		name   string
		change func(i int, o *live.Options)
		play   func(p *pair)
		far    bool // the far end hangs up
		lost   int  // see clean
	}{
		{name: "plain", play: func(p *pair) { p.talk(ua.Invite{}) }},
		{name: "late offer", play: func(p *pair) { p.talk(ua.Invite{Late: true}) }},
		{name: "callee hangs up", play: func(p *pair) { p.talk(ua.Invite{}) }, far: true},
		{name: "early media", change: func(i int, o *live.Options) {
			if i == 1 {
				o.React = answerAfterMedia
			}
		}, play: func(p *pair) { p.talk(ua.Invite{}); p.until(p.caller, 0, ua.Answered) }},
		{name: "hold sendonly", play: holdAndResume(ua.SendOnly), lost: onTheirWay},
		{name: "hold inactive", play: holdAndResume(ua.Inactive), lost: onTheirWay},
		{name: "hold c=0.0.0.0", play: holdAndResume(ua.ConnZero), lost: onTheirWay},
		{name: "both hold", play: bothHold, lost: onTheirWay},
		{name: "refused re-INVITE", play: refusedReinvite},
		{name: "codec change", play: func(p *pair) {
			id := p.talk(ua.Invite{})
			p.caller.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect {
				return a.Recodec(now, id, []ua.Codec{ua.PCMU}, do)
			})
			_, next := p.until(p.caller, 0, ua.Reinvited)
			p.until(p.caller, next, ua.Heard)
		}},
		{name: "re-INVITE without offer", play: func(p *pair) {
			id := p.talk(ua.Invite{})
			p.caller.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect {
				return a.Refresh(now, id, true, do)
			})
			_, next := p.until(p.caller, 0, ua.Reinvited)
			p.until(p.caller, next, ua.Heard)
		}},
		{name: "INFO and OPTIONS", play: infoAndOptions},
		{name: "glare", play: glare},
		{name: "ACK lost twice", change: lose("ACK ", 2), play: func(p *pair) { p.talk(ua.Invite{}) }},
		{name: "INVITE and 200 lost", change: lose("INVITE ", 1), play: func(p *pair) { p.talk(ua.Invite{}) }},
	} {
		for _, way := range []string{"out", "in"} {
			t.Run(c.name+" "+way, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				p := w.phones(way, c.change)
				c.play(p)
				if c.far {
					p.far.Hangup(1)
				} else {
					p.caller.Hangup(1)
				}
				p.over()
				p.clean(c.lost)
				w.sealed()
			})
		}
	}
}

// answerAfterMedia answers when it has heard the caller.
func answerAfterMedia(a *ua.Agent, e ua.Event, do []ua.Effect) []ua.Effect {
	switch e.Is {
	case ua.Incoming:
		return a.Progress(e.At, e.Call, do)
	case ua.Heard:
		if _, audio := a.Media(e.Call); audio.Right < 60 {
			return a.Answer(e.At, e.Call, do)
		}
	}
	return do
}

// lose lets the first n messages of each phone get lost that begin with a
// word, and as many 200.
func lose(word string, n int) func(int, *live.Options) {
	return func(_ int, o *live.Options) {
		lost := map[string]int{}
		o.Lose = func(b []byte) bool {
			for _, w := range []string{word, "SIP/2.0 200"} {
				if strings.HasPrefix(string(b), w) {
					lost[w]++
					return lost[w] <= n
				}
			}
			return false
		}
	}
}

// holdAndResume lets the caller hold the call, and take it back.
func holdAndResume(h ua.Hold) func(p *pair) {
	return func(p *pair) {
		id := p.talk(ua.Invite{})
		next := p.setHold(p.caller, id, 0, h)
		p.quiet(p.far, 1)
		if h != ua.SendOnly {
			p.quiet(p.caller, id)
		}
		next = p.setHold(p.caller, id, next, ua.NotHeld)
		p.until(p.caller, next, ua.Heard)
		p.heardAgain(p.far)
	}
}

// setHold holds a call, waits for the answer, and returns the number of the
// event after it.
func (p *pair) setHold(phone *live.Phone, id ua.Call, from int, h ua.Hold) int {
	p.w.t.Helper()
	phone.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect { return a.Hold(now, id, h, do) })
	e, next := p.until(phone, from, ua.Reinvited)
	if e.Status != 200 {
		p.w.t.Fatalf("hold was answered %d", e.Status)
	}
	return next
}

// quiet fails the test when a phone sends RTP although it is held: for half
// a second of RTCP nothing may be added.
func (p *pair) quiet(phone *live.Phone, id ua.Call) {
	p.w.t.Helper()
	before, _ := sentBy(phone, id)
	_, reports := sentBy(phone, id)
	p.w.await("RTCP while the call is held", func() bool { _, n := sentBy(phone, id); return n > reports })
	if after, _ := sentBy(phone, id); after != before {
		p.w.t.Errorf("%d RTP packets were sent by a phone that is held", after-before)
	}
}

// sentBy returns how many RTP packets a phone has sent, and how many RTCP
// packets it has received.
func sentBy(phone *live.Phone, id ua.Call) (sent, reports int) {
	phone.Do(func(a *ua.Agent, _ time.Duration, do []ua.Effect) []ua.Effect {
		n, audio := a.Media(id)
		sent, reports = n, audio.Reports
		return do
	})
	return sent, reports
}

// heardAgain waits until a phone hears the far end after the last
// offer/answer.
func (p *pair) heardAgain(phone *live.Phone) {
	p.w.t.Helper()
	p.w.await("audio after the last offer/answer", func() bool {
		heard := false
		for _, e := range phone.Events() {
			switch e.Is {
			case ua.Reoffered, ua.Reinvited:
				heard = false
			case ua.Heard:
				heard = true
			}
		}
		return heard
	})
}

// bothHold lets both ends hold, and take it back in the same order: the
// direction of each leg follows from what both want.
func bothHold(p *pair) {
	id := p.talk(ua.Invite{})
	a := p.setHold(p.caller, id, 0, ua.SendOnly)
	_, far := p.until(p.far, 0, ua.Reoffered) // the ACK came: the far end may send its own
	b := p.setHold(p.far, 1, 0, ua.SendOnly)
	p.until(p.caller, 0, ua.Reoffered)
	p.quiet(p.caller, id)
	p.quiet(p.far, 1)
	p.setHold(p.caller, id, a, ua.NotHeld)
	p.until(p.far, far, ua.Reoffered)
	p.quiet(p.caller, id)
	p.setHold(p.far, 1, b, ua.NotHeld)
	p.heardAgain(p.caller)
	p.heardAgain(p.far)
}

func refusedReinvite(p *pair) {
	id := p.talk(ua.Invite{})
	p.far.Do(func(a *ua.Agent, _ time.Duration, do []ua.Effect) []ua.Effect { a.RefuseNext(1, 488); return do })
	p.caller.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect {
		return a.Hold(now, id, ua.Inactive, do)
	})
	e, _ := p.until(p.caller, 0, ua.Reinvited)
	if e.Status != 488 {
		p.w.t.Errorf("the re-INVITE was answered %d instead of 488", e.Status)
	}
	p.heardAgain(p.caller)
	p.heardAgain(p.far)
	_, next := p.until(p.caller, 0, ua.Reinvited)
	p.caller.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect {
		return a.Refresh(now, id, false, do)
	})
	if e, _ := p.until(p.caller, next, ua.Reinvited); e.Status != 200 {
		p.w.t.Errorf("the next re-INVITE was answered %d", e.Status)
	}
	p.heardAgain(p.caller)
}

func infoAndOptions(p *pair) {
	id := p.talk(ua.Invite{})
	p.caller.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect {
		return a.Info(now, id, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", do)
	})
	if e, _ := p.until(p.far, 0, ua.Info); e.Text != "Signal=5\r\nDuration=160\r\n" {
		p.w.t.Errorf("INFO with %q", e.Text)
	}
	next := p.replied(0)
	for _, id := range []ua.Call{id, 0} { // in the dialog, and outside of one
		p.caller.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect { return a.Options(now, id, do) })
		next = p.replied(next)
	}
}

// replied waits for the answer to a request of the caller, from event number
// from on.
func (p *pair) replied(from int) int {
	p.w.t.Helper()
	e, next := p.until(p.caller, from, ua.Replied)
	if e.Status != 200 {
		p.w.t.Errorf("%s was answered %d", e.Text, e.Status)
	}
	return next
}

// glare lets both ends send a re-INVITE at once. Both changes are made in the
// end, whatever met what.
func glare(p *pair) {
	id := p.talk(ua.Invite{})
	refresh := func(id ua.Call) func(*ua.Agent, time.Duration, []ua.Effect) []ua.Effect {
		return func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect { return a.Refresh(now, id, false, do) }
	}
	together(0, func() { p.far.Do(refresh(1)) }, func() { p.caller.Do(refresh(id)) })
	p.insists(p.caller, refresh(id))
	p.insists(p.far, refresh(1))
	p.heardAgain(p.caller)
	p.heardAgain(p.far)
}

// insists waits until a phone has made a change that it was told to make. One that
// is just being asked for a change itself does not begin another: it is told again.
func (p *pair) insists(phone *live.Phone, change func(*ua.Agent, time.Duration, []ua.Effect) []ua.Effect) {
	p.w.t.Helper()
	for from := 0; ; phone.Do(change) {
		e, next, err := phone.Await(p.w.ctx, from, func(e ua.Event) bool { return e.Is == ua.Reinvited || e.Is == ua.Ignored })
		p.w.must(err)
		if e.Is == ua.Reinvited {
			return
		}
		p.again++
		_, from = p.until(phone, next, ua.Reoffered)
	}
}
