package bleed

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sbc/mediarelay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The bar: the attacker hears nothing and is not heard, and the parties hear
// what they would without it.
func TestAttackerHearsNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r, err := Run(context.Background(), &out)
	t.Log("\n" + out.String())
	if err != nil || !r.OK() || r.Hears != 0 || r.Heard != 0 {
		t.Errorf("%v", err)
	}
	if !strings.HasSuffix(out.String(), "attacker hears 0 packets, is heard 0 packets\n") {
		t.Error("the last line does not say so")
	}
	for _, a := range r.Attacks {
		if a.Sprayed == 0 || a.Refused[mediarelay.WrongSource.String()] == 0 {
			t.Errorf("%s: nothing was sprayed at a port that was open: %+v", a.Attack, a)
		}
		if a.Audio[0].Came < 200 || a.Audio[1].Came < 200 {
			t.Errorf("%s: the parties heard next to nothing: %+v", a.Attack, a.Audio)
		}
	}
}

// A relay that hears the first who sends from anywhere is found out, at once
// or later; so the zeros above mean something.
func TestWeakLatchesAreFound(t *testing.T) {
	t.Parallel()
	anywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	for i, c := range []struct {
		name string
		weak weakness
		play attack
	}{
		{"learns from anybody", weakness{sources: anywhere}, attacks[0]},
		{"believes that the far end moved", weakness{each: func(s *scene, at time.Duration) {
			if at == s.attack.from {
				r := s.remote(s.parties[1])
				r.Signaling = s.thief.rtp.addr.Addr()
				s.call.Set(mediarelay.B, r)
			}
		}}, attacks[3]},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.weak.place = 10 * (i + 1)
			r, err := run(context.Background(), []attack{c.play}, c.weak)
			if err != nil {
				t.Fatal(err)
			}
			if r.OK() || r.Hears == 0 || r.Heard == 0 {
				t.Errorf("not found: %+v", r)
			}
			var out bytes.Buffer
			if err := r.tell(&out); err != nil || !strings.Contains(out.String(), "WRONG") {
				t.Errorf("%v, says\n%s", err, out.String())
			}
		})
	}
}

// What is lost, doubled or out of order is no audio.
func TestAudioIsCompared(t *testing.T) {
	other := &party{spoken: 6}
	for _, c := range []struct {
		heard   []uint16
		reports int
		want    bool
	}{
		{[]uint16{0, 1, 2, 3, 4, 5}, 1, true},
		{[]uint16{2, 3, 4, 5}, 1, true},
		{[]uint16{2, 3, 4, 5}, 0, false},
		{[]uint16{0, 1, 2, 3, 4}, 1, false},
		{[]uint16{0, 1, 3, 4, 5}, 1, false},
		{[]uint16{0, 1, 1, 2, 4, 5}, 1, false},
		{[]uint16{0, 2, 1, 3, 4, 5}, 1, false},
		{nil, 1, false},
	} {
		p := &party{heard: c.heard, reports: c.reports}
		if got := p.audio(other); got.Complete != c.want {
			t.Errorf("%v, %d reports: %+v", c.heard, c.reports, got)
		}
	}
}

func TestRunEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := run(ctx, attacks, weakness{place: 30}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
