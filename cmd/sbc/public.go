package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"sbc/config"
	"sbc/nat/public"
	"sbc/signaling"
)

// learn lets the realms behind routers find out what they are known by, and the
// engine name it.
func (b *border) learn(cfg *config.Config, log *slog.Logger) error {
	for i := range cfg.Realms {
		realm := &cfg.Realms[i]
		if !realm.Learns() {
			continue
		}
		o := learnOptions(realm, log)
		o.Key = b.routerKey
		o.Changed = func(st public.State) {
			log.Info("public address", "realm", realm.Name, "signaling", st.Signaling.String(), "media", st.Media.String())
			b.engine.Readdress(advertised(i, cfg, &st))
		}
		w, err := public.New(o)
		if err != nil {
			return fmt.Errorf("realm %q: %w", realm.Name, err)
		}
		b.opened = append(b.opened, func(context.Context) error { w.Close(); return nil })
		b.public[realm.Name] = w
		st := w.State()
		b.engine.Readdress(advertised(i, cfg, &st))
	}
	return nil
}

func learnOptions(realm *config.Realm, log *slog.Logger) public.Options {
	local := realm.Address.IP4
	if !local.IsValid() {
		local = realm.Address.IP6
	}
	o := public.Options{
		Realm: realm.Name, Local: local, Log: log,
		Signaling: source(realm.Learn.Signaling, realm, local), Media: source(realm.Learn.Media, realm, local),
		MediaPorts: public.Range{First: realm.Media.Ports[0], Last: realm.Media.Ports[1]},
	}
	for _, l := range realm.Listen {
		if l.Addr.Addr() == local {
			o.Ports = append(o.Ports, public.Port{Transport: public.Transport(l.Transport), Port: l.Addr.Port()})
		}
	}
	return o
}

// source says how one of the two addresses is learned: where only the other one
// is, it is what the file says.
func source(l config.Learn, realm *config.Realm, local netip.Addr) public.Source {
	if l.Method == "" {
		return public.Source{Method: public.Fixed, Addr: realm.Media.Advertise.Of(local)}
	}
	return public.Source{Method: public.Method(l.Method), Server: l.Server}
}

// advertised says what a realm names, as far as it is known.
func advertised(realm int, cfg *config.Config, st *public.State) signaling.Advertised {
	a := signaling.Advertised{Realm: realm, Hosts: map[int]string{}}
	n := 0
	for i, r := range cfg.Realms {
		for _, l := range r.Listen {
			if known := st.Signaling.Addr; i == realm && r.Learn.Signaling.Method != "" && known.IsValid() && l.Addr.Addr().Is4() == known.Is4() {
				port := st.Signaling.Port(public.Port{Transport: public.Transport(l.Transport), Port: l.Addr.Port()})
				a.Hosts[n] = config.HostPort(known, int(port))
			}
			n++
		}
	}
	if known := st.Media.Addr; known.Is4() {
		a.Media.IP4 = known
	} else if known.IsValid() {
		a.Media.IP6 = known
	}
	return a
}

// publicLines is what `sbc status` says of the addresses of a realm.
func publicLines(st *public.State, now time.Time) (lines []string) {
	for _, of := range []struct {
		what  string
		known *public.Known
	}{{"signaling", &st.Signaling}, {"media", &st.Media}} {
		for _, l := range of.known.Lines(now) {
			lines = append(lines, of.what+": "+l)
		}
	}
	return lines
}

// routed returns the networks that are reached in a realm without a NAT: those
// that the file names, or else those of the interface that has its address.
func routed(realm *config.Realm) (list []netip.Prefix) {
	if !realm.NAT || len(realm.Routed) > 0 {
		return realm.Routed
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && slices.ContainsFunc(realm.Address.All(), func(own netip.Addr) bool { return own == p.Addr().Unmap() }) {
			list = append(list, p.Masked())
		}
	}
	return list
}
