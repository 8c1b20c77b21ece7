package config

import (
	"fmt"
	"slices"
	"strings"

	"sbc/policy"
	"sbc/signaling/sip"
)

// checkRoutes finds routes that are never reached, because for each of their
// peers an earlier one takes all that they could match, and those of which that
// holds for one of their peers. Routes with problems of their own are not
// compared.
func (r *reader) checkRoutes(file *fileBlock, c *Config) {
	for i := range c.Policy.Routes {
		if r.wrongRoutes[i] {
			continue
		}
		earlier, from := r.earlier(c.Policy.Routes, i), c.Policy.Routes[i].From
		if by := r.coveredBy(c.Policy.Routes, i, from, earlier, false); by != "" {
			r.fail(file.Routes[i].Range, "Route is never reached",
				"The first route that matches wins, and all that this one could match is taken by %s. Put this one before it, or give that one a match.", by)
		} else if by := r.coveredBy(c.Policy.Routes, i, from, earlier, true); by != "" {
			r.warn(file.Routes[i].Range, "Route is hardly reached",
				"The first route that matches wins, and %s leaves to this one only what hardly ever comes, such as a user part with %%0A in it. Put this one before it, or give that one a match.", by)
		} else {
			for k := range from {
				if by := r.coveredBy(c.Policy.Routes, i, from[k:k+1], earlier, false); by != "" {
					p := &c.Policy.Peers[from[k]]
					whose := "peer." + p.Name
					if p.Endpoints != nil {
						whose = "endpoints." + p.Name
					}
					r.warn(file.Routes[i].From.Expr.Range(), "Route is never reached by one of its peers",
						"The first route that matches wins, and all that %s could bring here is taken by %s. Put this one before it, give that one a match, or take %[1]s out of `from`.", whose, by)
				}
			}
		}
	}
}

// earlier returns the routes before i that match what one sample of a call for
// it has. There are few, and none else can cover it.
func (r *reader) earlier(routes []policy.Route, i int) (list []int) {
	b := &routes[i].Match
	user := r.patterns.sample(userPart.longest, source(b.User), userPart.usual)
	host := r.patterns.sample(hostPart.longest, source(b.Host), hostPart.usual)
	if !user.found || !host.found {
		return nil
	}
	for j := range routes[:i] {
		a := &routes[j].Match
		if (a.User == nil || a.User.MatchString(user.text)) && (a.Host == nil || a.Host.MatchString(host.text)) {
			list = append(list, j)
		}
	}
	return list
}

// coveredBy names those of the earlier routes that leave nothing for route i: each
// of its methods from each of some of its peers is taken; "": something is left.
// usual: nothing but what is not usual.
func (r *reader) coveredBy(routes []policy.Route, i int, from, earlier []int, usual bool) string {
	var by []string
	known := map[int]bool{}
	covers := func(j int) bool {
		yes, found := known[j]
		if !found {
			yes = r.patterns.covers(&routes[j].Match, &routes[i].Match, usual)
			known[j] = yes
		}
		return yes
	}
	for _, peer := range from {
		for _, method := range taken(&routes[i].Match) {
			at := slices.IndexFunc(earlier, func(j int) bool {
				return slices.Contains(routes[j].From, peer) && slices.Contains(taken(&routes[j].Match), method) && covers(j)
			})
			if at < 0 || r.wrongRoutes[earlier[at]] {
				return ""
			}
			o := &routes[earlier[at]]
			name := fmt.Sprintf("route %q (line %d)", o.Name, o.Ref.Line)
			if !slices.Contains(by, name) {
				by = append(by, name)
			}
		}
	}
	return strings.Join(by, ", ")
}

// taken returns the methods that a match holds for.
func taken(m *policy.Match) []sip.Method {
	if len(m.Methods) == 0 {
		return routedMethods
	}
	return m.Methods
}
