package nat_test

import (
	"math"
	"math/rand/v2"
	"time"

	"sbc/nat"
)

// A natWorld is a phone behind a NAT whose mapping only its own packets refresh.
// Its border sends what its Keepalive says, and expects a registration as often
// as register says.
type natWorld struct {
	lifetime time.Duration // 0: for ever
	register time.Duration // between registrations
	loss     float64       // of each packet
	rtt      time.Duration
	early    time.Duration // so much earlier than expected a registration may come
	always   time.Duration // and so much earlier it always comes
	deaf     bool          // the phone does not answer OPTIONS
	away     bool          // it is switched off
	inCall   func(now time.Duration) bool
	rnd      *rand.Rand

	k       nat.Keepalive
	open    time.Duration // until when the mapping lives
	now     time.Duration
	next    time.Duration // when a registration is expected
	comes   time.Duration // when it comes
	call    bool
	answer  time.Duration // when an answer will come, 0: none is on its way
	sent    int
	closed  time.Duration // in all, without a mapping
	down    time.Duration // at once, until now
	longest time.Duration // the longest of these
	inCalls time.Duration // of closed, during calls
	failed  int           // how often it was closed
}

// run plays for a time, from one thing that happens to the next.
func (w *natWorld) run(length time.Duration) {
	at := w.now
	for end := w.now + length; w.now < end; {
		now := w.now
		call := w.inCall != nil && w.inCall(now)
		if now >= w.comes && !w.away {
			w.registers(now)
			at = now
		}
		if w.answer != 0 && now >= w.answer {
			w.answer = 0
			w.k.Heard(now) // as whoever reads the socket does with all packets
			w.k.Answered(now)
		}
		if now >= at || call && !w.call {
			var send bool
			if send, at = w.k.Next(now, call, w.next); send {
				w.options(now)
			}
			if at <= now {
				panic("Next gave a time that is over")
			}
		}
		w.call = call
		w.now = min(w.after(at), end)
		w.account(now, w.now-now)
	}
}

// after returns when the next thing happens, at being when Next wants to be
// called.
func (w *natWorld) after(at time.Duration) time.Duration {
	next := at
	if w.inCall != nil {
		next = min(next, w.now+time.Second)
	}
	for _, t := range []time.Duration{w.comes, w.answer, w.open} {
		if t > w.now {
			next = min(next, t)
		}
	}
	return next
}

// account adds the time that the mapping was closed.
func (w *natWorld) account(now, took time.Duration) {
	if now < w.open {
		w.down = 0
		return
	}
	if w.down == 0 {
		w.failed++
	}
	w.down += took
	w.closed += took
	w.longest = max(w.longest, w.down)
	if w.call {
		w.inCalls += took
	}
}

// registers is a REGISTER of the phone, sent again until it arrives.
func (w *natWorld) registers(now time.Duration) {
	w.out(now)
	w.k.Heard(now)
	w.next = now + w.register
	w.comes = w.next - w.always
	if w.early > 0 {
		w.comes -= time.Duration(w.rnd.Int64N(int64(w.early)))
	}
}

func (w *natWorld) lost() bool { return w.rnd.Float64() < w.loss }

// out is a packet of the phone.
func (w *natWorld) out(now time.Duration) {
	w.open = math.MaxInt64
	if w.lifetime != 0 {
		w.open = now + w.lifetime
	}
}

func (w *natWorld) options(now time.Duration) {
	w.sent++
	if now >= w.open || w.deaf || w.away || w.lost() {
		return
	}
	w.out(now)
	if !w.lost() {
		w.answer = now + max(w.rtt, time.Millisecond)
	}
}

func newWorld(lifetime, register time.Duration, loss float64, seed uint64) *natWorld {
	return &natWorld{now: time.Second, lifetime: lifetime, register: register, loss: loss,
		rtt: 80 * time.Millisecond, rnd: rand.New(rand.NewPCG(seed, 1))}
}
