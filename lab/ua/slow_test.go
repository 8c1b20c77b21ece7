package ua

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func slowly(d time.Duration) func(i int, o *Options) {
	return func(i int, o *Options) {
		if i == 1 {
			o.Slow = d
		}
	}
}

// What b answers late is sent again by a as RFC 3261 section 17.1.2.1 has it,
// and gets nothing for it until b says 100 (RFC 4320 section 4.1).
func TestSlowAnswers(t *testing.T) {
	const four = "a→ MESSAGE, a→ MESSAGE, a→ MESSAGE, a→ MESSAGE, "
	for _, c := range []struct {
		slow time.Duration
		wire string
	}{
		{0, "a→ MESSAGE, b→ 200 MESSAGE"},
		{time.Second, "a→ MESSAGE, a→ MESSAGE, b→ 200 MESSAGE"},
		{3500 * time.Millisecond, four + "b→ 200 MESSAGE"},
		{10 * time.Second, four + "b→ 100 MESSAGE, a→ MESSAGE, b→ 100 MESSAGE, b→ 200 MESSAGE"},
	} {
		t.Run(c.slow.String(), func(t *testing.T) {
			w := newWorld(t, quietly, slowly(c.slow))
			_, do := w.agents[0].Message(w.now, "b", "hello", nil)
			w.do(0, do)
			w.run(c.slow)
			if w.agents[0].Idle() || len(w.events[0]) != 0 {
				t.Errorf("it is answered before its time: %s", w.kinds(0))
			}
			w.done()
			w.want("replied 200", "asked 200")
			if got := strings.Join(w.wire, ", "); got != c.wire {
				t.Errorf("wire:\n got %s\nwant %s", got, c.wire)
			}
		})
	}
}

// Over a stream nothing is sent again, and the 100 comes no sooner.
func TestSlowAnswerOverAStream(t *testing.T) {
	w := newWorld(t, quietly, slowly(10*time.Second), func(_ int, o *Options) { o.Stream = true })
	_, do := w.agents[0].Message(w.now, "b", "hello", nil)
	w.do(0, do)
	w.run(lateAfter)
	if got := strings.Join(w.wire, ", "); got != "a→ MESSAGE" {
		t.Error(got)
	}
	w.done()
	w.want("replied 200", "asked 200")
	if got := strings.Join(w.wire, ", "); got != "a→ MESSAGE, b→ 100 MESSAGE, b→ 200 MESSAGE" {
		t.Error(got)
	}
}

// A slow agent does everything else in time: calls, what changes them, and
// subscriptions, the NOTIFY of which comes before the 200.
func TestSlowAgentInACall(t *testing.T) {
	w := newWorld(t, quietly, slowly(5*time.Second))
	w.invite(Invite{})
	w.run(time.Second)
	a := w.agents[0]
	w.do(0, a.MessageWithin(w.now, 1, "in the call", nil))
	w.do(0, a.Ask(w.now, 1, "DANCE", nil))
	id := w.subscribe(Subscribe{Event: "dialog", Seconds: 600})
	w.run(time.Second)
	w.do(0, a.Update(w.now, 1, SendOnly, nil))
	w.run(10 * time.Second)
	w.do(0, a.Unsubscribe(w.now, id, nil))
	w.run(time.Second)
	w.do(0, a.MessageWithin(w.now, 1, "and goodbye", nil))
	w.run(time.Second)
	w.hangup(0)
	w.done()
	w.want("ringing 180, answered 200, notified, reinvited 200, replied 200, replied 405, replied 200, notified, unsubscribed, ended (we hung up), replied 200",
		"incoming, answered 200, asked 200, asked 405, subscribed, reoffered 200, unsubscribed 200, asked 200, ended (far end hung up)")
}

// RFC 4320 section 4.1: over UDP no 100 before timer E of the client has come
// to T2, and no other provisional response at all.
func TestProvisionalResponses(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		at     time.Duration
		stream bool
		want   string
	}{
		{"soon", 100, 0, false, "violation 20ms after the request: SIP/2.0 100 Trying, replied 200"},
		{"too soon", 100, 3479 * time.Millisecond, false, "violation 3.499s after the request: SIP/2.0 100 Trying, replied 200"},
		{"in time", 100, 3480 * time.Millisecond, false, "replied 200"},
		{"soon, over a stream", 100, 0, true, "replied 200"},
		{"another one", 183, 4 * time.Second, false, "violation provisional response to another request than INVITE: SIP/2.0 183 Session Progress, replied 200"},
		{"another one, over a stream", 199, 4 * time.Second, true, "violation provisional response to another request than INVITE: SIP/2.0 199 Early Dialog Terminated, replied 200"},
		{"behind the answer", 180, 11 * time.Second, false, "replied 200, violation provisional response to another request than INVITE: SIP/2.0 180 Ringing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, quietly, slowly(10*time.Second), func(_ int, o *Options) { o.Stream = c.stream })
			_, do := w.agents[0].Message(w.now, "b", "hello", nil)
			w.do(0, do)
			w.run(w.delay + c.at)
			for _, s := range w.agents[1].servers {
				w.do(1, w.agents[1].send(s.from, w.agents[1].responseTo(s, c.status, "", "", ""), nil))
			}
			w.done()
			if got := regexp.MustCompile(` \(Call-ID [^)]*\)`).ReplaceAllString(w.kinds(0), ""); got != c.want {
				t.Errorf(" got %s\nwant %s", got, c.want)
			}
		})
	}
}
