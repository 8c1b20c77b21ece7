package nat

import (
	"math"
	"time"
)

// A Keepalive is the plan that keeps the NAT's mapping of one phone on UDP: it
// says when to send an OPTIONS that draws an answer, and learns how seldom
// that may be.
//
// What counts is what the phone sends. RFC 4787 section 4.3 (REQ-6) has NATs
// refresh a mapping by outbound packets, and leaves it to them whether inbound
// ones do: so a CRLF towards the phone may be seen and still keep nothing.
//
// The interval starts at 15 s. It grows one step after a probe, an OPTIONS
// after a longer silence of the phone, was answered. A probe can cost the
// mapping. So it is made only outside of calls, and so that when it fails, that
// is known just before the phone registers again, which opens a new mapping;
// a step that failed is tried again after hours only. A missing answer counts
// after two more have been missed.
//
//	silence   0    15    20   25        35 ...  seconds
//	          ├──────┼─────┼────┼─────────┼──▶
//	               learned │ ▲
//	                       │ └ probe, 2 s longer than the step: a margin
//	                       └ becomes the interval if it is answered
//
// Who holds it calls Next at the time that Next gave, after each registration
// and when a call begins; Heard with every packet by the phone's flow; Answered
// with each response to the OPTIONS. When the flow changes it starts again with
// a new one. Times are on the caller's clock. The zero Keepalive is ready.
type Keepalive struct {
	heard    time.Duration // the last packet of the phone
	sent     time.Duration // the last OPTIONS
	again    uint32        // seconds on the clock: when the ceiling, or a mute phone, is tried again
	step     int8          // of the learned interval: intervals[step+1]
	ceiling  int8          // 1 + the step that failed; 0: none
	tries    uint8         // OPTIONS that wait for an answer
	failures uint8         // at the ceiling, in a row; before the first answer: OPTIONS in vain
	mood     mood
	silence  silence // before the next OPTIONS, or the one that waits
	doubts   uint8   // probes, in a row, whose silence the phone itself ended
	lost     bool    // nothing has been heard since the last tries were given up
	shaky    bool    // the learned interval itself has failed, and not been proved since
}

// mood is what is known of a phone's answers to OPTIONS.
type mood uint8

const (
	asking  mood = iota // nothing yet
	answers             // it answers
	mute                // it does not
)

// silence says how long the phone had said nothing before an OPTIONS.
type silence uint8

const (
	asLearned silence = iota // the learned interval, or less
	between                  // more, but no probe
	probe                    // the next step and the margin
)

// intervals are what is tried: each a little below what NATs are built with
// (30, 60, 120, 180, 300 s), and no step wider than an INVITE is sent again
// (RFC 3261 section 17.1.1.2: 32 s), so that a call that meets a failed probe
// is late and seldom lost. RFC 4787 section 4.3 (REQ-5) forbids NATs less than
// 120 s, but 20 s is met.
var intervals = [...]time.Duration{
	10 * time.Second, 15 * time.Second, 20 * time.Second, 25 * time.Second, 35 * time.Second,
	45 * time.Second, 55 * time.Second, 75 * time.Second, 95 * time.Second, 115 * time.Second,
	145 * time.Second, 175 * time.Second, 205 * time.Second, 235 * time.Second, 265 * time.Second,
	295 * time.Second,
}

const lastStep = int8(len(intervals) - 2)

// patience is how long each try of an OPTIONS waits for its answer.
var patience = [...]time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}

// Ours.
const (
	margin     = 2 * time.Second  // a probe is so much longer than the step that it proves
	lead       = 4 * time.Second  // a probe begins at least so long before the next registration: the patience and a little
	slack      = 2 * time.Second  // and at most so much earlier
	fresh      = time.Second      // after a packet of the phone the mapping is surely open
	lostEvery  = time.Minute      // one OPTIONS to a phone that is lost: its network may be back
	muteEvery  = time.Hour        // the same to one that does not answer
	againFirst = 6 * time.Hour    // a ceiling is tried again after this, then twice as long each time
	againMost  = 4                // doublings: 96 hours
	doubtsMost = 2                // probes without a result that count as one that failed
	vainMost   = 2                // OPTIONS in vain, with all tries, that make a phone mute
	late       = 20 * time.Second // older than this a packet says nothing of the mapping now
)

// Never is the time of Next when nothing is to be done.
const Never = time.Duration(math.MaxInt64)

// Interval returns the learned interval: how long the phone may be silent.
func (k *Keepalive) Interval() time.Duration { return intervals[k.step+1] }

// Learning reports whether the phone answers OPTIONS, so that the interval is
// one of its NAT and not a guess.
func (k *Keepalive) Learning() bool { return k.mood == answers }

// Lost reports whether a phone that used to answer has not, and has not been
// heard since: it is not reached.
func (k *Keepalive) Lost() bool { return k.lost && k.mood == answers }

// Heard notes a packet of the phone by its flow.
func (k *Keepalive) Heard(now time.Duration) {
	if k.tries == 0 && k.silence == probe && now > k.heard+k.Interval()+margin {
		k.doubt(now)
	}
	k.heard, k.lost = now, false
}

// Answered notes a response of the phone, of any status, to an OPTIONS of this
// plan: the mapping was open when that came. It may follow a Heard for the same
// packet.
func (k *Keepalive) Answered(now time.Duration) {
	if k.mood != answers {
		k.mood, k.failures = answers, 0
	}
	if k.tries > 0 {
		k.shaky = false
		if k.silence == probe {
			k.grow()
		}
	}
	k.tries, k.silence = 0, asLearned
	k.Heard(now)
}

// grow makes the step that was probed the learned one.
func (k *Keepalive) grow() {
	k.step++
	k.doubts = 0
	if k.ceiling != 0 && k.step+1 >= k.ceiling {
		k.ceiling, k.failures = 0, 0
	}
}

// Next says whether to send an OPTIONS now, as one datagram that nobody else
// sends again, and when to call Next again. inCall: a call of the phone is up.
// register is when its next registration is expected, by the clock; 0: not
// known, and then the interval does not grow.
func (k *Keepalive) Next(now time.Duration, inCall bool, register time.Duration) (send bool, at time.Duration) {
	if k.tries > 0 && k.heard > k.sent {
		if k.tries = 0; k.silence == probe {
			k.doubt(now) // its own packet: open again, and nothing learned
		}
	}
	if k.tries > 0 {
		if at = k.sent + patience[k.tries-1]; now < at {
			return false, at
		}
		if int(k.tries) < len(patience) {
			k.tries++
			k.sent = now
			return true, now + patience[k.tries-1]
		}
		k.giveUp(now)
	}
	at, k.silence = k.due(now, inCall, register)
	if now < at {
		if regular := k.heard + k.Interval(); now < regular {
			at = min(at, regular) // its own packets may have made another plan better by then
		}
		return false, at
	}
	k.sent = now
	if k.lost {
		return true, now + lostEvery
	}
	k.tries = 1
	return true, now + patience[0]
}

// due returns when the next OPTIONS is sent, and what its answer will show.
func (k *Keepalive) due(now time.Duration, inCall bool, register time.Duration) (time.Duration, silence) {
	switch {
	case k.mood == mute && now < k.seconds():
		return k.seconds(), asLearned
	case k.mood == mute && now-k.heard > late:
		return Never, asLearned // after its next registration
	case k.lost:
		return k.sent + lostEvery, asLearned
	case k.mood != answers:
		return k.heard + fresh, asLearned
	}
	regular := k.heard + k.Interval()
	kind := asLearned
	if now > regular+margin {
		kind = between
	}
	if inCall || !k.mayGrow(now) {
		return regular, kind
	}
	longer := intervals[k.step+2] + margin
	latest := register - lead
	switch p := k.heard + longer; {
	case p > latest:
		return regular, kind // not over before the registration, or that is not known
	case p >= latest-slack:
		return p, probe
	}
	// A silence that begins here will end at the right time.
	return min(regular, latest-slack/2-longer), kind
}

// mayGrow reports whether there is a longer interval to try.
func (k *Keepalive) mayGrow(now time.Duration) bool {
	return k.step < lastStep && (k.ceiling == 0 || k.step+2 < k.ceiling || now >= k.seconds())
}

// giveUp draws the conclusion from tries that were not answered.
func (k *Keepalive) giveUp(now time.Duration) {
	k.tries, k.lost = 0, true
	if k.mood != answers {
		if k.failures++; k.failures >= vainMost {
			k.mood, k.failures = mute, vainMost-1
			k.setAgain(now + muteEvery)
		}
		return
	}
	if k.silence == asLearned {
		k.back()
	} else {
		k.ceiling = k.step + 2
	}
	k.rest(now)
}

// doubt notes a silence that was meant to be proved and that the phone ended
// before there was an answer. Nobody knows whether the mapping lived through
// it; a phone that registers earlier than expected must not make each of its
// silences too long.
func (k *Keepalive) doubt(now time.Duration) {
	k.silence = asLearned
	if k.doubts++; k.doubts >= doubtsMost {
		k.ceiling = k.step + 2
		k.rest(now)
	}
}

// rest says when the ceiling is tried again.
func (k *Keepalive) rest(now time.Duration) {
	k.setAgain(now + againFirst<<min(k.failures, againMost))
	k.failures = min(k.failures+1, againMost)
	k.doubts = 0
}

// back makes the interval shorter: by a step, and if that fails too, to where
// it began.
func (k *Keepalive) back() {
	k.ceiling = max(k.step, 0) + 1
	if k.shaky {
		k.step = min(k.step, 1)
	}
	k.step = max(k.step-1, -1)
	k.shaky = true
}

func (k *Keepalive) seconds() time.Duration    { return time.Duration(k.again) * time.Second }
func (k *Keepalive) setAgain(at time.Duration) { k.again = uint32(at / time.Second) }
