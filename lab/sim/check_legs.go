package sim

import "time"

// otherLeg holds that when one leg of a call has ended, the other one is ended
// within 64*T1.
type otherLeg struct {
	watch
	half   []*talk // one leg of them is over
	inHalf map[*talk]bool
}

const legsEnd = "3 other leg is ended"

func (c *otherLeg) after(s *step) {
	for _, m := range s.out {
		c.look(m, s.at)
	}
	if s.in != nil {
		c.look(s.in, s.at)
	}
	left := c.half[:0]
	for _, t := range c.half {
		if deadline, half := t.half(s.at); half && s.at <= deadline {
			left = append(left, t)
			continue
		} else if half {
			c.w.fail(legsEnd, "call %s: one leg is over since %v, the other is not", t.number, deadline-64*t1)
		}
		delete(c.inHalf, t)
	}
	c.half = left
}

func (c *otherLeg) look(m *message, now time.Duration) {
	if m.leg == nil || c.inHalf[m.leg.talk] {
		return
	}
	if _, half := m.leg.talk.half(now); half {
		if c.inHalf == nil {
			c.inHalf = map[*talk]bool{}
		}
		c.inHalf[m.leg.talk] = true
		c.half = append(c.half, m.leg.talk)
	}
}

// half reports whether one leg is over and the other is not, and until when
// that may be.
func (t *talk) half(now time.Duration) (deadline time.Duration, half bool) {
	if t.a == nil || t.b == nil || t.twice {
		return 0, false
	}
	a, aOver := t.a.over(now)
	b, bOver := t.b.over(now)
	switch {
	case aOver == bOver:
		return 0, false
	case aOver:
		return max(a, t.b.since) + 64*t1, true
	}
	return max(b, t.a.since) + 64*t1, true
}

func (c *otherLeg) end() {
	for _, t := range c.half {
		if deadline, half := t.half(c.w.now); half {
			c.w.fail(legsEnd, "call %s: one leg was over at %v, the other never", t.number, deadline-64*t1)
		}
	}
}
