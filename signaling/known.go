package signaling

import (
	"net/netip"

	"sbc/topology"
)

// known returns for each realm the identifiers of the configuration that it
// must not see: the other realms' listeners and media addresses, and the names
// and addresses of their peers.
func (o *Options) known() []*topology.Known {
	sets := make([]*topology.Known, len(o.Realms))
	for to := range o.Realms {
		k := &topology.Known{}
		sets[to] = k
		for _, l := range o.Listeners {
			if l.Realm == to {
				k.Allow([]byte(l.Addr.Addr().String()))
				k.Allow([]byte(l.Host))
				continue
			}
			k.AddHost([]byte(l.Addr.Addr().String()), "listener of realm "+o.Realms[l.Realm].Name)
		}
		for i, r := range o.Realms {
			if i == to {
				eachMedia(&r, func(addr string) { k.Allow([]byte(addr)) })
				continue
			}
			eachMedia(&r, func(addr string) { k.AddHost([]byte(addr), "media address of realm "+r.Name) })
		}
		for _, p := range o.Rules.Options().Peers {
			hosts := []string{p.Target.Host, p.Domain}
			if p.Target.Addr.IsValid() {
				hosts = append(hosts, p.Target.Addr.String())
			}
			for _, h := range hosts {
				switch {
				case h == "":
				case p.Realm == to:
					k.Allow([]byte(h))
				default:
					k.AddHost([]byte(h), "host of peer "+p.Name)
				}
			}
		}
	}
	return sets
}

// eachMedia calls f for the media addresses of a realm: what they are bound to, and
// what is named instead.
func eachMedia(r *Realm, f func(addr string)) {
	named := r.named()
	for _, a := range []netip.Addr{r.Media.IP4, r.Media.IP6, named.IP4, named.IP6} {
		if a.IsValid() {
			f(a.String())
		}
	}
}
