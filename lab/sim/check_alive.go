package sim

// alive holds that calls come up: over a network that loses nothing, between
// user agents that do not crash, with room for all, each call is answered that
// people meant to answer. An SBC that refuses everything keeps all the other
// invariants.
type alive struct{ watch }

const comesUp = "calls come up"

func (c *alive) end() {
	if !c.w.o.calm() {
		return
	}
	for _, number := range c.w.numbers {
		if p := c.w.plans[number]; p.meant() && !p.answered {
			c.w.fail(comesUp, "call %s of %s was not answered", number, c.w.neighbours[p.caller].name)
		}
	}
}

// meant tells whether nothing but the network and the limits stands against
// the call being answered.
func (p *plan) meant() bool {
	return !p.wrong && p.answer > 0 && p.giveUp == 0 && p.answer+twice < p.hangUp
}
