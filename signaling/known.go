package signaling

import (
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
				k.Allow([]byte(r.Media.String()))
				k.Allow([]byte(r.named().String()))
				continue
			}
			k.AddHost([]byte(r.Media.String()), "media address of realm "+r.Name)
			k.AddHost([]byte(r.named().String()), "media address of realm "+r.Name)
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
