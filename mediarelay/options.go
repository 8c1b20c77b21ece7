package mediarelay

import (
	"fmt"
	"math/rand/v2"
)

// Check reports what is wrong with o, for the operator: an address that is
// not one, a range without a whole pair, ranges that overlap at one address.
func (o *Options) Check() error {
	for i, r := range o.Realms {
		switch {
		case !r.Addr.IsValid() || r.Addr.Is4In6() || r.Addr.IsUnspecified() || r.Addr.IsMulticast():
			return fmt.Errorf("realm %q: media needs one address of this host, not %v", r.Name, r.Addr)
		case r.First == 0 || pairs(r.First, r.Last) == 0:
			return fmt.Errorf("realm %q: media ports %d-%d hold no pair of an even port and the odd one after it", r.Name, r.First, r.Last)
		}
		for _, q := range o.Realms[:i] {
			if q.Addr == r.Addr && q.First <= r.Last && r.First <= q.Last {
				return fmt.Errorf("realms %q and %q: media ports %d-%d and %d-%d overlap at %v",
					q.Name, r.Name, q.First, q.Last, r.First, r.Last, r.Addr)
			}
		}
	}
	if o.Rest < 0 {
		return fmt.Errorf("ports cannot rest for %v", o.Rest)
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
	l := Local{Addr: pool.Addr, Port: port}
	switch {
	case !o.RTCP:
	case o.Mux[side]:
		l.RTCPPort = port
	default:
		l.RTCPPort = port + 1
	}
	return l
}
