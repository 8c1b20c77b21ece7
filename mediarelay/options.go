package mediarelay

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
)

// Check reports what is wrong with o, for the operator: an address that is
// not one, a range without a whole pair, ranges that overlap at one address.
func (o *Options) Check() error {
	for i := range o.Realms {
		r := &o.Realms[i]
		if err := r.check(); err != nil {
			return err
		}
		for j := range o.Realms[:i] {
			if err := r.apart(&o.Realms[j]); err != nil {
				return err
			}
		}
	}
	if o.Rest < 0 {
		return fmt.Errorf("ports cannot rest for %v", o.Rest)
	}
	return nil
}

func (p *RealmPool) check() error {
	if !p.Addr.IsValid() && !p.Addr6.IsValid() {
		return fmt.Errorf("realm %q: media needs one address of this host, of IPv4, IPv6 or each", p.Name)
	}
	for _, ip6 := range [2]bool{false, true} {
		if a := p.Of(ip6); a.IsValid() && (!usable(a) || a.Is6() != ip6) {
			return fmt.Errorf("realm %q: media needs one %s address of this host, not %v", p.Name, familyName(ip6), a)
		}
	}
	for _, r := range p.Routed {
		if !r.IsValid() {
			return fmt.Errorf("realm %q: %v is no prefix that far ends can be in", p.Name, r)
		}
	}
	if p.First == 0 || pairs(p.First, p.Last) == 0 {
		return fmt.Errorf("realm %q: media ports %d-%d hold no pair of an even port and the odd one after it", p.Name, p.First, p.Last)
	}
	return nil
}

// Kept returns how many free pairs a line must leave.
func (p *RealmPool) Kept(o *Open) int {
	if o.Urgent {
		return 0
	}
	return p.Keep
}

func usable(a netip.Addr) bool {
	return !a.Is4In6() && !a.IsUnspecified() && !a.IsMulticast()
}

// apart reports ports that p and q would both hand out at one address.
func (p *RealmPool) apart(q *RealmPool) error {
	if p.First > q.Last || q.First > p.Last {
		return nil
	}
	for _, ip6 := range [2]bool{false, true} {
		if a := p.Of(ip6); a.IsValid() && a == q.Of(ip6) {
			return fmt.Errorf("realms %q and %q: media ports %d-%d and %d-%d overlap at %v",
				q.Name, p.Name, q.First, q.Last, p.First, p.Last, a)
		}
	}
	return nil
}

// CheckOpen returns a *NoFamily if a realm lacks an address that open needs.
func (o *Options) CheckOpen(open *Open) error {
	for side, realm := range open.Realm {
		if p := &o.Realms[realm]; !p.Of(open.IP6[side]).IsValid() {
			return &NoFamily{Realm: p.Name, IP6: open.IP6[side]}
		}
	}
	return nil
}

// Pools returns one full pool for each realm, in their order. All draw from r.
func (o *Options) Pools(r *rand.Rand) []*Pool {
	rest := o.Rest
	if rest == 0 {
		rest = DefaultRest
	}
	pools := make([]*Pool, len(o.Realms))
	for i, p := range o.Realms {
		pools[i] = NewPool(p.First, p.Last, rest, r)
	}
	return pools
}

// NewLocal returns what the far end of a side is told, when the stream that o
// asks for got the pair of port at pool.
func NewLocal(o Open, side Side, pool RealmPool, port uint16) Local {
	l := Local{Addr: pool.Of(o.IP6[side]), Port: port, RTCPPort: port + 1}
	if o.Mux[side] {
		l.RTCPPort = port
	}
	return l
}
