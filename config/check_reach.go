package config

import (
	"net/netip"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
)

// checkRegistrars finds endpoints whose registrar is nowhere.
func (r *reader) checkRegistrars(file *fileBlock, c *Config) {
	for i, b := range file.Endpoints {
		e := c.Policy.Peers[len(file.Peers)+i].Endpoints
		if e.To >= 0 && c.Policy.Peers[e.To].Registers {
			r.fail(b.To.Expr.Range(), "Registrar without an address",
				"peer.%s registers here itself and has no target that a REGISTER could be sent to. Name a peer with a target, or leave `to` out: then they register here.", c.Policy.Peers[e.To].Name)
		}
	}
}

// checkReach warns of what can be written and leads nowhere.
func (r *reader) checkReach(file *fileBlock, c *Config) {
	for i, b := range file.Peers {
		p := &c.Policy.Peers[i]
		if b.Sources != nil {
			r.checkComing(b, p, c)
			r.checkAnswers(b, p, c)
		}
		if p.Redirect == policy.RedirectFollow && !slices.ContainsFunc(c.Policy.Peers, func(o policy.Peer) bool { return o.Realm == p.Realm && o.Target.Host != "" }) {
			r.warn(b.Redirect.Expr.Range(), "Nobody to follow to", "The contacts of a 3xx are followed to peers of the realm that have a target, and realm %q has none. Leave it out.", c.Realms[p.Realm].Name)
		}
	}
	for i, b := range file.Routes {
		r.checkUsers(b, &c.Policy.Routes[i], c)
	}
}

// checkComing looks at each source of a peer: whether anything can come from
// there, and only from the peer.
func (r *reader) checkComing(b *peerBlock, p *policy.Peer, c *Config) {
	list, _ := hcl.ExprList(b.Sources.Expr)
	e := &c.Realms[p.Realm]
	for n, s := range p.Sources {
		at := list[n].Range()
		if !slices.ContainsFunc(e.Listen, func(l Listen) bool { return l.Addr.Addr().Is4() == s.Addr().Is4() }) {
			r.warn(at, "Nothing comes from there", "%s is %s, and realm %q has no listener with an address of that family. Give the realm one, or take this out.", s, family(s.Addr()), e.Name)
			continue
		}
		for i := range c.Realms {
			if l := c.Realms[i].listensIn(s); l.IsValid() && r.checkOwn(at, s, l, p, &c.Realms[i], e) {
				break
			}
		}
	}
}

// listensIn returns an address within s on which the realm listens; it is not
// valid where there is none.
func (e *Realm) listensIn(s netip.Prefix) netip.Addr {
	for _, l := range e.Listen {
		if s.Contains(l.Addr.Addr()) {
			return l.Addr.Addr()
		}
	}
	return netip.Addr{}
}

// checkOwn warns of a source s that holds own, an address of ours in realm of:
// where nobody else can have it, and where it is in another network than the
// peer. A LAN that we are in is a good source, and so is a peer on this machine.
func (r *reader) checkOwn(at hcl.Range, s netip.Prefix, own netip.Addr, p *policy.Peer, of, peers *Realm) bool {
	switch {
	case p.Target.Addr == own:
		return false
	case s.IsSingleIP():
		r.warn(at, "Source is ourselves", "%s is our own address in realm %q, so that only this machine sends from there. Write the address of the peer.", own, of.Name)
	case of != peers && !slices.ContainsFunc(peers.Listen, func(l Listen) bool { return l.Addr.Addr() == own }):
		r.warn(at, "Source holds another realm", "%s holds %s, where realm %q listens: who is in that network and sends to realm %q would be this peer. Name the networks that it really sends from.", s, own, of.Name, peers.Name)
	default:
		return false
	}
	return true
}

// checkAnswers warns of a peer that is not where its calls are sent. Who proves
// to be somebody may be anywhere.
func (r *reader) checkAnswers(b *peerBlock, p *policy.Peer, c *Config) {
	t := p.Target.Addr
	if !t.IsValid() || p.User != "" {
		return
	}
	for i := range c.Policy.Peers {
		o := &c.Policy.Peers[i]
		if o.Realm == p.Realm && slices.ContainsFunc(prefixes(o), func(s netip.Prefix) bool { return s.Contains(t) }) {
			return // It is known, if as another.
		}
	}
	r.warn(b.Sources.Expr.Range(), "Target is no source", "Calls go to %s, which is in no source of peer.%s. Its answers are taken; its requests are a stranger's, also a BYE or a new offer within a call. Add %q, unless it never sends any.", t, p.Name, t)
}

// checkUsers warns of a route to users who are not there.
func (r *reader) checkUsers(b *routeBlock, t *policy.Route, c *Config) {
	if t.Match.User == nil || t.Rewrite != nil {
		return
	}
	for _, to := range t.To {
		if p := &c.Policy.Peers[to]; p.Endpoints == nil || p.Endpoints.To >= 0 {
			return
		}
	}
	for _, d := range c.Domains {
		for _, u := range d.Users {
			if slices.Contains(t.To, d.Who[u.Name()]) && t.Match.User.MatchString(u.Name()) {
				return
			}
		}
	}
	r.warn(b.Match[0].User.Expr.Range(), "No such user", "None of the users that the route leads to has a name that this matches, so that each call gets 404. Add the user, or write another pattern.")
}
