package config

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
)

func (r *reader) peers(file *fileBlock, c *Config) {
	r.peerNames.kind = "peer"
	for _, b := range file.Peers {
		r.add(&r.peerNames, b.Name, b.NameRange)
		p := r.peer(b)
		r.peerTLS(b, &p, c, len(c.Policy.Peers))
		if p.Registers {
			e := Endpoints{Peer: len(c.Policy.Peers), Refresh: time.Minute, Expires: 30 * time.Minute, Rate: 100, Contacts: 1, Here: true}
			c.Endpoints = append(c.Endpoints, e)
		}
		c.Policy.Peers = append(c.Policy.Peers, p)
	}
}

func (r *reader) peer(b *peerBlock) policy.Peer {
	p := policy.Peer{Name: b.Name, Realm: -1, Ref: r.ref(b.Range)}
	if b.Realm == nil {
		r.missing(b.Range, "realm", "realm.NAME")
	} else if i, ok := r.refer(b.Realm.Name, b.Realm.Expr, &r.realmNames); ok {
		p.Realm = i
	}
	r.boolean(b.Registers, &p.Registers)
	if p.Registers {
		r.registers(b)
	} else if b.Target == nil {
		r.missing(b.Range, "target", `"sip:192.0.2.10"`)
	} else if t, ok := r.text(b.Target, `"sip:192.0.2.10"`); ok {
		p.Target, _ = r.target(t)
	}
	r.sources(b.Sources, &p)
	r.domain(b.Domain, &p)
	r.boolean(b.Asym, &p.Asymmetric)
	var redirect string
	if r.word(b.Redirect, []string{"pass", "follow"}, &redirect) {
		p.Redirect, _ = policy.ParseRedirect(redirect)
	}
	p.Limits = r.peerLimits(only(r, "limits", b.Limits))
	p.Tolls = r.tolls(only(r, "tolls", b.Tolls))
	return p
}

// registers checks a peer that is where it registers from.
func (r *reader) registers(b *peerBlock) {
	for _, a := range []*hcl.Attribute{b.Target, b.Sources} {
		if a != nil {
			r.fail(a.Range, "Place given twice", "The peer registers, and is where that comes from: take out %s, or registers.", a.Name)
		}
	}
	if len(b.Users) == 0 {
		r.fail(b.Range, "Peer without a user", "Who registers has to prove who it is: write user \"%s\" { password = file(\"/etc/sbc/%s\") } in it.", b.Name, b.Name)
	}
}

// missing reports a key that must be there.
func (r *reader) missing(block hcl.Range, key, example string) {
	r.fail(block, "Missing required argument", "The key %q is required here: write %s = %s.", key, key, example)
}

func (r *reader) domain(a *hcl.Attribute, p *policy.Peer) {
	t, ok := r.text(a, `"sip.itsp.example"`)
	if !ok {
		return
	}
	p.Domain = t.s
	if addr, _ := literal(t.s); addr.IsValid() {
		p.Domain = addr.String()
	}
	if !goodHost(p.Domain) {
		r.fail(t.at, "Not a domain", "%q is neither a name nor an address. Write domain = \"sip.itsp.example\".", t.s)
		p.Domain = ""
	}
}

// sources reads prefixes and addresses.
func (r *reader) sources(a *hcl.Attribute, p *policy.Peer) {
	for _, t := range r.texts(a, `"198.51.100.0/24"`) {
		s, ok := r.source(t)
		if !ok {
			continue
		}
		if slices.Contains(p.Sources, s) {
			r.fail(t.at, "Named twice", "%q stands in this list already. Take one of them out.", t.s)
			continue
		}
		p.Sources = append(p.Sources, s)
	}
}

func (r *reader) source(t text) (netip.Prefix, bool) {
	if !strings.Contains(t.s, "/") {
		addr, err := netip.ParseAddr(t.s)
		if err != nil {
			r.fail(t.at, "Not a source", "%q is no address and no prefix. Write one like \"198.51.100.0/24\" or \"2001:db8::/32\".", t.s)
			return netip.Prefix{}, false
		}
		ok := r.usable(t, addr, &addr)
		return netip.PrefixFrom(addr, addr.BitLen()), ok
	}
	s, err := netip.ParsePrefix(t.s)
	switch {
	case err != nil:
		r.fail(t.at, "Not a source", "%q is no address and no prefix. Write one like \"198.51.100.0/24\" or \"2001:db8::/32\".", t.s)
	case s.Addr().Is4In6():
		r.fail(t.at, "IPv4 written as IPv6", "Nothing comes from %q. Write the IPv4 prefix, like \"198.51.100.0/24\".", t.s)
	case s.Addr().IsMulticast(), s.Addr().Is6() && s.Addr().IsLinkLocalUnicast():
		r.fail(t.at, "Not a source", "No peer that calls can be sent to has an address in %q. Name the networks that it really sends from.", t.s)
	case s.Bits() == 0:
		r.fail(t.at, "Source is everybody", "With %q every stranger would be this peer. Name the networks that it really sends from.", t.s)
	case s != s.Masked():
		r.fail(t.at, "Bits outside of the prefix", "%q has bits after the first %d. Write %q for the network, or %q for the one host.", t.s, s.Bits(), s.Masked(), s.Addr())
	default:
		return s, true
	}
	return netip.Prefix{}, false
}
