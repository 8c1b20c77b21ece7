package config

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
	"sbc/signaling/sip"
)

// check finds what is wrong between blocks. It looks only at what was read:
// a value that is missing or wrong was reported where it stands.
func (r *reader) check(file *fileBlock, c *Config) {
	r.checkListeners(file, c)
	r.checkMedia(file, c)
	r.checkTargets(file, c)
	r.checkSources(file, c)
	r.checkRoutes(file, c)
	if !r.diags.HasErrors() {
		r.checkUse(file, c)
	}
}

// checkListeners finds addresses that are listened on twice.
func (r *reader) checkListeners(file *fileBlock, c *Config) {
	seen := map[netip.AddrPort]Listen{}
	for i := range c.Realms {
		for j, l := range c.Realms[i].Listen {
			if !l.Addr.Addr().IsValid() {
				continue
			}
			if first, found := seen[l.Addr]; found {
				r.fail(file.Realms[i].Listen[j].Range, "Address listened on twice",
					"The listener in line %d has %s already. Give this one another port or address.", first.Ref.Line, l.Addr)
				continue
			}
			seen[l.Addr] = l
		}
	}
}

// checkMedia finds ranges of ports that meet each other or a listener.
func (r *reader) checkMedia(file *fileBlock, c *Config) {
	for i := range c.Realms {
		m := &c.Realms[i].Media
		if !m.Addr.IsValid() || m.Ports[0] == 0 {
			continue
		}
		at := file.Realms[i].Range
		if b := file.Realms[i].Media; len(b) > 0 {
			at = b[0].Range
		}
		for j := range c.Realms[:i] {
			o := &c.Realms[j].Media
			if o.Addr == m.Addr && o.Ports[0] <= m.Ports[1] && m.Ports[0] <= o.Ports[1] {
				r.fail(at, "Media ports overlap", "Realm %q has ports %s of %s too. Write media { ports = ... } with another range in one of them.",
					c.Realms[j].Name, ports(o.Ports), m.Addr)
			}
		}
		r.checkListenersIn(c, m, at)
	}
}

func (r *reader) checkListenersIn(c *Config, m *Media, at hcl.Range) {
	for i := range c.Realms {
		for _, l := range c.Realms[i].Listen {
			if l.Addr.Addr() == m.Addr && l.Addr.Port() >= m.Ports[0] && l.Addr.Port() <= m.Ports[1] {
				r.fail(at, "Listener among the media ports", "The listener in line %d has port %d, which is in %s. Move one of them.",
					l.Ref.Line, l.Addr.Port(), ports(m.Ports))
			}
		}
	}
}

func ports(p [2]uint16) string { return fmt.Sprintf("%d-%d", p[0], p[1]) }

// checkTargets finds peers that are ourselves.
func (r *reader) checkTargets(file *fileBlock, c *Config) {
	for i := range c.Policy.Peers {
		p := &c.Policy.Peers[i]
		if !p.Target.Addr.IsValid() {
			continue
		}
		target := netip.AddrPortFrom(p.Target.Addr, p.Target.Port)
		for j := range c.Realms {
			for _, l := range c.Realms[j].Listen {
				if l.Addr == target || l.Host == hostPort(p.Target.Addr, int(p.Target.Port)) {
					r.fail(file.Peers[i].Target.Expr.Range(), "Target is ourselves",
						"%s is the listener in line %d: calls would go round in a circle. Write the address of the peer.", target, l.Ref.Line)
				}
			}
		}
	}
}

// checkSources finds peers of a realm that nothing tells apart.
func (r *reader) checkSources(file *fileBlock, c *Config) {
	type source struct {
		realm  int
		prefix netip.Prefix
		port   uint16
	}
	seen := map[source]string{}
	for i := range c.Policy.Peers {
		p := &c.Policy.Peers[i]
		if p.Realm < 0 {
			continue
		}
		for _, s := range prefixes(p) {
			key := source{p.Realm, s, p.Target.Port}
			first, found := seen[key]
			if !found {
				seen[key] = p.Name
				continue
			}
			r.fail(sourceRange(file.Peers[i]), "Two peers with one source",
				"Peer %q sends from %s in this realm too, so a message could be from either. Name other sources, or make them one peer.", first, s)
		}
	}
}

// prefixes are where a peer sends from, as far as the file says.
func prefixes(p *policy.Peer) []netip.Prefix {
	if len(p.Sources) > 0 || !p.Target.Addr.IsValid() {
		return p.Sources
	}
	return []netip.Prefix{netip.PrefixFrom(p.Target.Addr, p.Target.Addr.BitLen())}
}

func sourceRange(b *peerBlock) hcl.Range {
	if b.Sources != nil {
		return b.Sources.Expr.Range()
	}
	return b.Target.Expr.Range()
}

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
// nil. Routes with problems of their own are not compared.
func (r *reader) coveredBy(routes []policy.Route, i int) []string {
	var by []string
	if r.wrongRoutes[i] {
		return nil
	}
	for _, peer := range routes[i].From {
		j := slices.IndexFunc(routes[:i], func(o policy.Route) bool {
			return slices.Contains(o.From, peer) && covers(&o.Match, &routes[i].Match)
		})
		if j < 0 || r.wrongRoutes[j] {
			return nil
		}
		name := fmt.Sprintf("route %q (line %d)", routes[j].Name, routes[j].Ref.Line)
		if !slices.Contains(by, name) {
			by = append(by, name)
		}
	}
	return by
}

// covers reports whether everything that b matches is matched by a, as far
// as one can see: a is empty, or the same.
func covers(a, b *policy.Match) bool {
	user := a.User == nil || b.User != nil && a.User.String() == b.User.String()
	host := a.Host == nil || b.Host != nil && a.Host.String() == b.Host.String()
	method := len(a.Methods) == 0 || len(b.Methods) > 0 && !slices.ContainsFunc(b.Methods, func(m sip.Method) bool { return !slices.Contains(a.Methods, m) })
	if !user || !host || !method {
		return false
	}
	for _, f := range a.Fields {
		if !slices.ContainsFunc(b.Fields, func(g policy.FieldMatch) bool { return f.Name == g.Name && f.Value.String() == g.Value.String() }) {
			return false
		}
	}
	return true
}

// checkUse warns of what nothing refers to. It is no error: a file that is
// being written looks like that.
func (r *reader) checkUse(file *fileBlock, c *Config) {
	realms, peers := make([]bool, len(c.Realms)), make([]bool, len(c.Policy.Peers))
	for i := range c.Policy.Peers {
		realms[c.Policy.Peers[i].Realm] = true
	}
	for i := range c.Policy.Routes {
		for _, p := range c.Policy.Routes[i].From {
			peers[p] = true
		}
		for _, p := range c.Policy.Routes[i].To {
			peers[p] = true
		}
	}
	for i, used := range realms {
		if !used {
			r.warn(file.Realms[i].NameRange, "Realm without peers", "No peer is in realm.%s, so nobody can call through it.", c.Realms[i].Name)
		}
	}
	for i, used := range peers {
		if !used {
			r.warn(file.Peers[i].NameRange, "Peer without routes", "No route is from or to peer.%s, so it can neither call nor be called.", c.Policy.Peers[i].Name)
		}
	}
}
