package sim

import "fmt"

// rests holds that no step panics or leaks, and that at the end nothing is
// left.
type rests struct{ watch }

const (
	noPanic     = "no panic"
	noLeak      = "no leak"
	nothingLeft = "nothing left"
)

func (c *rests) after(s *step) {
	if s.after.Panics != s.before.Panics {
		c.w.fail(noPanic, "%v", s.in)
	}
	if s.after.Leaks != s.before.Leaks {
		c.w.fail(noLeak, "the audit found something in answer to %v", s.in)
	}
}

func (c *rests) end() {
	for i, s := range c.w.shards {
		in := s.Inspect()
		left := len(in.Calls) + in.Servers + in.Clients + in.Cancels + in.Merges + in.Timers + in.Records + in.Rest + in.Places + in.Streams
		if left != 0 {
			in.Rejects = nil
			c.w.fail(nothingLeft, "shard %d: %s", i, fmt.Sprintf("%+v", in))
		}
	}
	for i := range c.w.sbc.Rules.Peers() {
		if n := c.w.sbc.Calls.InUse(i); n != 0 {
			c.w.fail(nothingLeft, "%d places at %s", n, c.w.sbc.Rules.Peers()[i].Name)
		}
	}
	for _, p := range c.w.relay.Ports() {
		if p.InUse != 0 || c.w.relay.Streams() != 0 {
			c.w.fail(nothingLeft, "%d pairs of ports of %s, %d streams", p.InUse, p.Realm, c.w.relay.Streams())
		}
	}
	for _, a := range c.w.actors {
		// It may remember a re-INVITE that its BYE overtook: the 2xx is not
		// sent again once the dialog is over.
		if at, ok := a.agent.Next(); ok || len(a.agent.Calls()) > 0 {
			c.w.fail(nothingLeft, "%s is not idle: calls %v, wakes at %v", a.at.name, a.agent.Calls(), at)
		}
	}
}
