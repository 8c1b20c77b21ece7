package sim

import (
	"net/netip"
	"time"

	"sbc/policy"
	"sbc/signaling"
)

// reload lets the SBC take on another configuration, one shard a second, as if
// each were busy: rules of which nothing is the same object, a neighbour that
// comes and goes, and where places are scarce other limits.
func (w *world) reload(turn int) {
	po := rules(&w.o)
	for i := range po.Peers {
		if po.Peers[i].Limits.Calls > 0 {
			po.Peers[i].Limits.Calls += turn % 3
		}
	}
	at := netip.AddrFrom4([4]byte{192, 0, 2, byte(turn)})
	po.Peers = append(po.Peers, policy.Peer{Name: "passing", Realm: outside, Gone: turn%2 == 1,
		Target: policy.Target{Host: at.String(), Addr: at, Port: 5060}})
	next, err := policy.Compile(po)
	if err != nil {
		panic(err)
	}
	next.Inherit(w.sbc.Rules)
	r := &signaling.Reload{Rules: next, Endpoints: w.sbc.Endpoints, Ring: ring, Quiet: quiet, Held: held}
	for i := range w.sbc.Realms {
		r.Realms = append(r.Realms, signaling.RealmReload{Topology: w.sbc.Realms[i].Topology})
	}
	w.sbc = w.sbc.Reloaded(r)
	w.note("the SBC reloads its configuration")
	o, restarts := w.sbc, w.restarts
	for i, s := range w.shards {
		w.after(time.Duration(i)*time.Second, func() {
			if w.restarts == restarts {
				s.Reload(o)
				w.done(&step{at: w.now, shard: i})
			}
		})
	}
}
