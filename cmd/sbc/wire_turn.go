package main

import (
	"context"
	"log/slog"
	"net/netip"

	"sbc/config"
	"sbc/nat/turn"
	"sbc/telemetry"
)

// relay starts the TURN service, if there is one.
func (b *border) relay(cfg *config.Config, log *slog.Logger) error {
	if cfg.Turn == nil {
		return nil
	}
	o := turnOptions(cfg)
	if err := o.Check(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := turn.Supervise(ctx, o, log)
	b.opened = append(b.opened, func(context.Context) error {
		stop()
		s.Wait()
		return nil
	})
	b.turn = s
	return nil
}

func turnOptions(cfg *config.Config) turn.Options {
	t := cfg.Turn
	realm := &cfg.Realms[t.Realm]
	o := turn.Options{
		Realm: t.Domain, Users: t.Users, Secrets: t.Secrets, FirstPort: t.Ports[0], LastPort: t.Ports[1],
		Allow: t.Allow, Deny: t.Deny, Quota: turn.Quota{Allocations: t.Allocations},
	}
	for _, a := range realm.Address.All() {
		at := netip.AddrPortFrom(a, t.Port)
		o.UDP, o.TCP = append(o.UDP, at), append(o.TCP, at)
		relay := turn.Relay{Listen: a}
		if named := realm.Media.Advertise.Of(a); named != a {
			relay.Advertise = named
		}
		o.Relays = append(o.Relays, relay)
	}
	for i := range cfg.Realms {
		for _, a := range cfg.Realms[i].Media.Addr.All() {
			o.Own = append(o.Own, a)
			if i == t.Realm {
				o.Media = append(o.Media, turn.Ports{Addr: a, First: realm.Media.Ports[0], Last: realm.Media.Ports[1]})
			}
		}
	}
	return o
}

// turnNow is what the metrics show of the TURN service.
func (b *border) turnNow() *telemetry.Turn {
	if b.turn == nil {
		return nil
	}
	st := b.turn.Status()
	c := st.Counts
	return &telemetry.Turn{
		Up: st.Serving, Restarts: uint64(st.Restarts), Allocations: int(c.Allocations), Allocated: c.Allocated, Bindings: c.Bindings,
		ToPeers: c.OctetsToPeers, ToClients: c.OctetsToClients, Refused: c.Refused,
	}
}
