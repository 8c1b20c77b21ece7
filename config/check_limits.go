package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sbc/mediarelay"
	"sbc/policy"
)

// checkBandwidth finds a bandwidth in which no call has room.
func (r *reader) checkBandwidth(file *fileBlock, c *Config) {
	r.eachLimits(file, c, func(b *peerLimitsBlock, l *policy.Limits, _ int, _ string) {
		if least := policy.Kbits(false); l.Kbits > 0 && l.Kbits < least {
			r.fail(b.Bandwidth.Expr.Range(), "No room for a call", "A line of audio counts as %d kbit/s, so that none at all would pass. Write bandwidth = \"%dkbit/s\" or more.", least, least)
		}
	})
}

// eachLimits goes through the limits of realms, peers and endpoints. peer is
// below 0 for those of a realm; whose is how the file refers to it.
func (r *reader) eachLimits(file *fileBlock, c *Config, do func(b *peerLimitsBlock, l *policy.Limits, peer int, whose string)) {
	for i, b := range file.Realms {
		if len(b.Limits) > 0 {
			do(b.Limits[0], &c.Realms[i].Limits, -1-i, "realm."+b.Name)
		}
	}
	for i, b := range file.Peers {
		if len(b.Limits) > 0 {
			do(b.Limits[0], &c.Policy.Peers[i].Limits, i, "peer."+b.Name)
		}
	}
	for i, b := range file.Endpoints {
		if at := len(file.Peers) + i; len(b.Limits) > 0 {
			do(b.Limits[0], &c.Policy.Peers[at].Limits, at, "endpoints."+b.Name)
		}
	}
}

// checkLimits warns of limits that nothing ever comes up to.
func (r *reader) checkLimits(file *fileBlock, c *Config) {
	r.eachLimits(file, c, func(b *peerLimitsBlock, l *policy.Limits, peer int, whose string) {
		own, others := -1-peer, []int(nil)
		if peer >= 0 {
			own, others = c.Policy.Peers[peer].Realm, c.otherSide(func(p int) bool { return p == peer })
		}
		for _, one := range []struct {
			a    *hcl.Attribute
			n    int
			what string
		}{{b.Calls, l.Calls, "calls"}, {b.Lines, l.Lines, "media lines"}} {
			if one.n > 0 {
				r.checkPorts(c, one.a, one.n, whose+" may have %d "+one.what, [][]int{{own}, others})
			}
		}
		if l.Lines > 0 && l.Calls > l.Lines {
			r.warn(b.Calls.Expr.Range(), "More calls than lines", "A call with media has a line at least: with lines = %d there are no %d calls. Write calls = %d, or more lines.", l.Lines, l.Calls, l.Lines)
		}
	})
	if n := c.Limits.Calls; n > 0 {
		r.checkAllCalls(c, file.Limits[0].Calls, n)
	}
}

// otherSide returns the realms that calls of some peers go to or come from, as
// the routes say.
func (c *Config) otherSide(is func(peer int) bool) (realms []int) {
	link := func(from, to int) {
		for _, end := range [2][2]int{{from, to}, {to, from}} {
			if e := c.Policy.Peers[end[1]].Realm; is(end[0]) && !slices.Contains(realms, e) {
				realms = append(realms, e)
			}
		}
	}
	for i := range c.Policy.Peers {
		if e := c.Policy.Peers[i].Endpoints; e != nil && e.To >= 0 {
			link(i, e.To)
		}
	}
	for i := range c.Policy.Routes {
		for _, from := range c.Policy.Routes[i].From {
			for _, to := range c.Policy.Routes[i].To {
				link(from, to)
			}
		}
	}
	return realms
}

// pairs returns how many lines of media have room in a realm: each takes an
// even port and the next.
func (m *Media) pairs() int { return (int(m.Ports[1])+1)/2 - (int(m.Ports[0])+1)/2 }

func (c *Config) pairs(realms []int) (n int) {
	for _, i := range realms {
		n += c.Realms[i].Media.pairs()
	}
	return n
}

// Ports that media may have: from 1024 on.
const portsMax = 65536 - 1024

// checkPorts warns of n calls or lines where the realms of one of the sides have
// fewer pairs of ports. who has a verb for n.
func (r *reader) checkPorts(c *Config, a *hcl.Attribute, n int, who string, sides [][]int) {
	for _, side := range sides {
		have := c.pairs(side)
		if len(side) == 0 || n <= have {
			continue
		}
		remedy := fmt.Sprintf("Give it a range of %d ports or more, or write a lower limit.", 2*n)
		if len(side) > 1 || 2*n > portsMax {
			remedy = "Write a lower limit, or give them more ports."
		}
		r.warn(a.Expr.Range(), "Fewer ports than that", who+", and %s. Each line takes a pair in the realm of either side, and keeps it for %v after its end. %s",
			n, c.portsOf(side), mediarelay.DefaultRest, remedy)
		return
	}
}

// portsOf says what pairs of ports realms have.
func (c *Config) portsOf(realms []int) string {
	var list []string
	for _, i := range realms {
		m := &c.Realms[i].Media
		list = append(list, fmt.Sprintf("realm %q has %d pairs of media ports (%s)", c.Realms[i].Name, m.pairs(), ports(m.Ports)))
	}
	return strings.Join(list, ", ")
}

// checkAllCalls compares the limit of calls in all with all ports: a call takes
// a pair in two realms that a route connects, or two in one.
func (r *reader) checkAllCalls(c *Config, a *hcl.Attribute, n int) {
	legs := 0
	var used []int
	for i := range c.Realms {
		others := c.otherSide(func(p int) bool { return c.Policy.Peers[p].Realm == i })
		if len(others) > 0 {
			used = append(used, i)
			legs += min(c.pairs([]int{i}), c.pairs(others))
		}
	}
	if len(used) > 0 && n > legs/2 {
		r.warn(a.Expr.Range(), "Fewer ports than that", "There may be %d calls, and there are ports for %d: %s. Each line takes a pair in the realm of either side, and keeps it for %v after its end. Write a lower limit, or give the realms more ports.",
			n, legs/2, c.portsOf(used), mediarelay.DefaultRest)
	}
}
