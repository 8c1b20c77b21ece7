package b2bua

import "sbc/signaling/sip"

// visit tells Options.Visit that something came in the dialog of side s. what
// is said only where nobody's message is.
func (c *Calls) visit(p *pair, s Side, m *sip.Message, to sip.Method, what string) {
	if c.opt.Visit == nil {
		return
	}
	state := [...]string{"none", "early", "confirmed", "ended"}[p.legs[s].state]
	switch in := p.call.inv; {
	case p.call.state == apart:
		state = "without a session"
	case state == "confirmed" && in.busy() && in.state == answered:
		state = "ACK awaited"
	case state == "confirmed" && in.busy():
		state = "INVITE under way"
	}
	switch {
	case m == nil:
	case m.IsRequest() && m.Method() == sip.UnknownMethod:
		what = "another request"
	case m.IsRequest():
		what = string(m.MethodName())
	default:
		what = statusWord(m.Status())
	}
	if (m == nil || !m.IsRequest()) && to == sip.INVITE {
		what += " to INVITE"
	}
	c.opt.Visit("dialog", state, what)
}

// visitUsage tells the same of the subscription of side s to event.
func (c *Calls) visitUsage(p *pair, event string, s Side, what string) {
	if c.opt.Visit == nil {
		return
	}
	state := "none"
	for i := range p.subs {
		if p.subs[i].event == event && p.subs[i].by == s {
			state = "held"
		}
	}
	if event == "refer" {
		state += ", by REFER"
	}
	c.opt.Visit("subscription", state, what)
}

func statusWord(status int) string {
	switch status / 100 {
	case 1:
		return "1xx"
	case 2:
		return "2xx"
	case 3:
		return "3xx"
	}
	return "refusal"
}
