package config

import (
	"slices"

	"sbc/policy"
)

// Follow gives what c and running both name the places that it has in running,
// so that calls which know peers, realms and endpoints by their places meet the
// same ones again. What c no longer names keeps its place and is Gone; what is
// new comes behind. Changes that need a restart must have been refused before.
func (c *Config) Follow(running *Config) {
	realms := c.followRealms(running)
	peers := c.followPeers(running, realms)
	c.Domains, c.Clients = slices.Clone(c.Domains), slices.Clone(c.Clients)
	c.Policy.Routes = slices.Clone(c.Policy.Routes) // rules may have been made of them
	for i := range c.Policy.Routes {
		t := &c.Policy.Routes[i]
		t.From, t.To = moved(t.From, peers), moved(t.To, peers)
	}
	c.followEndpoints(running, peers)
	for i := range c.Clients {
		c.Clients[i].Peer = peers[c.Clients[i].Peer]
	}
	for i := range c.Domains {
		d := &c.Domains[i]
		d.Realm = realms[d.Realm]
		who := make(map[string]int, len(d.Who))
		for user, p := range d.Who {
			who[user] = peers[p]
		}
		d.Who = who
	}
}

// followRealms returns the new place of each realm of c, by the old one.
func (c *Config) followRealms(running *Config) []int {
	realms, rules := make([]Realm, len(c.Realms)), make([]policy.Realm, len(c.Realms))
	to := make([]int, len(c.Realms))
	for i := range c.Realms {
		to[i] = slices.IndexFunc(running.Realms, func(r Realm) bool { return r.Name == c.Realms[i].Name })
		realms[to[i]], rules[to[i]] = c.Realms[i], c.Policy.Realms[i]
	}
	c.Realms, c.Policy.Realms = realms, rules
	return to
}

func (c *Config) followPeers(running *Config, realms []int) (to []int) {
	own := c.Policy.Peers
	to = make([]int, len(own))
	c.Policy.Peers = slices.Clone(running.Policy.Peers)
	for i := range c.Policy.Peers {
		c.Policy.Peers[i].Gone = true
	}
	for i, p := range own {
		p.Realm = realms[p.Realm]
		to[i] = slices.IndexFunc(running.Policy.Peers, func(was policy.Peer) bool {
			return was.Name == p.Name && (was.Endpoints == nil) == (p.Endpoints == nil)
		})
		if to[i] < 0 {
			to[i] = len(c.Policy.Peers)
			c.Policy.Peers = append(c.Policy.Peers, p)
			continue
		}
		c.Policy.Peers[to[i]] = p
	}
	for i := range c.Policy.Peers {
		if p := &c.Policy.Peers[i]; p.Endpoints != nil && !p.Gone && p.Endpoints.To >= 0 {
			p.Endpoints = &policy.Endpoints{To: to[p.Endpoints.To]}
		}
	}
	return to
}

func (c *Config) followEndpoints(running *Config, peers []int) {
	own := c.Endpoints
	c.Endpoints = slices.Clone(running.Endpoints)
	for _, e := range own {
		e.Peer = peers[e.Peer]
		at := slices.IndexFunc(c.Endpoints, func(was Endpoints) bool { return was.Peer == e.Peer })
		if at < 0 {
			c.Endpoints = append(c.Endpoints, e)
			continue
		}
		c.Endpoints[at] = e
	}
}

// moved returns the new places of what has the places in list.
func moved(list, to []int) []int {
	out := make([]int, len(list))
	for i, n := range list {
		out[i] = to[n]
	}
	return out
}
