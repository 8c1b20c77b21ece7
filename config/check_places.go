package config

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
)

// A place is what one socket has for itself.
type place struct {
	transport string
	addr      netip.AddrPort
}

// checkListeners finds addresses that are listened on twice by one transport.
func (r *reader) checkListeners(c *Config) {
	seen := map[place]policy.Ref{}
	for i := range c.Realms {
		for j, l := range c.Realms[i].Listen {
			key := place{layer(l.Transport), l.Addr}
			if first, found := seen[key]; found {
				r.fail(r.listenAt[i][j], "Address listened on twice",
					"The listener in line %d has %s by %s already. Give this one another port or address.", first.Line, l.Addr, l.Transport)
				continue
			}
			seen[key] = l.Ref
		}
	}
}

// layer returns what a transport runs over: those over TCP share its ports.
func layer(transport string) string {
	if transport == policy.UDP {
		return transport
	}
	return policy.TCP
}

// checkTelemetry finds a TCP listener in the place of the metrics.
func (r *reader) checkTelemetry(file *fileBlock, c *Config) {
	t := c.Telemetry.Listen
	if !t.IsValid() {
		return
	}
	for i := range c.Realms {
		for _, l := range c.Realms[i].Listen {
			if l.Transport != policy.UDP && l.Addr.Port() == t.Port() && within(l.Addr.Addr(), t.Addr()) {
				r.fail(file.Telemetry[0].Listen.Expr.Range(), "Address listened on twice",
					"The listener in line %d has %s by tcp already. Write another port for one of them.", l.Ref.Line, l.Addr)
			}
		}
	}
}

// within reports whether a socket at b takes what is for a: "::" takes IPv4
// too (RFC 3493 section 5.3).
func within(a, b netip.Addr) bool {
	return a == b || b.IsUnspecified() && (b.Is6() || a.Is4())
}

// checkMedia finds ranges of ports that meet each other or a listener.
func (r *reader) checkMedia(file *fileBlock, c *Config) {
	for i := range c.Realms {
		m := &c.Realms[i].Media
		at := file.Realms[i].Range
		if b := file.Realms[i].Media; len(b) > 0 {
			at = b[0].Range
		}
		for _, addr := range m.Addr.All() {
			for j := range c.Realms[:i] {
				r.checkOverlap(&c.Realms[j], m, addr, at)
			}
		}
		r.checkListenersIn(c, m, at)
		r.checkFamilies(&c.Realms[i], at)
	}
}

func (r *reader) checkOverlap(other *Realm, m *Media, addr netip.Addr, at hcl.Range) {
	o := &other.Media
	if o.Addr.Of(addr) == addr && o.Ports[0] <= m.Ports[1] && m.Ports[0] <= o.Ports[1] {
		r.fail(at, "Media ports overlap", "Realm %q has ports %s of %s too. Write media { ports = ... } with another range in one of them.",
			other.Name, ports(o.Ports), addr)
	}
}

// checkListenersIn looks at UDP only: the ports of TCP are others.
func (r *reader) checkListenersIn(c *Config, m *Media, at hcl.Range) {
	for i := range c.Realms {
		for _, l := range c.Realms[i].Listen {
			addr := l.Addr.Addr()
			if l.Transport == policy.UDP && m.Addr.Of(addr) == addr && l.Addr.Port() >= m.Ports[0] && l.Addr.Port() <= m.Ports[1] {
				r.fail(at, "Listener among the media ports", "The listener in line %d has port %d, which is in %s. Move one of them.",
					l.Ref.Line, l.Addr.Port(), ports(m.Ports))
			}
		}
	}
}

// checkFamilies warns of a family that signals and has no media: who has no
// other would be called without a sound.
func (r *reader) checkFamilies(e *Realm, at hcl.Range) {
	if !e.Media.Addr.IsValid() {
		return
	}
	for _, any := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if slices.ContainsFunc(e.Listen, func(l Listen) bool { return l.Addr.Addr().Is4() == any.Is4() }) && !e.Media.Addr.Of(any).IsValid() {
			r.warn(at, "Listener without media", "Realm %q has a listener with %s, and media at %s only. Give media an address of each family.",
				e.Name, family(any), e.Media.Addr)
		}
	}
}

func ports(p [2]uint16) string { return fmt.Sprintf("%d-%d", p[0], p[1]) }

// checkTargets finds peers that are ourselves, and those that no listener of
// their realm leads to.
func (r *reader) checkTargets(file *fileBlock, c *Config) {
	for i := range c.Policy.Peers {
		p := &c.Policy.Peers[i]
		if p.Target.Host == "" {
			continue
		}
		at := file.Peers[i].Target.Expr.Range()
		if p.Realm >= 0 {
			r.checkWay(&c.Realms[p.Realm], &p.Target, at)
		}
		if p.Target.Addr.IsValid() {
			r.checkOurselves(c, &p.Target, at)
		}
	}
}

// checkWay compares a target with the listeners that its requests leave from.
func (r *reader) checkWay(e *Realm, t *policy.Target, at hcl.Range) {
	if len(e.Listen) == 0 {
		return // Which was said.
	}
	transport := t.First()
	switch {
	case e.Network(transport) == "" && t.Transport == "":
		r.fail(at, "No way to the target", "Without a transport a target is reached by udp (RFC 3263 section 4.1), and realm %q has no such listener. Write \"sip:...;transport=tcp\", or listen \"udp\" {} in the realm.", e.Name)
	case e.Network(transport) == "":
		r.fail(at, "No way to the target", "The target is reached by %s, and realm %q has no such listener. Write listen %q {} in the realm.", transport, e.Name, transport)
	case t.Addr.IsValid() && !e.Has(transport, t.Addr):
		r.fail(at, "No way to the target", "The target is %s, and realm %q has no %s listener with an address of that family. Give the realm one of each, as address = [%s].",
			family(t.Addr), e.Name, transport, exampleBoth)
	}
}

func (r *reader) checkOurselves(c *Config, t *policy.Target, at hcl.Range) {
	target := netip.AddrPortFrom(t.Addr, t.Port)
	for i := range c.Realms {
		for _, l := range c.Realms[i].Listen {
			if l.Addr == target || l.Host == HostPort(t.Addr, int(t.Port)) {
				r.fail(at, "Target is ourselves",
					"%s is the listener in line %d: calls would go round in a circle. Write the address of the peer.", target, l.Ref.Line)
				return // One address may have a listener of each transport.
			}
		}
	}
}
