package policy

import (
	"errors"
	"fmt"
	"strings"
)

// domains are the domains by realm and host.
type domains map[int]map[string]*Domain

func newDomains(o *Options) (domains, error) {
	all := domains{}
	var errs []error
	for i := range o.Domains {
		d := &o.Domains[i]
		if err := d.check(o); err != nil {
			errs = append(errs, fmt.Errorf("%s: domain %q: %w", d.Ref, d.Host, err))
			continue
		}
		if all[d.Realm] == nil {
			all[d.Realm] = map[string]*Domain{}
		}
		if all[d.Realm][d.Host] != nil {
			errs = append(errs, fmt.Errorf("%s: domain %q stands twice in one realm", d.Ref, d.Host))
			continue
		}
		all[d.Realm][d.Host] = d
	}
	return all, errors.Join(errs...)
}

func (d *Domain) check(o *Options) error {
	switch {
	case d.Realm < 0 || d.Realm >= len(o.Realms):
		return fmt.Errorf("no realm %d", d.Realm)
	case d.Auth == nil:
		return errors.New("nobody can prove anything in it")
	case d.Host == "" || len(d.Host) > partMax || d.Host != strings.ToLower(d.Host):
		return errors.New("a host in lower case is needed")
	}
	for user, p := range d.Who {
		if p < 0 || p >= len(o.Peers) || o.Peers[p].Gone || o.Peers[p].Realm != d.Realm {
			return fmt.Errorf("user %q is of no peer of the realm", user)
		}
	}
	return nil
}

// Domain returns the domain of a host in a realm; nil: there is none. It
// allocates nothing.
func (r *Rules) Domain(realm int, host []byte) *Domain {
	in := r.domains[realm]
	if in == nil || len(host) > partMax {
		return nil
	}
	var lower [partMax]byte
	for i, c := range host {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		lower[i] = c
	}
	return in[string(lower[:len(host)])]
}

// Has reports whether a user is of a peer, or of endpoints.
func (d *Domain) Has(user string, peer int) bool {
	p, ok := d.Who[user]
	return ok && p == peer
}
