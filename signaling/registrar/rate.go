package registrar

import "time"

// Ours: how a queue of phones is served.
const (
	againAfter     = 2 * time.Second  // the least time in which a phone is sent back
	challengeFor   = 10 * time.Second // a challenged phone may come back over the rate
	appointmentFor = 5 * time.Minute  // how late a phone may come to its appointment
	queueMax       = time.Hour        // the latest appointment, so that strangers cannot push it out for days
	learn          = 1.0 / 64         // weight of one answer in what a registration costs
)

// A rate spaces the REGISTERs towards one PBX: a token bucket, and a queue of
// appointments for phones that found it empty.
type rate struct {
	perSecond float64
	burst     float64
	level     float64 // tokens; below 0 for what may not wait
	at        time.Duration
	slot      time.Duration // the next free appointment
	cost      float64       // REGISTERs that a registration takes: 1, or 2 with a challenge
}

func newRate(e *Endpoints) rate {
	return rate{perSecond: e.Rate, burst: float64(e.Burst), level: float64(e.Burst), cost: 1}
}

func (t *rate) fill(now time.Duration) {
	t.level = min(t.burst, t.level+t.perSecond*(now-t.at).Seconds())
	t.at = now
}

// An urgency says who may take a token.
type urgency uint8

const (
	walkIn     urgency = iota // waits while others have appointments
	expected                  // has an appointment, and it has come
	mayNotWait                // may borrow a second of tokens that are not there yet
)

// take takes a token, if there is one for such an urgency.
func (t *rate) take(now time.Duration, u urgency) bool {
	t.fill(now)
	least := 1.0
	switch {
	case u == mayNotWait:
		least = 1 - t.burst
	case u == walkIn && t.slot > now:
		// Others are expected. What they leave unused shows as a full bucket.
		least = max(1, t.burst/2)
	}
	if t.level < least {
		return false
	}
	t.level--
	return true
}

// appoint returns the time of a new appointment.
func (t *rate) appoint(now time.Duration) time.Duration {
	t.slot = min(max(t.slot, now+againAfter)+time.Duration(t.cost/t.perSecond*float64(time.Second)), now+queueMax)
	return t.slot
}

// learned notes whether a REGISTER without an appointment for its credentials
// was challenged.
func (t *rate) learned(challenged bool) {
	cost := 1.0
	if challenged {
		cost = 2
	}
	t.cost += (cost - t.cost) * learn
}

// admit tells whether the REGISTER in q may go to the PBX now; if not, when its
// phone should come again.
func (r *Registrar) admit(now time.Duration, q *request, urgent bool) (ok bool, wait time.Duration) {
	t := &r.rates[q.ep]
	if s := r.challenged.find(q.session); s != nil && s.at > now {
		r.challenged.drop(q.session)
		q.answersChallenge = true
		urgent = true
	}
	if urgent {
		if len(r.underway) < r.opt.UnderwayMax && t.take(now, mayNotWait) {
			return true, 0
		}
		return false, r.appointment(now, q)
	}
	u := walkIn
	s := r.queue.find(q.session)
	if s != nil && s.at <= now && now-s.at < appointmentFor {
		u = expected
	}
	if len(r.underway) < r.opt.UnderwayMax && t.take(now, u) {
		r.queue.drop(q.session)
		return true, 0
	}
	return false, r.appointment(now, q)
}

// appointment returns the time until the appointment of q's phone, which gets
// one if it has none, or has missed it.
func (r *Registrar) appointment(now time.Duration, q *request) time.Duration {
	s := r.queue.find(q.session)
	if s == nil || now-s.at >= appointmentFor {
		s = r.queue.put(q.session, now)
		s.at = r.rates[q.ep].appoint(now)
	}
	return max(s.at-now, againAfter)
}
