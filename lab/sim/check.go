package sim

import "time"

// A checker holds an invariant. It sees every message at the SBC's door
// before the SBC's step ends, and then the step.
type checker interface {
	in(m *message)  // m arrives
	out(m *message) // m leaves
	after(s *step)
	relayed(r *relayed)
	end() // nothing more will happen
}

// watch is a checker that is content with everything.
type watch struct{ w *world }

func (watch) in(*message)      {}
func (watch) out(*message)     {}
func (watch) after(*step)      {}
func (watch) relayed(*relayed) {}
func (watch) end()             {}

func newCheckers(w *world) []checker {
	c := watch{w}
	list := []checker{
		&finals{watch: c, answers: map[txKey]*answer{}},
		&otherLeg{watch: c},
		&ports{c},
		&canaries{watch: c},
		&rising{watch: c, last: map[string]seqs{}},
		&deadTimers{c},
		&pinned{c},
		&bounds{watch: c, requests: map[txKey]bool{}},
		&refusals{watch: c},
		&silence{c},
		&rests{c},
		&alive{c},
		&names{c},
		&offered{c},
		&relays{watch: c, sent: map[txKey]time.Duration{}, of: map[txKey]txKey{}},
	}
	if w.o.Phones > 0 {
		list = append(list, &flows{c}, &made{c}, &throttled{c}, &intruders{c}, &left{watch: c})
	}
	return list
}
