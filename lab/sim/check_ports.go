package sim

// ports holds that the ports in use are those of live calls.
type ports struct{ watch }

const portsUsed = "4 ports in use"

func (c *ports) after(s *step) {
	streams := 0
	for i := range c.w.held {
		streams += c.w.held[i].Streams
	}
	inUse := 0
	for _, p := range c.w.relay.Ports() {
		inUse += p.InUse
	}
	if c.w.relay.Streams() != streams || inUse != 2*streams {
		c.w.fail(portsUsed, "%d pairs of ports in use and %d streams open, calls have %d streams", inUse, c.w.relay.Streams(), streams)
	}
	for i := range s.after.Calls {
		h := &s.after.Calls[i]
		if h.Open < h.Streams || h.State == "ending" && h.Open > 0 {
			c.w.fail(portsUsed, "call to %s (%s) has %d streams by its account, %d by the engine's", h.Callee, h.State, h.Streams, h.Open)
		}
	}
}
