package sim

import "sbc/signaling/sip"

// refusals holds that every refusal has one cause counter, and that the
// counters agree with the answers that were seen. What we refuse is what we
// answer at once, or drop without an answer; what the far end refuses, what
// nobody answered and what was cancelled are no refusals of ours.
type refusals struct {
	watch
}

const oneCause = "15 one cause"

func total(rejects map[string]int) (n int) {
	for _, k := range rejects {
		n += k
	}
	return n
}

func (c *refusals) after(s *step) {
	counted := total(s.after.Rejects) - total(s.before.Rejects)
	// An ACK that never came is counted without an answer.
	noAck := s.after.Rejects["no_ack"] - s.before.Rejects["no_ack"]
	counted -= noAck
	least, most := c.expected(s)
	if counted < least || counted > most {
		c.w.fail(oneCause, "%d refusals were counted, %d to %d are right, for %v", counted, least, most, s.in)
	}
}

// expected returns how many refusals the step may have counted.
func (c *refusals) expected(s *step) (least, most int) {
	in := s.in
	switch {
	case in == nil:
		return 0, refusing(s, nil)
	case in.err != nil:
		return 1, 1
	case !in.sip.IsRequest():
		// A response to nothing is counted; one that we cannot use makes us
		// refuse the request that it answers.
		return 0, max(1, refusing(s, nil))
	case c.w.o.Phones > 0 && in.realm == outside && (in.from < 0 || in.from >= len(neighbours)):
		// A phone that nobody knows any more is a stranger; what is refused
		// for the PBX, or what its registrar says, counts once.
		return 0, max(1, refusing(s, in))
	case in.from < 0:
		return 1, 1
	case in.sip.Method() == sip.ACK:
		return 0, 1 // one that belongs to no dialog is dropped and counted
	}
	own := refusing(s, in)
	if in.again {
		return 0, own // the transaction answers again, what has none counts again
	}
	return own, own
}

// refusing counts the refusals among what went out; in, if not nil, is what
// they have to answer.
func refusing(s *step, in *message) (n int) {
	for _, m := range s.out {
		if m.err == nil && !m.sip.IsRequest() && m.sip.Status() >= 300 && (in == nil || m.tx == in.tx) {
			n++
		}
	}
	return n
}
