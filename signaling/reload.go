package signaling

import (
	"maps"
	"sync/atomic"
	"time"

	"sbc/policy"
	"sbc/signaling/transport"
	"sbc/topology"
)

// A Reload is what a running engine may be told anew. Peers, endpoints and realms
// keep their indices; new peers and endpoints follow, and those that are not
// wanted any more are Gone.
type Reload struct {
	Rules     *policy.Rules // has inherited from those before
	Endpoints []Endpoints
	Realms    []RealmReload // as many as there are
	Clients   map[int]*transport.Client

	Ring, Quiet, Held, Long time.Duration // as in Options
}

// A RealmReload is what may change of a realm.
type RealmReload struct {
	Trust    bool
	Topology *topology.Realm
}

// Reload swaps what the engine decides by. Each shard takes it on between two
// messages, so that each message meets the old or the new whole. Calls go on:
// their places at peers count on, their next messages are hidden by the new
// realms, and a peer that is gone ends what it has begun.
func (e *Engine) Reload(r *Reload) {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	o := e.options().Reloaded(r)
	e.options().Metrics.Peers(peerNames(r.Rules.Peers()))
	e.live.Store(o)
	e.each(func(s *Shard) { s.Reload(o) })
}

// Reloaded returns o with what r says, for Shard.Reload. Shards run by o already.
func (o *Options) Reloaded(r *Reload) *Options {
	n := o.own()
	n.streams = o.streams.with(o.Rules, r.Rules)
	n.Calls = o.Calls.With(r.Rules)
	n.Rules, n.Endpoints, n.Clients = r.Rules, r.Endpoints, map[int]*transport.Client{}
	maps.Copy(n.Clients, r.Clients)
	for i, c := range o.Clients {
		if r.Rules.Peers()[i].Gone { // it has to hear the end of its calls
			n.Clients[i] = c
		}
	}
	n.Ring, n.Quiet, n.Held, n.Long = r.Ring, r.Quiet, r.Held, r.Long
	for i := range r.Realms {
		n.Realms[i].Trust, n.Realms[i].Topology = r.Realms[i].Trust, r.Realms[i].Topology
	}
	return n
}

// Reload makes o what the shard decides by. What realms behind routers are known
// by now is the shard's own knowledge, and stays.
func (s *Shard) Reload(o *Options) {
	own := o.own()
	for i := range own.Realms {
		own.Realms[i].Public = s.opt.Realms[i].Public
	}
	for i := range own.Listeners {
		own.Listeners[i].Host = s.opt.Listeners[i].Host
	}
	s.opt, s.rules = own, own.Rules
	bo := own.calls()
	s.calls.Reload(&bo)
	if s.registrar != nil {
		s.registrar.Reload(s.endpointsList())
	}
}

// with returns what is known of the peers of now, of whom those of was are the
// first: what was learned holds as long as the target is the same.
func (k *streams) with(was, now *policy.Rules) *streams {
	n := &streams{works: make([]atomic.Bool, len(now.Peers()))}
	for i := range was.Peers() {
		if was.Peers()[i].Target == now.Peers()[i].Target {
			n.works[i].Store(k.works[i].Load())
		}
	}
	return n
}

func peerNames(peers []policy.Peer) []string {
	names := make([]string, len(peers))
	for i := range peers {
		names[i] = peers[i].Name
	}
	return names
}
