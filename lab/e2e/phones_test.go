package e2e

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/lab/netns"
	"sbc/lab/ua"
	"sbc/lab/ua/live"
)

// The canaries of the two sides. The SBC's address in a realm belongs to that
// realm too.
var (
	lanCanary = ua.Canary{
		Word: "kiwi7lan", Inner: netip.MustParseAddr("172.31.66.77"), Own: []netip.Addr{lanAddr, insideAddr},
	}
	itspCanary = ua.Canary{
		Word: "mango3wan", Inner: netip.MustParseAddr("203.0.113.177"), Own: []netip.Addr{itspAddr, outsideAddr},
	}
)

// Voices of the two sides, and what their stacks put into the TTL: a relay
// that copies it shows the distance of the far end.
const (
	lanVoice, itspVoice = 311, 742
	lanTTL, itspTTL     = 57, 101
)

// A pair is a phone on each side of a world.
type pair struct {
	w           *world
	caller, far *live.Phone
	way         string
}

// phones puts a phone on each side, the caller where way says. change may
// change the options of the caller (0) and of the callee (1).
func (w *world) phones(way string, change func(i int, o *live.Options)) *pair {
	w.t.Helper()
	p := &pair{w: w, way: way}
	caller, callee := w.ends(way)
	for i, s := range []*side{caller, callee} {
		o := w.phoneOptions(s)
		if i == 1 {
			o.React = answer
		}
		if change != nil {
			change(i, &o)
		}
		phone, err := live.Start(o)
		w.must(err)
		w.t.Cleanup(func() {
			phone.Close()
			if w.t.Failed() {
				w.t.Logf("phone on %s: %s", s.name, words(phone.Events()))
			}
		})
		if i == 0 {
			p.caller = phone
		} else {
			p.far = phone
		}
	}
	if w.border != nil {
		w.t.Cleanup(w.border.settle)
	}
	return p
}

func (w *world) phoneOptions(s *side) live.Options {
	seed := fnv.New64()
	fmt.Fprint(seed, w.t.Name(), s.name)
	o := live.Options{
		Agent: ua.Options{
			User: s.name, Addr: s.at(sipPort), Peer: s.target(), Canary: lanCanary, MediaPort: 40000,
			Voice: lanVoice, Hear: itspVoice, Rand: rand.New(rand.NewPCG(seed.Sum64(), 1)),
		},
		Listen: func(at netip.AddrPort) (*net.UDPConn, error) { return s.space.ListenUDP(at) },
		TTL:    lanTTL,
	}
	if s == w.itsp {
		o.TTL, o.Agent.Canary, o.Agent.Voice, o.Agent.Hear = itspTTL, itspCanary, itspVoice, lanVoice
	}
	return o
}

// answer rings and answers every call.
func answer(a *ua.Agent, e ua.Event, do []ua.Effect) []ua.Effect {
	if e.Is == ua.Incoming {
		do = a.Ring(e.At, e.Call, 180, do)
		do = a.Answer(e.At, e.Call, do)
	}
	return do
}

// until waits for an event of a phone, from event number from on.
func (p *pair) until(phone *live.Phone, from int, kind ua.Kind) (ua.Event, int) {
	p.w.t.Helper()
	e, next, err := phone.Await(p.w.ctx, from, func(e ua.Event) bool { return e.Is == kind })
	if err != nil {
		p.w.t.Fatalf("waiting for %q: %v", kind, err)
	}
	return e, next
}

// talk calls, and waits until both hear each other.
func (p *pair) talk(i ua.Invite) ua.Call {
	p.w.t.Helper()
	i.To = "4930123"
	id := p.caller.Invite(i)
	p.until(p.caller, 0, ua.Heard)
	p.until(p.far, 0, ua.Heard)
	return id
}

// over waits until both calls are over.
func (p *pair) over() (caller, far ua.Event) {
	p.w.t.Helper()
	caller, _ = p.until(p.caller, 0, ua.Ended)
	far, _ = p.until(p.far, 0, ua.Ended)
	return caller, far
}

// clean fails the test when either phone has seen a violation or an error,
// or audio that was not bit-exact.
func (p *pair) clean() {
	p.w.t.Helper()
	for i, phone := range []*live.Phone{p.caller, p.far} {
		if err := phone.Err(); err != nil {
			p.w.t.Errorf("phone %d: %v", i, err)
		}
		for _, e := range phone.Events() {
			if e.Is == ua.Violation || e.Is == ua.Unacked || e.Is == ua.Ignored {
				p.w.t.Errorf("phone %d: %s: %s", i, e.Is, e.Text)
			}
			if e.Is == ua.Ended && (e.Audio.Wrong != 0 || e.Audio.Lost != 0 || e.Audio.BadRTCP != 0) {
				p.w.t.Errorf("phone %d: audio %+v", i, e.Audio)
			}
			if e.Is == ua.Ended && !direct && len(e.Audio.Personal) != 0 {
				p.w.t.Errorf("phone %d: RTCP names the far end: %q", i, e.Audio.Personal)
			}
		}
	}
}

// words lists events for a failed test.
func words(events []ua.Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "\n%8.3fs call %d %s %d", e.At.Seconds(), e.Call, e.Is, e.Status)
		if e.Is == ua.Ended {
			fmt.Fprintf(&b, " (%s), sent %d, %+v", e.Cause, e.Sent, e.Audio)
		} else if e.Is != ua.Info {
			b.WriteString(" " + e.Text)
		}
	}
	return b.String()
}

func TestPhones(t *testing.T) {
	netns.Require(t, "root")
	for _, c := range []struct {
		name   string
		change func(i int, o *live.Options)
		play   func(p *pair)
		far    bool // the far end hangs up
	}{
		{name: "plain", play: func(p *pair) { p.talk(ua.Invite{}) }},
		{name: "late offer", play: func(p *pair) { p.talk(ua.Invite{Late: true}) }},
		{name: "callee hangs up", play: func(p *pair) { p.talk(ua.Invite{}) }, far: true},
		{name: "early media", change: func(i int, o *live.Options) {
			if i == 1 {
				o.React = answerAfterMedia
			}
		}, play: func(p *pair) { p.talk(ua.Invite{}); p.until(p.caller, 0, ua.Answered) }},
		{name: "hold sendonly", play: hold1(ua.SendOnly)},
		{name: "hold inactive", play: hold1(ua.Inactive)},
		{name: "hold c=0.0.0.0", play: hold1(ua.ConnZero)},
		{name: "both hold", play: bothHold},
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
				p.clean()
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

// hold1 lets the caller hold the call, and take it back.
func hold1(h ua.Hold) func(p *pair) {
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
	p.until(p.caller, 0, ua.Reinvited)
	p.until(p.far, 0, ua.Reinvited)
	p.heardAgain(p.caller)
	p.heardAgain(p.far)
}

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

// call waits for an event of one call.
func (p *pair) call(phone *live.Phone, id ua.Call, kind ua.Kind) ua.Event {
	p.w.t.Helper()
	e, _, err := phone.Await(p.w.ctx, 0, func(e ua.Event) bool { return e.Is == kind && e.Call == id })
	if err != nil {
		p.w.t.Fatalf("waiting for %q of call %d: %v", kind, id, err)
	}
	return e
}
