package config

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
)

// A Turn is the STUN and TURN service of a realm.
type Turn struct {
	Realm       int
	Port        uint16
	Domain      string            // of the credentials
	Ports       [2]uint16         // of what is relayed
	Users       map[string]string // passwords by name
	Secrets     []string          // of credentials with an expiry
	Allow, Deny []netip.Prefix    // peers
	Allocations int               // at once
	Ref         policy.Ref
}

// Ours: apart from the ports of media.
var turnPorts = [2]uint16{50000, 50999}

func (r *reader) turn(b *turnBlock, c *Config) {
	if b == nil {
		return
	}
	t := &Turn{Realm: -1, Port: 3478, Ports: turnPorts, Allocations: 1000, Users: map[string]string{}, Ref: r.ref(b.Range)}
	if b.Realm == nil {
		r.missing(b.Range, "realm", "realm.NAME")
	} else if i, ok := r.refer(b.Realm.Name, b.Realm.Expr, &r.realmNames); ok {
		t.Realm = i
	}
	if b.Domain == nil {
		r.missing(b.Range, "domain", `"voice.example"`)
	}
	var p policy.Peer
	r.domain(b.Domain, &p)
	t.Domain = p.Domain
	port := int(t.Port)
	r.integer(b.Port, 1, 65535, "3478", &port)
	t.Port = uint16(port)
	r.ports(b.Ports, &t.Ports)
	r.turnUsers(b, t)
	t.Allow, t.Deny = r.prefixes(b.Allow), r.prefixes(b.Deny)
	r.integer(b.Allocations, 1, 100_000, "1000", &t.Allocations)
	r.checkTurn(b, c, t)
	c.Turn = t
}

func (r *reader) turnUsers(b *turnBlock, t *Turn) {
	if b.Secret != nil {
		if s, ok := r.secret(b.Secret.Name, b.Secret.Expr); ok {
			t.Secrets = append(t.Secrets, s)
		}
	}
	if b.Users != nil {
		items, diags := hcl.ExprMap(b.Users.Expr)
		if diags.HasErrors() {
			r.fail(b.Users.Expr.Range(), "Not an object", "\"users\" is an object: write users = { alice = file(\"/etc/sbc/alice\") }.")
		}
		for _, i := range items {
			name, ok := r.textOf("users", i.Key, `users = { alice = file("/etc/sbc/alice") }`)
			if s, good := r.secret(name.s, i.Value); ok && good {
				t.Users[name.s] = s
			}
		}
	}
	if b.Secret == nil && b.Users == nil {
		r.fail(b.Range, "TURN for nobody", "Nobody could use it. Write secret = file(\"/etc/sbc/turn\") for credentials with an expiry, or users = { alice = file(\"/etc/sbc/alice\") }.")
	}
}

// checkTurn finds ports that the service would share with others.
func (r *reader) checkTurn(b *turnBlock, c *Config, t *Turn) {
	if t.Realm < 0 || t.Realm >= len(c.Realms) {
		return
	}
	e := &c.Realms[t.Realm]
	if m := e.Media.Ports; t.Ports[0] <= m[1] && m[0] <= t.Ports[1] {
		r.fail(b.Range, "Ports of media", "Ports %s are those of realm %q's media, %s. Write ports = \"50000-50999\" or another range.", ports(t.Ports), e.Name, ports(m))
	}
	for _, l := range e.Listen {
		if l.Addr.Port() == t.Port {
			r.fail(b.Range, "Port of a listener", "Port %d is that of the listener in line %d. TURN takes another one, 3478 unless it is written.", t.Port, l.Ref.Line)
			return
		}
	}
}

// prefixes reads a list of networks.
func (r *reader) prefixes(a *hcl.Attribute) (list []netip.Prefix) {
	for _, t := range r.texts(a, `"10.0.0.0/8"`) {
		p, err := netip.ParsePrefix(t.s)
		if err != nil || p != p.Masked() {
			r.fail(t.at, "Not a prefix", "%q is no prefix. Write one like \"10.0.0.0/8\" or \"fd00::/8\", without bits behind its length.", t.s)
			continue
		}
		list = append(list, p)
	}
	return list
}
