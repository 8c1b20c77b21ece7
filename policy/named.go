package policy

import "strings"

// Named returns the peer of a realm that has one of the SIP domains which the
// certificate at the other end of a connection has proved (RFC 5922 section 7.1),
// in lower case.
func (r *Rules) Named(realm int, domains []string) (peer int, ok bool) {
	for i := range r.o.Peers {
		p := &r.o.Peers[i]
		if p.Realm != realm || p.Gone {
			continue
		}
		for _, name := range p.Names {
			for _, d := range domains {
				if strings.EqualFold(name, d) {
					return i, true
				}
			}
		}
	}
	return 0, false
}
