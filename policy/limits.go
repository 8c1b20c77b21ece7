package policy

import (
	"fmt"

	"sbc/policy/limit"
)

// Limits are what a peer, or all of a realm together, may have. 0: no limit.
type Limits struct {
	Calls int        // at once, to and from it
	Rate  limit.Rate // of calls that begin
	Lines int        // of media at once: pairs of ports
	Kbits int        // of media at once, each way, in kbit/s as Kbits estimates it

	Status int // of the answer to a call beyond; 0: 503
	Ref    Ref
}

// Kbits estimates what a line of media takes each way, in kbit/s. Ours: audio by
// G.711 every 20 ms is 87 with its headers on Ethernet; video calls are made at 1
// to 2 Mbit/s.
func Kbits(video bool) int {
	if video {
		return 2000
	}
	return 100
}

// limitRefusals are what a call beyond limits gets.
type limitRefusals struct{ calls, rate, lines, kbits Refusal }

func (l *Limits) refusals(whose string, rule Ref) limitRefusals {
	if l.Ref != (Ref{}) {
		rule = l.Ref
	}
	no := func(cause, format string, n any) Refusal {
		r := noRoom(cause, rule, fmt.Sprintf("%s has "+format, whose, n))
		switch l.Status {
		case 403:
			r.Status, r.Reason, r.RetryAfter = 403, "Forbidden", 0
		case 603:
			r.Status, r.Reason, r.RetryAfter = 603, "Decline", 0
		}
		return r
	}
	return limitRefusals{
		calls: no(CauseCallsLimit, "the %d calls that it may have", l.Calls),
		rate:  no(CauseCallsRate, "begun all the calls that it may begin now: one each %v", l.Rate.Per),
		lines: no(CauseLinesLimit, "the %d media lines that it may have", l.Lines),
		kbits: no(CauseBandwidth, "the %d kbit/s of media that it may have", l.Kbits),
	}
}

func (l *Limits) check() error {
	switch {
	case l.Calls < 0 || l.Lines < 0 || l.Kbits < 0 || l.Rate.Per < 0 || l.Rate.Burst < 0:
		return fmt.Errorf("limit below 0 in %+v", *l)
	case l.Status != 0 && l.Status != 503 && l.Status != 403 && l.Status != 603:
		return fmt.Errorf("a call over a limit cannot get %d", l.Status)
	}
	return nil
}
