package b2bua

// follow lets the dialogs of an endpoint follow it to another flow. Its media may
// come from another address now: the relay is told again who the far end is.
func (c *Calls) follow(from, to Flow, do []Effect) []Effect {
	for _, call := range c.list {
		do = c.followPair(call.pair, from, to, do)
		for _, p := range call.forks {
			do = c.followPair(p, from, to, do)
		}
	}
	return do
}

func (c *Calls) followPair(p *pair, from, to Flow, do []Effect) []Effect {
	for side := range p.legs {
		l := &p.legs[side]
		if l.flow != from || !c.endpoint(l.peer) {
			continue
		}
		l.flow = to
		c.aim(l)
		if from.Remote.Addr() != to.Remote.Addr() && p == p.call.pair {
			do = c.pin(p, Side(side), l.said, do)
		}
	}
	return do
}
