package registrar

import (
	"cmp"
	"slices"
	"time"
)

// A Listed is a binding as `sbc registrations` shows it.
type Listed struct {
	Binding
	State State
}

// List returns all bindings, by endpoints, address-of-record and age.
func (r *Registrar) List(now time.Time) []Listed {
	at := r.since(now)
	list := make([]Listed, 0, len(r.bindings))
	for _, a := range r.aors {
		for _, b := range a.list {
			if s := b.state(at); s != Unknown {
				list = append(list, Listed{r.export(at, b), s})
			}
		}
	}
	slices.SortFunc(list, func(x, y Listed) int {
		return cmp.Or(cmp.Compare(x.Endpoints, y.Endpoints), cmp.Compare(x.AOR, y.AOR), cmp.Compare(y.Age, x.Age), cmp.Compare(x.Serial, y.Serial))
	})
	return list
}

// A Count is how many bindings endpoints have.
type Count struct{ Reachable, Unreachable int }

// Count counts the bindings, by endpoints.
func (r *Registrar) Count(now time.Time) []Count {
	at := r.since(now)
	counts := make([]Count, len(r.opt.Endpoints))
	for _, b := range r.bindings {
		switch b.state(at) {
		case Reachable:
			counts[b.aor.ep].Reachable++
		case Unreachable:
			counts[b.aor.ep].Unreachable++
		}
	}
	return counts
}

// Find returns the bindings of an address-of-record of endpoints, the newest
// first: user as AppendUser writes it, host in lower case.
func (r *Registrar) Find(now time.Time, ep int, user, host string) (list []Listed) {
	at := r.since(now)
	a := r.aors[string([]byte{byte(ep >> 8), byte(ep)})+"sip:"+user+"@"+host]
	if a == nil {
		return nil
	}
	for _, b := range a.list {
		if s := b.state(at); s != Unknown {
			list = append(list, Listed{r.export(at, b), s})
		}
	}
	slices.SortFunc(list, func(x, y Listed) int { return cmp.Compare(x.Age, y.Age) })
	return list
}
