package nat_test

import (
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"sbc/nat"
)

func TestKeepaliveSize(t *testing.T) {
	if n := unsafe.Sizeof(nat.Keepalive{}); n > 32 {
		t.Errorf("%d bytes a binding", n)
	}
}

// What is learned of NATs as they are met, what it costs, and what it takes.
func TestKeepaliveLearns(t *testing.T) {
	for _, c := range []struct {
		name               string
		lifetime, register time.Duration
		want               time.Duration // interval
		within             time.Duration // until it is learned
		hourly             int           // OPTIONS at most, with 1 % of loss
	}{
		{"20 s", 20 * time.Second, 57 * time.Second, 15 * time.Second, time.Minute, 200},
		{"30 s", 30 * time.Second, 57 * time.Second, 25 * time.Second, 3 * time.Minute, 135},
		{"60 s", 60 * time.Second, 57 * time.Second, 45 * time.Second, 5 * time.Minute, 70}, // registrations do the rest
		{"180 s", 180 * time.Second, 57 * time.Second, 45 * time.Second, 5 * time.Minute, 70},
		{"20 s, rare", 20 * time.Second, 10 * time.Minute, 15 * time.Second, time.Minute, 260},
		{"60 s, rare", 60 * time.Second, 10 * time.Minute, 55 * time.Second, time.Hour, 70},
		{"180 s, rare", 180 * time.Second, 10 * time.Minute, 175 * time.Second, 2 * time.Hour, 24},
		{"for ever, rare", 0, 10 * time.Minute, 295 * time.Second, 2*time.Hour + 20*time.Minute, 16},
		{"180 s, hourly", 180 * time.Second, time.Hour, 175 * time.Second, 10 * time.Hour, 26},
	} {
		for _, loss := range []float64{0, 0.01} {
			w := newWorld(c.lifetime, c.register, loss, 7)
			learned := time.Duration(0)
			for w.now < c.within+c.register {
				w.run(time.Minute)
				if learned == 0 && w.k.Interval() == c.want {
					learned = w.now
				}
			}
			if w.k.Interval() != c.want || !w.k.Learning() {
				t.Errorf("%s, loss %v: interval %v, want %v", c.name, loss, w.k.Interval(), c.want)
			}
			closed, sent := w.closed, w.sent
			w.run(24 * time.Hour)
			hourly := float64(w.sent-sent) / 24
			if hourly > float64(c.hourly) {
				t.Errorf("%s, loss %v: %.0f OPTIONS an hour", c.name, loss, hourly)
			}
			t.Logf("%-14s loss %v: %v after %v; closed %v while learning, %v in the day after, %v at once; %.0f OPTIONS an hour",
				c.name, loss, c.want, learned, closed, w.closed-closed, w.longest, hourly)
		}
	}
}

// Whatever the NAT's lifetime and however often the phone registers: it is
// closed only when a probe failed, briefly, ever more seldom, and the interval
// ends within what the NAT and the registrations allow.
func TestKeepaliveProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lifetime := time.Duration(rapid.IntRange(17, 400).Draw(t, "lifetime")) * time.Second
		register := time.Duration(rapid.IntRange(40, 1800).Draw(t, "register")) * time.Second
		w := newWorld(lifetime, register, 0, rapid.Uint64().Draw(t, "seed"))
		w.early = time.Duration(rapid.IntRange(0, int(register/time.Second/4)).Draw(t, "early")) * time.Second
		w.run(48 * time.Hour)
		if w.k.Interval() >= lifetime {
			t.Fatalf("interval %v", w.k.Interval())
		}
		// The widest step is 30 s; then come the patience and what a
		// probe begins earlier than it must.
		if w.longest > 38*time.Second {
			t.Fatalf("closed %v at once", w.longest)
		}
		// A ceiling is met at 0, 6, 18 and 42 hours; where registrations come
		// early it may take two silences each time, and more than one step
		// may be too long for them.
		if most := 4 + 8*b2i(w.early > 0); w.failed > most {
			t.Fatalf("closed %d times, %v in all", w.failed, w.closed)
		}
		floor := min(lifetime-2*time.Second, register-9*time.Second)
		if w.early == 0 && floor >= 20*time.Second && w.k.Interval() < floor*2/3 {
			t.Fatalf("learned only %v of %v", w.k.Interval(), floor)
		}
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Calls of a few minutes: what is learned does not grow in them, and a mapping
// is open all the time unless a probe was under way as the call began.
func TestKeepaliveInCall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lifetime := time.Duration(rapid.IntRange(17, 400).Draw(t, "lifetime")) * time.Second
		w := newWorld(lifetime, 10*time.Minute, 0, 1)
		gap := time.Duration(rapid.IntRange(180, 3600).Draw(t, "gap")) * time.Second
		length := time.Duration(rapid.IntRange(30, 1200).Draw(t, "length")) * time.Second
		w.inCall = func(now time.Duration) bool { return now%(gap+length) > gap }
		for range 6 * 60 {
			before, was := w.k.Interval(), w.inCall(w.now)
			w.run(time.Minute)
			if was && w.inCall(w.now) && length < gap && w.k.Interval() > before {
				t.Fatalf("%v in a call, was %v", w.k.Interval(), before)
			}
		}
		if w.inCalls > 2*38*time.Second {
			t.Fatalf("closed %v during calls", w.inCalls)
		}
	})
}

// A call that begins before a probe is due gets its OPTIONS at once.
func TestKeepaliveCallEndsProbe(t *testing.T) {
	var k nat.Keepalive
	settle(t, &k)
	// A silence of 22 s would end well before a registration at 30 s.
	const now = 100 * time.Second
	k.Heard(now)
	if send, at := k.Next(now+15*time.Second, false, now+27*time.Second); send || at != now+22*time.Second {
		t.Fatalf("%v, %v: no probe", send, at)
	}
	if send, _ := k.Next(now+18*time.Second, true, now+27*time.Second); !send {
		t.Fatal("no OPTIONS as the call began")
	}
	k.Answered(now + 18*time.Second)
	if k.Interval() != 15*time.Second {
		t.Errorf("%v learned from no probe", k.Interval())
	}
}

// settle makes k know that its phone answers.
func settle(t *testing.T, k *nat.Keepalive) {
	t.Helper()
	k.Heard(time.Second)
	if send, _ := k.Next(2*time.Second, false, 0); !send {
		t.Fatal("the phone is not asked")
	}
	k.Answered(2 * time.Second)
}

// One lost packet costs a second OPTIONS and nothing else; three in a row are
// believed.
func TestKeepaliveTries(t *testing.T) {
	var k nat.Keepalive
	settle(t, &k)
	now := 17 * time.Second
	for i, wait := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
		send, at := k.Next(now, false, 0)
		if !send || at != now+wait {
			t.Fatalf("try %d: %v, %v", i, send, at)
		}
		if send, again := k.Next(now+wait/2, false, 0); send || again != at {
			t.Fatalf("between: %v, %v", send, again)
		}
		if k.Lost() {
			t.Fatal("lost already")
		}
		other := k
		other.Answered(now + wait/2)
		if other.Interval() != 15*time.Second || other.Lost() {
			t.Fatalf("try %d, answered: %v", i, other.Interval())
		}
		now = at
	}
	send, at := k.Next(now, false, 0)
	if send || !k.Lost() || k.Interval() != 10*time.Second || at < now+50*time.Second {
		t.Errorf("given up: %v %v, next after %v", k.Lost(), k.Interval(), at-now)
	}
	k.Heard(now + time.Minute)
	if k.Lost() {
		t.Error("lost, but heard")
	}
}

// The phone's own packet while an OPTIONS waits proves nothing about the
// silence before; a late answer does.
func TestKeepaliveOwnPacket(t *testing.T) {
	var k nat.Keepalive
	settle(t, &k)
	probed := func(k *nat.Keepalive) {
		if send, _ := k.Next(24*time.Second, false, 29*time.Second); !send {
			t.Fatal("no probe")
		}
	}
	own, late := k, k
	probed(&own)
	own.Heard(24*time.Second + 200*time.Millisecond)
	own.Next(24*time.Second+500*time.Millisecond, false, 90*time.Second)
	if own.Interval() != 15*time.Second || own.Lost() {
		t.Errorf("its own packet: %v", own.Interval())
	}
	probed(&late)
	late.Heard(24*time.Second + 200*time.Millisecond)
	late.Answered(24*time.Second + 300*time.Millisecond)
	if late.Interval() != 20*time.Second {
		t.Errorf("an answer behind its own packet: %v", late.Interval())
	}
}

// A phone that always registers a little before it is expected, so that no
// silence is ever proved: its silences must not stay too long.
func TestKeepaliveEarlyRegistrations(t *testing.T) {
	for _, early := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second,
		5 * time.Second, 6 * time.Second, 8 * time.Second} {
		w := newWorld(18*time.Second, 57*time.Second, 0, 1)
		w.always = early
		w.run(5 * time.Hour)
		if w.failed > 2 {
			t.Errorf("%v early: closed %d times, %v in all", early, w.failed, w.closed)
		}
	}
}

// A packet of its own in the run-up to a probe makes that impossible: the next
// OPTIONS comes as learned, also when nobody calls Next for the packet.
func TestKeepalivePlanChanges(t *testing.T) {
	w := newWorld(0, 10*time.Minute, 0, 1)
	for w.k.Interval() < 235*time.Second {
		w.run(time.Minute)
	}
	k, now := w.k, w.now+time.Hour
	interval := k.Interval()
	k.Heard(now)
	register := now + 272*time.Second
	_, at := k.Next(now, false, register)
	k.Heard(now + 5*time.Second)
	send := false
	for !send && at < now+time.Hour {
		called := at
		send, at = k.Next(called, false, register)
		if silent := called - now - 5*time.Second; send && silent > interval {
			t.Errorf("sent after a silence of %v", silent)
		}
	}
}

// Without knowing when the phone registers nothing is risked.
func TestKeepaliveRegistrationNotKnown(t *testing.T) {
	var k nat.Keepalive
	now, sent := time.Second, 0
	k.Heard(now)
	for time.Hour > now {
		send, at := k.Next(now, false, 0)
		if send {
			sent++
			k.Answered(now)
			_, at = k.Next(now, false, 0)
		}
		now = at
	}
	if k.Interval() != 15*time.Second || sent < 239 || sent > 242 {
		t.Errorf("%v, %d sent", k.Interval(), sent)
	}
}

// A NAT that is replaced by one that forgets sooner.
func TestKeepaliveReplacedNAT(t *testing.T) {
	for _, loss := range []float64{0, 0.01} {
		w := newWorld(180*time.Second, 10*time.Minute, loss, 3)
		w.run(4 * time.Hour)
		if w.k.Interval() != 175*time.Second {
			t.Fatalf("learned %v", w.k.Interval())
		}
		w.lifetime = 30 * time.Second
		closed := w.closed
		w.run(2 * time.Hour)
		if w.k.Interval() > 25*time.Second {
			t.Errorf("loss %v: still %v", loss, w.k.Interval())
		}
		t.Logf("loss %v: closed %v until it was learned anew", loss, w.closed-closed)
		closed = w.closed
		w.run(4 * time.Hour)
		if w.closed-closed > 30*time.Second {
			t.Errorf("loss %v: closed %v afterwards", loss, w.closed-closed)
		}
		// And by one that remembers longer: after hours.
		w.lifetime = 0
		w.run(7 * 24 * time.Hour)
		if w.k.Interval() < 175*time.Second {
			t.Errorf("loss %v: still %v", loss, w.k.Interval())
		}
	}
}

// What is learned fails: a step back; and again: back to where it began, and
// from there up to below what failed.
func TestKeepaliveBack(t *testing.T) {
	w := newWorld(0, 10*time.Minute, 0, 1)
	for w.k.Interval() < 175*time.Second {
		w.run(time.Minute)
	}
	lose := func() {
		w.away = true
		for !w.k.Lost() {
			w.run(time.Second)
		}
		w.away = false
	}
	lose()
	if w.k.Interval() != 145*time.Second {
		t.Fatalf("after one: %v", w.k.Interval())
	}
	other := *w
	w.run(15 * time.Minute) // answered as learned
	lose()
	if w.k.Interval() != 115*time.Second {
		t.Errorf("after another, with answers between: %v", w.k.Interval())
	}

	w = &other
	w.k.Heard(w.now)
	lose()
	if w.k.Interval() != 15*time.Second {
		t.Errorf("after two: %v", w.k.Interval())
	}
	w.run(4 * time.Hour)
	if w.k.Interval() != 115*time.Second {
		t.Errorf("hours later: %v", w.k.Interval())
	}
}

// Each time that a ceiling is met it is left alone for longer; a new one not.
func TestKeepaliveCeilingRests(t *testing.T) {
	w := newWorld(30*time.Second, 57*time.Second, 0, 1)
	w.run(5 * time.Hour)
	for _, c := range []struct {
		until time.Duration
		met   int
	}{{5 * time.Hour, 1}, {7 * time.Hour, 2}, {17 * time.Hour, 2}, {19 * time.Hour, 3}, {41 * time.Hour, 3}, {43 * time.Hour, 4}} {
		w.run(c.until - w.now)
		if w.failed != c.met {
			t.Errorf("after %v: met %d times, want %d", c.until, w.failed, c.met)
		}
	}
	w.lifetime, w.register = 60*time.Second, 10*time.Minute
	w.run(60 * time.Hour)
	w.lifetime = 0
	w.run(9 * time.Hour)
	if w.k.Interval() < 75*time.Second {
		t.Errorf("a new ceiling rests as long as the old one: %v", w.k.Interval())
	}
}

// A mute phone is asked right behind a packet of its own, when the mapping is
// surely open.
func TestKeepaliveMuteIsAskedFresh(t *testing.T) {
	w := newWorld(60*time.Second, 50*time.Second, 0, 1)
	w.deaf = true
	w.run(10 * time.Minute)
	k, now := w.k, w.now+time.Hour
	if send, at := k.Next(now, false, 0); send || at != nat.Never {
		t.Errorf("asked after silence: %v, %v", send, at)
	}
	k.Heard(now)
	if send, at := k.Next(now, false, 0); send || at != now+time.Second {
		t.Errorf("not asked: %v, %v", send, at)
	}
	if send, _ := k.Next(now+time.Second, false, 0); !send {
		t.Error("not asked")
	}
}

// A phone that does not answer OPTIONS is left alone, but for one question an
// hour: it may have learned to.
func TestKeepaliveDeafPhone(t *testing.T) {
	w := newWorld(60*time.Second, 50*time.Second, 0, 1)
	w.deaf = true
	w.run(24 * time.Hour)
	if w.k.Learning() || w.k.Lost() || w.sent > 24*3+6 || w.sent < 24*2 {
		t.Errorf("%d OPTIONS a day, learning %v, lost %v", w.sent, w.k.Learning(), w.k.Lost())
	}
	w.deaf = false
	w.run(2 * time.Hour)
	if !w.k.Learning() {
		t.Error("it answers, and is not asked")
	}
}

// A phone that is switched off gets an OPTIONS a minute, and costs a step.
func TestKeepaliveAway(t *testing.T) {
	w := newWorld(60*time.Second, 10*time.Minute, 0, 1)
	w.run(3 * time.Hour)
	was := w.k.Interval()
	w.away = true
	sent := w.sent
	w.run(time.Hour)
	if n := w.sent - sent; !w.k.Lost() || n > 65 {
		t.Errorf("lost %v, %d OPTIONS", w.k.Lost(), n)
	}
	w.away = false
	w.run(time.Hour)
	if w.k.Lost() || w.k.Interval() >= was || w.k.Interval() < was*2/3 {
		t.Errorf("lost %v, %v, was %v", w.k.Lost(), w.k.Interval(), was)
	}
	w.run(24 * time.Hour)
	if w.k.Interval() != was {
		t.Errorf("%v a day later, was %v", w.k.Interval(), was)
	}
}

// With 1 % of loss in each direction what is learned stays learned.
func TestKeepaliveLoss(t *testing.T) {
	const phones = 40
	kept := 0
	var closed, longest time.Duration
	for seed := range uint64(phones) {
		w := newWorld(30*time.Second, 57*time.Second, 0.01, seed)
		w.run(24 * time.Hour)
		if w.k.Interval() == 25*time.Second {
			kept++
		}
		closed, longest = closed+w.closed, max(longest, w.longest)
	}
	t.Logf("%d of %d phones keep 25 s; closed %v a day and phone, %v at once", kept, phones, closed/phones, longest)
	if kept < phones-2 || closed/phones > time.Minute {
		t.Errorf("%d of %d phones keep 25 s; closed %v a day", kept, phones, closed/phones)
	}
}

func TestKeepaliveAllocatesNothing(t *testing.T) {
	var k nat.Keepalive
	now := time.Second
	if n := testing.AllocsPerRun(100, func() {
		now += 20 * time.Second
		k.Heard(now)
		k.Next(now+time.Second, false, now+time.Minute)
		k.Answered(now + time.Second)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
