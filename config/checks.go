package config

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
)

// check finds what is wrong between blocks. It looks only at what was read:
// a value that is missing or wrong was reported where it stands.
func (r *reader) check(file *fileBlock, c *Config) {
	r.checkListeners(c)
	r.checkTelemetry(file, c)
	r.checkMedia(file, c)
	r.checkTargets(file, c)
	r.checkSources(file, c)
	r.checkRegistrars(file, c)
	r.checkBandwidth(file, c)
	r.checkPatterns(file, c)
	r.checkRoutes(file, c)
	if !r.diags.HasErrors() {
		r.checkUse(file, c)
		r.checkReach(file, c)
		r.checkLimits(file, c)
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

// checkUse warns of what nothing refers to. It is no error: a file that is
// being written looks like that.
func (r *reader) checkUse(file *fileBlock, c *Config) {
	realms, peers := make([]bool, len(c.Realms)), make([]bool, len(c.Policy.Peers))
	for i := range c.Policy.Peers {
		realms[c.Policy.Peers[i].Realm] = true
		if e := c.Policy.Peers[i].Endpoints; e != nil && e.To >= 0 { // their own route
			peers[i], peers[e.To] = true, true
		}
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
		if !used && i >= len(file.Peers) {
			r.warn(file.Endpoints[i-len(file.Peers)].NameRange, "Endpoints without routes", "No route is from or to endpoints.%s, so they can neither call nor be called.", c.Policy.Peers[i].Name)
			continue
		}
		if !used {
			r.warn(file.Peers[i].NameRange, "Peer without routes", "No route is from or to peer.%s, so it can neither call nor be called.", c.Policy.Peers[i].Name)
		}
	}
}
