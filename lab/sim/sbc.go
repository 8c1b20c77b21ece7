package sim

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"

	"regexp"
	"time"

	"sbc/mediarelay"
	"sbc/policy"
	"sbc/signaling"
	"sbc/telemetry"
	"sbc/topology"
)

// hunt is the prefix of numbers that are tried at two peers of a realm, one
// after the other: that of the realm that does not call.
const hunt = "5"

// rules returns what the configuration would say.
func rules(o *Options) policy.Options {
	po := policy.Options{Realms: []policy.Realm{{Name: "inside"}, {Name: "outside"}}}
	all := make([]int, len(neighbours))
	list := o.neighbours()
	for i, n := range list {
		p := policy.Peer{Name: n.name, Realm: n.realm, Domain: n.domain,
			Target: policy.Target{Host: n.addr.Addr().String(), Addr: n.addr.Addr(), Port: n.addr.Port()}}
		if n.stream() {
			p.Target.Transport = policy.TCP
		}
		if o.Scarce && i%2 == 1 {
			p.Limits.Calls = 3
		}
		po.Peers = append(po.Peers, p)
		all[i] = i
	}
	for i, n := range list {
		po.Routes = append(po.Routes, policy.Route{Name: n.name, From: all, To: []int{i},
			Match: policy.Match{User: regexp.MustCompile("^" + n.prefix)}, Ref: policy.Ref{File: "sbc.hcl", Line: 10 + i}})
	}
	if o.Phones > 0 {
		po.Peers = append(po.Peers, policy.Peer{Name: "phones", Realm: outside, Domain: voiceDomain, Endpoints: &policy.Endpoints{To: registrarAt},
			Ref: policy.Ref{File: "sbc.hcl", Line: 60}})
	}
	any5 := policy.Match{User: regexp.MustCompile("^" + hunt)}
	po.Routes = append(po.Routes,
		policy.Route{Name: "hunt out", From: []int{0, 1}, To: []int{3, 2}, Match: any5, Ref: policy.Ref{File: "sbc.hcl", Line: 30}},
		policy.Route{Name: "hunt in", From: []int{2, 3}, To: []int{1, 0}, Match: any5, Ref: policy.Ref{File: "sbc.hcl", Line: 40}})
	return po
}

// ring, quiet and held are short, because virtual time is not free.
const (
	ring  = 40 * time.Second
	quiet = 60 * time.Second
	held  = 90 * time.Second
)

// newSBC returns what cmd/sbc would start, without goroutines and sockets.
func newSBC(o *Options) (*signaling.Options, *mediarelay.Model, error) {
	r, err := policy.Compile(rules(o))
	if err != nil {
		return nil, nil, fmt.Errorf("rules of the simulation: %w", err)
	}
	so := &signaling.Options{
		Version: "sim", Rules: r, Calls: policy.NewCalls(r), Log: slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError + 1})),
		Metrics: telemetry.New(telemetry.Options{Realms: realmNames, Peers: peerNames(r)}),
		Shards:  max(o.Shards, 1), TraceBytes: 1 << 18, Ring: ring, Quiet: quiet, Held: held,
	}
	if o.Trace != nil {
		so.Log = slog.New(slog.NewTextHandler(tracer{o.Trace}, nil))
	}
	if o.Phones > 0 {
		so.Endpoints, so.BindingKey = endpoints(), [16]byte{3, 1}
		so.Start = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	}
	mo := mediarelay.Options{}
	for i, name := range realmNames {
		realm := &topology.Realm{Name: name, Audit: topology.ModeRefuse}
		if err := realm.Compile(); err != nil {
			return nil, nil, fmt.Errorf("realm of the simulation: %w", err)
		}
		so.Realms = append(so.Realms, signaling.Realm{Name: name, Topology: realm, Media: signaling.Addrs{IP4: media[i][0], IP6: media[i][1]}})
		pool := mediarelay.RealmPool{Name: name, Addr: media[i][0], Addr6: media[i][1], First: 20000, Last: 20999, NAT: o.Phones > 0 && i == outside}
		if o.Scarce {
			pool.Last = pool.First + 9
		}
		mo.Realms = append(mo.Realms, pool)
	}
	for _, l := range listeners {
		so.Listeners = append(so.Listeners, signaling.Listener{Realm: l.realm, Addr: l.addr, Host: l.addr.String(), TCP: l.stream})
	}
	mo.Rest = 5 * time.Second
	m, err := mediarelay.NewModel(mo, rand.New(rand.NewPCG(o.Seed, 0x4d0de1)))
	if err != nil {
		return nil, nil, fmt.Errorf("relay of the simulation: %w", err)
	}
	so.Media = m
	return so, m, nil
}

func peerNames(r *policy.Rules) (list []string) {
	for _, p := range r.Peers() {
		list = append(list, p.Name)
	}
	return list
}

// tracer makes log lines lines of the trace.
type tracer struct{ trace func(string) }

func (t tracer) Write(b []byte) (int, error) {
	t.trace(string(b))
	return len(b), nil
}

// shardSeed returns the seed of one shard.
func shardSeed(seed uint64, index int) (s [32]byte) {
	binary.LittleEndian.PutUint64(s[:], seed)
	s[8] = byte(index)
	return s
}
