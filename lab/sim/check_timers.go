package sim

// deadTimers holds that no timer is set for a call or a transaction that is
// over.
type deadTimers struct{ watch }

const noDeadTimer = "8 no timer for a dead call"

func (c *deadTimers) after(s *step) {
	in := &s.after
	if in.StrayTimers != 0 {
		c.w.fail(noDeadTimer, "%d timers are set for nobody", in.StrayTimers)
	}
	armed := 0
	for i := range in.Calls {
		h := &in.Calls[i]
		armed += h.Timers
		if h.State == "ending" && h.Timers > 0 && !(h.Watches && h.Timers == 1) {
			c.w.fail(noDeadTimer, "call to %s is ending and has %d timers", h.Callee, h.Timers)
		}
	}
	if armed != in.CallTimers {
		c.w.fail(noDeadTimer, "calls count %d timers, %d are set", armed, in.CallTimers)
	}
}
