package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"sbc/config"
	"sbc/console"
	"sbc/mediarelay"
	"sbc/mediarelay/socket"
	"sbc/policy"
	"sbc/signaling"
	"sbc/signaling/resolve"
	"sbc/telemetry"
)

// A border is everything that runs.
type border struct {
	engine *signaling.Engine
	opened closers
}

func (b *border) close(ctx context.Context) error { return b.opened.close(ctx) }

// open starts everything. After an error nothing runs.
func open(cfg *config.Config, rules *policy.Rules, log *slog.Logger) (*border, error) {
	b := &border{}
	if err := b.start(cfg, rules, log); err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		return nil, errors.Join(err, b.close(ctx))
	}
	return b, nil
}

func (b *border) start(cfg *config.Config, rules *policy.Rules, log *slog.Logger) error {
	start := time.Now()
	media, err := socket.New(socket.Options{Options: mediaOptions(cfg), Start: start})
	if err != nil {
		return err
	}
	b.opened = append(b.opened, func(context.Context) error { return media.Close() })
	metrics := telemetry.New(telemetryOptions(cfg))
	b.engine, err = signaling.Start(engineOptions(cfg, rules, start, media, metrics, log))
	if err != nil {
		return err
	}
	b.opened = append(b.opened, b.engine.Stop)
	resolver := resolve.Start(resolveOptions(cfg, rules, log))
	b.opened = append(b.opened, func(context.Context) error { resolver.Close(); return nil })
	return b.serve(cfg, metrics)
}

// serve opens the listeners of those who watch.
func (b *border) serve(cfg *config.Config, metrics *telemetry.Metrics) error {
	metrics.SetNow(func() telemetry.Now { return now(b.engine.Status()) })
	if cfg.Telemetry.Listen.IsValid() {
		s, err := telemetry.Listen(cfg.Telemetry.Listen, metrics.Handler(b.engine.Ready))
		if err != nil {
			return err
		}
		b.opened = append(b.opened, s.Close)
	}
	s, err := console.Listen(cfg.Control, console.Handler(console.Source{
		Status: b.engine.Status, Calls: b.engine.Calls, Call: b.engine.Call, Hangup: b.engine.Hangup,
		Trace: func(f signaling.TraceFilter) (console.Tap, error) { return b.engine.Tap(f) },
	}))
	if err != nil {
		return err
	}
	b.opened = append(b.opened, s.Close)
	return nil
}

func mediaOptions(cfg *config.Config) (o mediarelay.Options) {
	for _, r := range cfg.Realms {
		o.Realms = append(o.Realms, mediarelay.RealmPool{Name: r.Name, Addr: r.Media.Addr.IP4, Addr6: r.Media.Addr.IP6, First: r.Media.Ports[0], Last: r.Media.Ports[1]})
	}
	return o
}

func telemetryOptions(cfg *config.Config) telemetry.Options {
	o := telemetry.Options{Version: version}
	for _, r := range cfg.Realms {
		o.Realms = append(o.Realms, r.Name)
	}
	for _, p := range cfg.Policy.Peers {
		o.Peers = append(o.Peers, p.Name)
	}
	return o
}

func engineOptions(cfg *config.Config, rules *policy.Rules, start time.Time, media mediarelay.Engine, metrics *telemetry.Metrics, log *slog.Logger) signaling.Options {
	o := signaling.Options{
		Version: version, Start: start, Rules: rules, Calls: policy.NewCalls(rules), Media: media, Metrics: metrics, Log: log,
		TraceBytes: cfg.Telemetry.TraceBytes,
		Ring:       cfg.Limits.Ring, Quiet: cfg.Limits.Media, Held: cfg.Limits.Held, Long: cfg.Limits.Call,
	}
	for i, r := range cfg.Realms {
		o.Realms = append(o.Realms, signaling.Realm{Name: r.Name, Trust: r.Trust, Topology: r.Topology, Media: signaling.Addrs(r.Media.Addr), Public: signaling.Addrs(r.Media.Advertise), Ports: r.Media.Ports})
		for _, l := range r.Listen {
			o.Listeners = append(o.Listeners, signaling.Listener{Realm: i, Addr: l.Addr, Host: l.Host, TCP: l.Transport == policy.TCP})
		}
	}
	return o
}

// resolveOptions lets the names of targets be looked up; what they resolve to
// becomes the peers' addresses.
func resolveOptions(cfg *config.Config, rules *policy.Rules, log *slog.Logger) resolve.Options {
	var peers []int // by name
	o := resolve.Options{}
	for i, p := range cfg.Policy.Peers {
		if p.Target.Addr.IsValid() {
			continue
		}
		realm := &cfg.Realms[p.Realm]
		o.Names = append(o.Names, resolve.Name{Peer: p.Name, Host: p.Target.Host,
			Network: realm.Network(p.Target.First()), Loopback: realm.Address.IsLoopback()})
		peers = append(peers, i)
	}
	o.Changed = func(c resolve.Change) {
		rules.SetResolved(peers[c.Name], c.Addrs)
		if c.Err != nil {
			log.Warn("peer not resolved", "err", telemetry.Escape(c.Err.Error()), "addresses", c.Addrs)
			return
		}
		log.Info("peer resolved", "peer", o.Names[c.Name].Peer, "addresses", c.Addrs)
	}
	return o
}

// now is what the metrics show of a status.
func now(st signaling.Status) telemetry.Now {
	n := telemetry.Now{Calls: st.Calls, RestCalls: st.Ledger.Calls, RestPorts: st.Ledger.Ports, RestTimers: st.Ledger.Timers}
	for _, r := range st.Realms {
		c := r.Connections
		n.Connections = append(n.Connections, telemetry.Connections{Realm: r.Name, Open: c.Open, Accepted: c.Accepted, Dialled: c.Dialled, Unreached: c.Unreached, Refused: c.Refused, Cut: c.Cut})
		n.Ports = append(n.Ports, telemetry.Ports{Realm: r.Name, Free: r.Ports - r.InUse - r.Resting, InUse: r.InUse, Resting: r.Resting})
	}
	for _, p := range st.Peers {
		n.Peers = append(n.Peers, telemetry.PeerCalls{Peer: p.Name, Calls: p.Calls})
	}
	for _, s := range st.Shards {
		n.Shards = append(n.Shards, telemetry.Shard{Transactions: s.Transactions, Timers: s.Timers, Lag: s.Lag, Queue: s.Queue, Dropped: s.Dropped})
	}
	return n
}
