package main

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"sbc/config"
	"sbc/firewall"
	"sbc/firewall/kernel"
	"sbc/policy"
	"sbc/signaling"
	"sbc/store"
)

// A knower says who a sender is: signaling.Options.Guard gives it.
type knower = func(realm int, src netip.AddrPort, listener uint16) firewall.Class

// exposed returns the listeners at which strangers get silence. On loopback there
// are none.
func exposed(cfg *config.Config) (list []config.Listen) {
	for _, r := range cfg.Realms {
		if !r.Trust && !r.Address.IsLoopback() {
			list = append(list, r.Listen...)
		}
	}
	return list
}

// guard makes the guard of a border that faces strangers.
func (b *border) guard(cfg *config.Config, rules *policy.Rules, start time.Time, s *store.Store, log *slog.Logger) func(knower) (*firewall.Guard, error) {
	if len(exposed(cfg)) == 0 {
		return nil
	}
	return func(known knower) (*firewall.Guard, error) {
		o := cfg.Firewall.Options
		o.Start, o.Log, o.Known, o.Peers = start, log, known, peersMax
		o.Never = never(cfg, rules)
		var interfaces []string
		interfaces, o.Broadcasts = interfacesOf(exposed(cfg))
		for _, r := range cfg.Realms {
			for _, l := range r.Listen {
				o.Listeners = append(o.Listeners, l.Addr)
			}
		}
		for _, l := range exposed(cfg) {
			if l.Transport == policy.UDP {
				o.Policing.UDP = append(o.Policing.UDP, l.Addr)
			} else {
				o.Policing.TCP = append(o.Policing.TCP, l.Addr)
			}
		}
		want := cfg.Firewall.Engine
		if o.Count {
			want = kernel.None // it would act
		}
		k, got, err := kernel.Open(kernel.Options{Want: want, Interfaces: interfaces})
		if err != nil {
			return nil, fmt.Errorf("firewall: %w; or write firewall { engine = \"auto\" } in %s", err, cfg.File)
		}
		o.Kernel, b.refuser, b.kernel = k, got, k
		if s != nil {
			o.Keep = s.Bans().Keep
		}
		log.Info("strangers are refused", "by", got, "mode", map[bool]string{false: "act", true: "count"}[o.Count])
		g, err := firewall.New(o)
		if err != nil {
			return nil, fmt.Errorf("firewall: %w", err)
		}
		if err := restoreBans(g, time.Since(start), s, log); err != nil {
			return nil, err
		}
		g.Start()
		return g, nil
	}
}

// Ours: as many peers as anybody adds by reloads.
const peersMax = 1 << 14

// restoreBans gives the guard the bans of an earlier process.
func restoreBans(g *firewall.Guard, now time.Duration, s *store.Store, log *slog.Logger) error {
	if s == nil {
		return nil
	}
	return s.Bans().Load(func(id uint64, record []byte) error {
		if err := g.Restore(now, id, record); err != nil {
			log.Warn("a ban of the last run cannot be read, and is forgotten", "err", err)
			s.Bans().Delete(id)
		}
		return nil
	})
}

// never returns who is neither banned nor policed: peers, what the file allows,
// and the name servers, whose answers anybody could forge a ban for.
func never(cfg *config.Config, rules *policy.Rules) []netip.Prefix {
	list := append(slices.Clone(cfg.Firewall.Allow), rules.Sources()...)
	return append(list, nameServers("/etc/resolv.conf")...)
}

// nameServers returns those of a resolver's configuration.
func nameServers(file string) (list []netip.Prefix) {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(words[1]); err == nil {
			a = a.WithZone("").Unmap()
			list = append(list, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return list
}

// interfacesOf returns the interfaces that have the addresses of listeners, and
// the broadcast addresses of all networks of this machine.
func interfacesOf(listen []config.Listen) (names []string, broadcasts []netip.Addr) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, nil
	}
	for _, i := range all {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			own := p.Addr().Unmap()
			if slices.ContainsFunc(listen, func(l config.Listen) bool { return l.Addr.Addr() == own }) && !slices.Contains(names, i.Name) {
				names = append(names, i.Name)
			}
			if own.Is4() && p.Bits() < 31 {
				broadcasts = append(broadcasts, lastOf(p))
			}
		}
	}
	return names, broadcasts
}

// lastOf returns the last address of an IPv4 network.
func lastOf(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		a[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(a)
}

// trusts tells the guard who the peers are by now.
func (b *border) trusts(cfg *config.Config, rules *policy.Rules) {
	if b.engine != nil && b.engine.Guard() != nil {
		b.engine.Guard().SetNever(time.Since(b.began), never(cfg, rules))
	}
}

// gate says what the guard does, for status.
func (b *border) gate() *signaling.GateStatus {
	g := b.engine.Guard()
	if g == nil {
		return nil
	}
	st := g.Stats()
	out := &signaling.GateStatus{Engine: b.refuser, Bans: st.Bans, Policed: st.Policed, Banned: st.Banned, Behind: st.KernelBehind, Dropped: map[string]uint64{}}
	for cause, classes := range st.Dropped {
		for _, n := range classes {
			if n > 0 {
				out.Dropped[cause.String()] += n
			}
		}
	}
	if b.kernel != nil {
		if n, err := b.kernel.Counters(); err == nil {
			out.Kernel = map[string]uint64{"banned": n.Banned, "source": n.Source, "all": n.All, "fragments": n.Fragments}
		}
	}
	return out
}
