package netns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/google/nftables"
)

// UPnPPort and PCPPort are where a router with ServeUPnP answers on its
// inside address: the HTTP server whose /rootDesc.xml describes the gateway
// (Ours), and NAT-PMP and PCP (RFC 6887 section 19). It answers M-SEARCH on
// 239.255.255.250:1900 too.
const (
	UPnPPort = 5000
	PCPPort  = 5351
)

// upnpTable is the table of nf_tables in which miniupnpd keeps what it is
// asked for.
const upnpTable = "upnp"

var errUPnPKind = errors.New("UPnP needs a router that translates by conntrack (nat.Masquerade)")

// ServeUPnP starts Debian's miniupnpd (package miniupnpd-nftables) on the
// router: UPnP IGD, NAT-PMP and PCP on its LAN. It returns when all three
// answer. A host may map ports from 1024 on, to itself only.
//
//	net, err := netns.NewSwitch("internet")
//	r, err := netns.NewRouter("router", netns.RouterOptions{Kind: nat.Masquerade, Uplink: net,
//		Inside: netip.MustParsePrefix("192.168.7.1/24"), Outside: netip.MustParsePrefix("5.9.1.1/24")})
//	err = r.Plug(netns.End{Space: host, Interface: "eth0", Addr: netip.MustParsePrefix("192.168.7.2/24")})
//	miniupnpd, err := r.ServeUPnP(ctx)
//
// The public address must be none of the reserved ranges: with one of those,
// the documentation ranges among them, miniupnpd refuses to map and says so
// to who asks. After SetPublic it answers with the new address; what was
// mapped stays mapped. Tests that use it need Require(t, "nft", "miniupnpd").
//
// The process ends with the router. Its Output is what to show when a test
// fails; to Kill it and to call ServeUPnP again is a router that restarts and
// has forgotten what it was asked for.
func (r *Router) ServeUPnP(ctx context.Context) (*Process, error) {
	if !tracked(r.kind) {
		return nil, fmt.Errorf("router %q: %w", r.Space().name, errUPnPKind)
	}
	s := r.Space()
	if err := s.commit(upnpTable, nftables.TableFamilyINet, upnpChains); err != nil {
		return nil, err
	}
	dir, err := r.files()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "miniupnpd.conf")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(upnpConfig, UPnPPort)), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration of miniupnpd: %w", err)
	}
	pid := filepath.Join(dir, "pid")
	_ = os.Remove(pid) // of one that was killed
	p, err := s.Start(Command{Path: "miniupnpd", Args: []string{"-d", "-f", file, "-P", pid}})
	if err != nil {
		return nil, err
	}
	if err := r.awaitUPnP(ctx, p); err != nil {
		p.Kill()
		return nil, fmt.Errorf("miniupnpd on %q: %w\n%s", s.name, err, p.Output())
	}
	return p, nil
}

// awaitUPnP waits until the sockets are there.
func (r *Router) awaitUPnP(ctx context.Context, p *Process) error {
	s := r.Space()
	ended := false
	err := Await(ctx, func() bool {
		select {
		case <-p.Done():
			ended = true
			return true
		default:
		}
		any := netip.IPv4Unspecified()
		http := s.Listens(netip.AddrPortFrom(r.inside.Addr(), UPnPPort)) || s.Listens(netip.AddrPortFrom(any, UPnPPort))
		pcp := s.Bound(netip.AddrPortFrom(r.inside.Addr(), PCPPort)) || s.Bound(netip.AddrPortFrom(any, PCPPort))
		return http && pcp && s.Bound(netip.AddrPortFrom(any, 1900))
	})
	if err == nil && ended {
		return errors.New("it ended")
	}
	return err
}

// files returns the directory of the router's files.
func (r *Router) files() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir != "" {
		return r.dir, nil
	}
	dir, err := os.MkdirTemp("", "netns-router-")
	if err != nil {
		return "", fmt.Errorf("directory of router: %w", err)
	}
	r.dir = dir
	return dir, nil
}

// upnpChains makes the chains that miniupnpd fills.
func upnpChains(b *ruleset) error {
	forward, pre, post := b.chain("miniupnpd"), b.chain("prerouting_miniupnpd"), b.chain("postrouting_miniupnpd")
	for _, h := range []struct {
		name string
		of   nftables.ChainType
		hook *nftables.ChainHook
		at   *nftables.ChainPriority
		to   *nftables.Chain
	}{
		{"forward", nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityFilter, forward},
		{"prerouting", nftables.ChainTypeNAT, nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest, pre},
		{"postrouting", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource, post},
	} {
		b.rule(b.hook(h.name, h.of, h.hook, h.at, nftables.ChainPolicyAccept), jump(h.to))
	}
	return nil
}

// upnpConfig is miniupnpd.conf(5). Lifetimes of PCP may be short, so that a
// test sees a mapping end.
const upnpConfig = `ext_ifname=` + wanName + `
listening_ip=` + lanName + `
http_port=%d
enable_upnp=yes
enable_natpmp=yes
secure_mode=yes
system_uptime=yes
notify_interval=60
clean_ruleset_interval=0
min_lifetime=1
max_lifetime=86400
uuid=5f3a0000-0000-4000-8000-000000000001
ipv6_disable=yes
upnp_table_name=` + upnpTable + `
upnp_nat_table_name=` + upnpTable + `
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
allow 1024-65535 0.0.0.0/0 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`
