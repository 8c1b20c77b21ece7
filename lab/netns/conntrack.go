package netns

import (
	"errors"
	"net"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"sbc/lab/nat"
)

// tableName is that of the router's rules; miniupnpd has one of its own.
const tableName = "router"

// errKind says that nf_tables have no words for a kind.
var errKind = errors.New("nf_tables cannot express this kind of NAT")

// tracked reports whether a kind is translated by conntrack.
func tracked(k nat.Kind) bool { return k.Refresh == nat.Both }

// expressible returns nil for a kind that a router can be.
func expressible(k nat.Kind) error {
	if k.Silent || k.Arbitrary || k.Max != 0 {
		return errKind
	}
	if !tracked(k) {
		if k.Ports == nat.Overload {
			return errKind
		}
		return nil
	}
	both := k.Mapping == nat.AddressAndPortDependent && k.Filtering == nat.AddressAndPortDependent
	if !both || k.Ports != nat.Overload && k.Ports != nat.Random || k.First != 0 || k.Last != 0 {
		return errKind
	}
	return nil
}

// translate writes the router's rules.
func (r *Router) translate() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.translateLocked()
}

// translateLocked is called with mu held.
func (r *Router) translateLocked() error {
	write := r.maps
	if tracked(r.kind) {
		write = r.masquerade
	}
	return r.Space().commit(tableName, nftables.TableFamilyIPv4, write)
}

// Bits of the state and of the status of a connection: enum ip_conntrack_info
// as nf_tables show it, and IPS_DST_NAT of enum ip_conntrack_status.
const (
	stateOld  = expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED
	statusDst = 1 << 5
)

// masquerade writes the rules of a router that translates by conntrack, with
// a firewall as routers at home have it: from outside comes what belongs to a
// connection, and what a forwarded port sends inside.
func (r *Router) masquerade(b *ruleset) error {
	r.forwardTracked(b)
	post := b.hook("postrouting", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource, nftables.ChainPolicyAccept)
	b.rule(post, to(wanName), []expr.Any{&expr.Masq{FullyRandom: r.kind.Ports == nat.Random}})
	if r.kind.Hairpin {
		b.rule(post, from(lanName), to(lanName), connection(expr.CtKeySTATUS, statusDst), []expr.Any{&expr.Masq{}})
	}

	forward := b.hook("forward", nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityFilter, nftables.ChainPolicyDrop)
	b.rule(forward, from(lanName), accept)
	b.rule(forward, connection(expr.CtKeySTATE, stateOld), accept)
	b.rule(forward, connection(expr.CtKeySTATUS, statusDst), accept)

	// What is refused here leaves no entry in the table of connections, where
	// it would take the port from an inside host.
	input := b.hook("input", nftables.ChainTypeFilter, nftables.ChainHookInput, nftables.ChainPriorityFilter, nftables.ChainPolicyAccept)
	b.rule(input, carries(unix.IPPROTO_ICMP), accept)
	b.rule(input, connection(expr.CtKeySTATE, stateOld), accept)
	b.rule(input, from(wanName), drop)
	b.rule(input, from(lanName), is(dstAddr, addr4(r.public)), drop)
	return nil
}

// forwardTracked opens the forwarded ports.
func (r *Router) forwardTracked(b *ruleset) {
	pre := b.hook("prerouting", nftables.ChainTypeNAT, nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest, nftables.ChainPolicyAccept)
	for _, f := range r.forwards {
		side := from(wanName)
		if r.kind.Hairpin {
			side = nil
		}
		b.rule(pre, side, carries(f.proto), is(dstAddr, addr4(r.public)), is(dstPort, port16(f.public)), []expr.Any{
			&expr.Immediate{Register: 1, Data: addr4(f.to.Addr())},
			&expr.Immediate{Register: 2, Data: port16(f.to.Port())},
			&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1, RegProtoMin: 2},
		})
	}
}

// Tracked returns the UDP and TCP connections that conntrack knows now, each
// by its inside source, its public source and its destination. A router that
// translates by maps has none.
func (r *Router) Tracked() (list []Tracked, err error) {
	h, err := r.Space().handle()
	if err != nil {
		return nil, err
	}
	defer h.Close()
	flows, err := h.ConntrackTableList(netlink.ConntrackTable, unix.AF_INET)
	for _, f := range flows {
		list = append(list, Tracked{
			Protocol: f.Forward.Protocol,
			Source:   addrPort(f.Forward.SrcIP, f.Forward.SrcPort),
			Public:   addrPort(f.Reverse.DstIP, f.Reverse.DstPort),
			To:       addrPort(f.Forward.DstIP, f.Forward.DstPort),
		})
	}
	return list, err
}

// A Tracked is a connection that conntrack knows.
type Tracked struct {
	Protocol   uint8
	Source     netip.AddrPort // who began it
	Public, To netip.AddrPort
}

func addrPort(ip net.IP, port uint16) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(addr.Unmap(), port)
}
