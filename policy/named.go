package policy

import "strings"

// Named returns the peer of a realm that has one of the SIP domains which the
// certificate at the other end of a connection has proved (RFC 5922 section 7.1),
// in lower case; if none has, one that is Gone: what it began ends with it.
func (r *Rules) Named(realm int, domains []string) (peer int, ok bool) {
	for i := range r.o.Peers {
		p := &r.o.Peers[i]
		if p.Realm != realm || p.Gone && ok || !p.named(domains) {
			continue
		}
		peer, ok = i, true
		if !p.Gone {
			break
		}
	}
	return peer, ok
}

// named reports whether the peer is known by one of these names.
func (p *Peer) named(domains []string) bool {
	for _, name := range p.Names {
		for _, d := range domains {
			if strings.EqualFold(name, d) {
				return true
			}
		}
	}
	return false
}
