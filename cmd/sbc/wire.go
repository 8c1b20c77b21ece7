package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sbc/config"
	"sbc/console"
	"sbc/firewall"
	"sbc/mediarelay"
	"sbc/mediarelay/socket"
	"sbc/nat/public"
	"sbc/nat/turn"
	"sbc/policy"
	"sbc/policy/digest"
	"sbc/signaling"
	"sbc/signaling/registrar"
	"sbc/signaling/resolve"
	"sbc/signaling/transport"
	"sbc/store"
	"sbc/telemetry"
)

// A border is everything that runs.
type border struct {
	engine   *signaling.Engine
	store    *store.Store // nil: nothing is kept
	resolver *resolve.Resolver
	public   map[string]*public.Watch // by realm, where it is behind a router

	turn *turn.Supervisor // nil: there is none

	running *running
	began   time.Time
	refuser string          // what refuses in the kernel
	kernel  firewall.Kernel // nil: nothing does
	showing sync.Mutex
	shown   []*transport.Certificates // guarded by showing

	drained  chan struct{} // gets one when a drain is over
	draining sync.Mutex
	undrain  chan struct{} // guarded by draining; closed: the drain is taken back

	routerKey []byte // a router knows us by it after a crash
	opened    closers
}

func (b *border) close(ctx context.Context) error { return b.opened.close(ctx) }

// open starts everything. After an error nothing runs.
func open(cfg *config.Config, rules *policy.Rules, nonces *digest.Nonces, level *slog.LevelVar, log *slog.Logger) (*border, error) {
	b := &border{public: map[string]*public.Watch{}, drained: make(chan struct{}, 1)}
	b.running = &running{b: b, nonces: nonces, level: level, log: log, cfg: cfg, rules: rules}
	if err := b.start(cfg, rules, log); err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		return nil, errors.Join(err, b.close(ctx))
	}
	return b, nil
}

func (b *border) start(cfg *config.Config, rules *policy.Rules, log *slog.Logger) error {
	start := time.Now()
	b.began = start
	media, err := socket.New(socket.Options{Options: mediaOptions(cfg), Start: start})
	if err != nil {
		return err
	}
	b.opened = append(b.opened, func(context.Context) error { return media.Close() })
	metrics := telemetry.New(telemetryOptions(cfg))
	o := engineOptions(cfg, rules, start, media, metrics, log)
	if err := b.secure(cfg, &o, log); err != nil {
		return err
	}
	s, err := b.keep(cfg, &o, log)
	if err != nil {
		return err
	}
	o.Guard = b.guard(cfg, rules, start, s, log)
	b.engine, err = signaling.Start(o)
	if err != nil {
		return err
	}
	b.opened = append(b.opened, b.engine.Stop)
	if err := b.learn(cfg, log); err != nil {
		return err
	}
	if err := b.relay(cfg, log); err != nil {
		return err
	}
	b.resolve(cfg, rules, log)
	b.opened = append(b.opened, func(context.Context) error {
		b.running.close()
		b.resolver.Close()
		b.drain(0)
		return nil
	})
	return b.serve(cfg, metrics)
}

// resolve begins to look up the names of targets.
func (b *border) resolve(cfg *config.Config, rules *policy.Rules, log *slog.Logger) {
	b.resolver = resolve.Start(resolveOptions(cfg, rules, log, func() { b.trusts(cfg, rules) }))
}

// keep opens the store where there is something to keep: bindings, the key by
// which a router knows us again, and bans. Without bans one can live.
func (b *border) keep(cfg *config.Config, o *signaling.Options, log *slog.Logger) (*store.Store, error) {
	must := len(cfg.Endpoints) > 0 || slices.ContainsFunc(cfg.Realms, func(r config.Realm) bool { return r.Learns() })
	if !must && len(exposed(cfg)) == 0 {
		return nil, nil
	}
	s, aside, damage, err := store.Open(cfg.Store, store.Options{Log: log})
	if err != nil && !must {
		log.Warn("bans will not outlive this process", "err", err, "remedy", "store { path = ... } in "+cfg.File)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w; name another file with store { path = ... } in %s", err, cfg.File)
	}
	b.store = s
	b.opened = append(b.opened, func(context.Context) error { return s.Close() })
	if damage != nil {
		log.Error("the store was damaged and is begun anew: phones are reached when they register again", "damage", damage, "moved_to", aside)
	}
	secret := s.Secret()
	copy(o.BindingKey[:], secret[:])
	b.routerKey = secret[len(o.BindingKey):]
	o.Bindings = map[uint64][]byte{}
	err = s.Bindings().Load(func(serial uint64, record []byte) error {
		o.Bindings[serial] = slices.Clone(record)
		return nil
	})
	o.Keep = s.Bindings().Keep
	log.Info("bindings of the last run", "bindings", len(o.Bindings), "store", cfg.Store)
	return s, err
}

// status is the engine's, and how the realms behind routers know their
// addresses.
func (b *border) status() signaling.Status {
	st := b.engine.Status()
	st.Gate, st.Store = b.gate(), b.stored()
	for i := range st.Realms {
		if w := b.public[st.Realms[i].Name]; w != nil {
			known, now := w.State(), time.Now()
			st.Realms[i].Public = publicLines(&known, now)
		}
	}
	return st
}

// stored says what a restart would find.
func (b *border) stored() *signaling.StoreStatus {
	if b.store == nil {
		return nil
	}
	s := b.store.Stats()
	st := &signaling.StoreStatus{Waiting: s.Waiting, Written: s.Written, Failed: s.Failed, Dropped: s.Dropped}
	if s.Err != nil {
		st.Error = s.Err.Error()
	}
	return st
}

// serve opens the listeners of those who watch.
func (b *border) serve(cfg *config.Config, metrics *telemetry.Metrics) error {
	metrics.SetNow(func() telemetry.Now {
		n := now(b.status())
		n.Turn, n.Certificates = b.turnNow(), b.expiries()
		return n
	})
	if cfg.Telemetry.Listen.IsValid() {
		s, err := telemetry.Listen(cfg.Telemetry.Listen, metrics.Handler(b.engine.Ready))
		if err != nil {
			return err
		}
		b.opened = append(b.opened, s.Close)
	}
	s, err := console.Listen(cfg.Control, console.Handler(console.Source{
		Status: b.status, Calls: b.engine.Calls, Call: b.engine.Call, Hangup: b.engine.Hangup, Registrations: b.engine.Registrations, Refusals: b.engine.Refusals,
		Gate: b.engine.Guard(), Now: func() time.Duration { return time.Since(b.began) }, Drain: b.drain,
		Reload: b.running.reload, Confirm: b.running.confirm, Diff: b.running.diff,
		Try:   b.engine.Try,
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
		o.Realms = append(o.Realms, mediarelay.RealmPool{Name: r.Name, Addr: r.Media.Addr.IP4, Addr6: r.Media.Addr.IP6, First: r.Media.Ports[0], Last: r.Media.Ports[1],
			NAT: r.NAT, Routed: routed(&r), Keep: kept(cfg, &r)})
	}
	return o
}

// Ours: two calls for help at once, each with audio and video, find room where
// nobody else does; of a small range no more than an eighth.
const keptPairs = 4

// kept is how many pairs of ports of a realm are for emergency calls alone, if the
// file has any.
func kept(cfg *config.Config, r *config.Realm) int {
	if !slices.ContainsFunc(cfg.Realms, func(r config.Realm) bool { return len(r.Emergency) > 0 }) {
		return 0
	}
	return min(keptPairs, int(r.Media.Ports[1]-r.Media.Ports[0]+1)/2/8)
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
	o.Endpoints = endpoints(cfg)
	for i, r := range cfg.Realms {
		o.Realms = append(o.Realms, signaling.Realm{Name: r.Name, Trust: r.Trust, Topology: r.Topology, Media: signaling.Addrs(r.Media.Addr), Public: signaling.Addrs(r.Media.Advertise), Ports: r.Media.Ports, Moves: r.Learns()})
		for _, l := range r.Listen {
			at := signaling.Listener{Realm: i, Addr: l.Addr, Host: l.Host, TCP: l.Transport != policy.UDP, Limits: signaling.StreamLimits{Connections: l.Most, PerSource: l.PerSource}}
			if l.Transport == policy.WS || l.Transport == policy.WSS {
				at.WebSocket = &transport.WebSocket{Origins: l.Origins}
			}
			o.Listeners = append(o.Listeners, at)
		}
	}
	return o
}

// secure adds what TLS needs.
func (b *border) secure(cfg *config.Config, o *signaling.Options, log *slog.Logger) error {
	n := 0
	for _, r := range cfg.Realms {
		for i := range r.Listen {
			t, err := b.listenTLS(&r.Listen[i], log)
			if err != nil {
				return fmt.Errorf("realm %q: %w", r.Name, err)
			}
			o.Listeners[n].TLS = t
			n++
		}
	}
	clients, done, err := b.clients(cfg, log)
	if err != nil {
		return err
	}
	o.Clients, b.running.done = clients, done
	b.opened = append(b.opened, func(context.Context) error { b.running.done(); return nil })
	return nil
}

func endpoints(cfg *config.Config) (list []signaling.Endpoints) {
	for _, e := range cfg.Endpoints {
		list = append(list, signaling.Endpoints{Peer: e.Peer, Endpoints: registrar.Endpoints{
			Refresh: e.Refresh, Expires: e.Expires, Rate: e.Rate, Contacts: e.Contacts}})
	}
	return list
}

// reloadOptions is what of engineOptions may change while we run.
func reloadOptions(cfg *config.Config, rules *policy.Rules, clients map[int]*transport.Client) *signaling.Reload {
	r := &signaling.Reload{Rules: rules, Clients: clients, Endpoints: endpoints(cfg), Ring: cfg.Limits.Ring, Quiet: cfg.Limits.Media, Held: cfg.Limits.Held, Long: cfg.Limits.Call}
	for i := range cfg.Realms {
		r.Realms = append(r.Realms, signaling.RealmReload{Trust: cfg.Realms[i].Trust, Topology: cfg.Realms[i].Topology})
	}
	return r
}

// resolveOptions lets the names of targets be looked up; what they resolve to
// becomes the peers' addresses.
func resolveOptions(cfg *config.Config, rules *policy.Rules, log *slog.Logger, changed func()) resolve.Options {
	var peers []int // by name
	o := resolve.Options{}
	for i, p := range cfg.Policy.Peers {
		if p.Target.Host == "" || p.Target.Addr.IsValid() || p.Gone {
			continue
		}
		realm := &cfg.Realms[p.Realm]
		o.Names = append(o.Names, resolve.Name{Peer: p.Name, Host: p.Target.Host,
			Network: realm.Network(p.Target.First()), Loopback: realm.Address.IsLoopback(), Known: rules.Resolved(i)})
		peers = append(peers, i)
	}
	o.Changed = func(c resolve.Change) {
		rules.SetResolved(peers[c.Name], c.Addrs)
		changed()
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
	if g := st.Gate; g != nil {
		n.Gate = &telemetry.Gate{Bans: g.Bans, Policed: g.Policed, Banned: g.Banned, Dropped: g.Dropped, Kernel: g.Kernel}
	}
	if s := st.Store; s != nil {
		n.Store = &telemetry.Store{Waiting: s.Waiting, Failed: s.Failed, Dropped: s.Dropped}
	}
	for _, e := range st.Bindings {
		n.Bindings = append(n.Bindings, telemetry.Bindings{Endpoints: e.Endpoints, Reachable: e.Reachable, Unreachable: e.Unreachable})
	}
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
