package config

import (
	"fmt"
	"slices"

	"sbc/policy"
	"sbc/signaling/sip"
)

// checkRoutes finds routes that are never reached, because for each of their
// peers an earlier one takes all that they could match.
func (r *reader) checkRoutes(file *fileBlock, c *Config) {
	for i := range c.Policy.Routes {
		if by := r.coveredBy(c.Policy.Routes, i); by != nil {
			r.fail(file.Routes[i].Range, "Route is never reached",
				"The first route that matches wins, and all that this one could match is taken by %s. Put this one before it, or give that one a match.",
				listed(by, func(s string) string { return s }))
		}
	}
}

// coveredBy returns the earlier routes that leave nothing for route i, or
// nil: each of its methods from each of its peers is taken. Routes with
// problems of their own are not compared.
func (r *reader) coveredBy(routes []policy.Route, i int) []string {
	var by []string
	if r.wrongRoutes[i] {
		return nil
	}
	for _, peer := range routes[i].From {
		for _, method := range taken(&routes[i].Match) {
			j := slices.IndexFunc(routes[:i], func(o policy.Route) bool {
				return slices.Contains(o.From, peer) && slices.Contains(taken(&o.Match), method) && covers(&o.Match, &routes[i].Match)
			})
			if j < 0 || r.wrongRoutes[j] {
				return nil
			}
			name := fmt.Sprintf("route %q (line %d)", routes[j].Name, routes[j].Ref.Line)
			if !slices.Contains(by, name) {
				by = append(by, name)
			}
		}
	}
	return by
}

// taken returns the methods that a match holds for.
func taken(m *policy.Match) []sip.Method {
	if len(m.Methods) == 0 {
		return routedMethods
	}
	return m.Methods
}

// covers reports whether everything that b matches is matched by a but for
// the method, as far as one can see: a is empty, or the same.
func covers(a, b *policy.Match) bool {
	user := a.User == nil || b.User != nil && a.User.String() == b.User.String()
	host := a.Host == nil || b.Host != nil && a.Host.String() == b.Host.String()
	if !user || !host {
		return false
	}
	for _, f := range a.Fields {
		if !slices.ContainsFunc(b.Fields, func(g policy.FieldMatch) bool { return f.Name == g.Name && f.Value.String() == g.Value.String() }) {
			return false
		}
	}
	return true
}
