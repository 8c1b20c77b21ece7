package config

import (
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
)

// Endpoints are user agents that register through us.
type Endpoints struct {
	Peer     int           // which of Policy.Peers they are
	Refresh  time.Duration // how often they are told to register again
	Expires  time.Duration // what their registrar is asked for
	Rate     float64       // REGISTERs a second that it can bear
	Contacts int           // of one address-of-record
	Here     bool          // our own registrar has their bindings
}

// endpoints reads the blocks; in the rules they come after the peers.
func (r *reader) endpoints(file *fileBlock, c *Config) {
	r.endpointNames.kind = "endpoints"
	for _, b := range file.Endpoints {
		r.add(&r.endpointNames, b.Name, b.NameRange)
		if _, found := r.peerNames.find(b.Name); found {
			r.fail(b.NameRange, "Name used twice", "There is a peer %q already. Calls and metrics show both by their names: give this one another.", b.Name)
		}
		e, p := r.endpointsOf(b, len(file.Peers))
		e.Peer = len(c.Policy.Peers)
		r.here = append(r.here, e.Here)
		c.Policy.Peers, c.Endpoints = append(c.Policy.Peers, p), append(c.Endpoints, e)
		if p.Realm >= 0 && !c.Realms[p.Realm].natSet {
			c.Realms[p.Realm].NAT = true
		}
	}
}

func (r *reader) endpointsOf(b *endpointsBlock, peers int) (Endpoints, policy.Peer) {
	e := Endpoints{Refresh: time.Minute, Expires: 30 * time.Minute, Rate: 100, Contacts: 10}
	p := policy.Peer{Name: b.Name, Realm: -1, Ref: r.ref(b.Range), Endpoints: &policy.Endpoints{To: -1}}
	if b.Realm == nil {
		r.missing(b.Range, "realm", "realm.NAME")
	} else if i, ok := r.refer(b.Realm.Name, b.Realm.Expr, &r.realmNames); ok {
		p.Realm = i
	}
	if b.Domain == nil {
		r.missing(b.Range, "domain", `"voice.example"`)
	}
	r.domain(b.Domain, &p)
	if b.To == nil {
		// They register here.
	} else if i, ok := r.refer(b.To.Name, b.To.Expr, &r.peerNames); ok {
		p.Endpoints.To = i
	}
	r.duration(b.Refresh, 15*time.Second, time.Hour, false, &e.Refresh)
	r.duration(b.Expires, time.Minute, 24*time.Hour, false, &e.Expires)
	if e.Expires < e.Refresh {
		r.fail(b.Range, "Shorter than nat_refresh", "The registrar is asked for %v, and phones come every %v. Write an expires of at least that.", e.Expires, e.Refresh)
	}
	r.perSecond(b.Rate, &e.Rate)
	r.integer(b.Contacts, 1, 100, "10", &e.Contacts)
	e.Here = b.To == nil
	p.Limits = r.peerLimits(only(r, "limits", b.Limits))
	p.Tolls = r.tolls(only(r, "tolls", b.Tolls))
	return e, p
}

// perSecond reads a rate.
func (r *reader) perSecond(a *hcl.Attribute, to *float64) {
	t, ok := r.text(a, `"100/s"`)
	if !ok {
		return
	}
	n, unit, _ := strings.Cut(t.s, "/")
	if v, err := strconv.ParseUint(n, 10, 32); err == nil && unit == "s" && v >= 1 && v <= 100_000 {
		*to = float64(v)
		return
	}
	r.fail(t.at, "Not a rate", "%q is no rate. Write a whole number from 1 to 100000 with its unit, like \"100/s\".", t.s)
}

// ends reads a list of references to peers and endpoints.
func (r *reader) ends(b *routeBlock, a *hcl.Attribute, key string, peers int) []int {
	if a == nil {
		r.missing(b.Range, key, "[peer.NAME]")
		return nil
	}
	var out []int
	seen := map[int]bool{}
	for _, e := range r.exprs(a, r.peerNames.example()) {
		names, offset := &r.peerNames, 0
		if steps, diags := hcl.AbsTraversalForExpr(e); !diags.HasErrors() && steps.RootName() == r.endpointNames.kind {
			names, offset = &r.endpointNames, peers
		}
		i, ok := r.refer(key, e, names)
		if !ok {
			continue
		}
		if key == "to" && offset > 0 && !r.here[i] {
			r.fail(e.Range(), "Endpoints of another registrar", "%s register with a peer, which knows where they are: send the call to that peer.", names.full(names.list[i]))
			continue
		}
		if seen[offset+i] {
			r.fail(e.Range(), "Named twice", "%s stands in this list already. Take one of them out.", names.full(names.list[i]))
			continue
		}
		seen[offset+i] = true
		out = append(out, offset+i)
	}
	return out
}

// nat reads who may be behind a NAT in a realm.
func (r *reader) nat(b *realmBlock, e *Realm) {
	var word string
	if r.word(b.NAT, []string{"auto", "off"}, &word) {
		e.NAT, e.natSet = word == "auto", true
	}
	e.Routed = r.prefixes(b.Routed)
}
