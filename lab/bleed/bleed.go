package bleed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// ErrFailed is the error of a run in which the attacker heard something, was
// heard, or disturbed the audio. What it was has been written.
var ErrFailed = errors.New("the media latch did not hold; see above")

// A Report is what a run showed.
type Report struct {
	Attacks []Result
	Hears   int // packets that came to the attackers
	Heard   int // packets of the attackers that came to a party
}

// A Result is what one attack came to.
type Result struct {
	Attack  string
	Sprayed int            // packets that the attacker sent
	Hears   int            // packets that came to it
	Heard   int            // packets of it that came to a party
	Refused map[string]int // packets that the relay did not forward, by cause
	Audio   [2]Audio       // what came to each party
}

// Audio is what came to a party of the other one's packets.
type Audio struct {
	Sent     int // by the other party
	Came     int
	Missed   int  // before the first one that came, while the latch learnt
	Reports  int  // of RTCP that came
	Complete bool // from the first one on all came, once each and in order; and reports
}

// OK reports whether the attacker heard nothing and was not heard, and the
// audio was what it would have been without it.
func (r *Report) OK() bool {
	for i := range r.Attacks {
		for _, a := range r.Attacks[i].Audio {
			if !a.Complete {
				return false
			}
		}
	}
	return r.Hears == 0 && r.Heard == 0 && len(r.Attacks) > 0
}

// When things happen. Ours, but for the 4th second: relays are known that
// learn for three, and open again after.
const (
	tick     = 20 * time.Millisecond // between two packets of audio
	answer   = 500 * time.Millisecond
	talk     = answer + 100*time.Millisecond // both parties begin to send
	laterOn  = talk + 4*time.Second          // the late attacks begin
	silence  = laterOn + 2*time.Second       // all end
	over     = silence + 300*time.Millisecond
	patience = time.Second // for the first packet to be heard
)

// attacks are those that are played.
var attacks = []attack{
	{"from before the first packet", 0, false},
	{"the same, with the party's SSRC and numbers", 0, true},
	{"from the 4th second", laterOn, false},
	{"the same, with the party's SSRC and numbers", laterOn, true},
}

type attack struct {
	name   string
	from   time.Duration
	copies bool // it knows the SSRC, the sequence number and the timestamp that come next
}

// A weakness is for tests: it makes the relay worse than it is.
type weakness struct {
	sources []netip.Prefix                   // anybody of these may be a party
	each    func(s *scene, at time.Duration) // called every tick
	place   int                              // sets the addresses apart
}

// Run plays all attacks at once and writes what came of them to w, as a table.
// It takes 7 seconds. The error is ErrFailed if the relay did not hold.
func Run(ctx context.Context, w io.Writer) (Report, error) {
	r, err := run(ctx, attacks, weakness{})
	if err != nil {
		return r, err
	}
	if err := r.tell(w); err != nil {
		return r, err
	}
	if !r.OK() {
		return r, ErrFailed
	}
	return r, nil
}

func run(ctx context.Context, list []attack, weak weakness) (r Report, err error) {
	scenes := make([]*scene, 0, len(list))
	defer func() {
		for _, s := range scenes {
			err = errors.Join(err, s.close())
		}
	}()
	for i, a := range list {
		s, err := newScene(weak.place+i, a, weak)
		if err != nil {
			return r, fmt.Errorf("set up %q: %w", a.name, err)
		}
		scenes = append(scenes, s)
	}
	if err := play(ctx, scenes); err != nil {
		return r, err
	}
	for _, s := range scenes {
		x := s.result()
		r.Attacks = append(r.Attacks, x)
		r.Hears += x.Hears
		r.Heard += x.Heard
	}
	return r, nil
}

// play lets all scenes run side by side, tick by tick.
func play(ctx context.Context, scenes []*scene) error {
	beat := time.NewTicker(tick)
	defer beat.Stop()
	for at := time.Duration(0); at < over; at += tick {
		for _, s := range scenes {
			if err := s.step(at); err != nil {
				return fmt.Errorf("play %q: %w", s.attack.name, err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-beat.C:
		}
	}
	return nil
}
