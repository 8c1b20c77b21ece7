package netns

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/vishvananda/netlink"

	"sbc/lab/nat"
)

// RouterOptions say what a router is.
type RouterOptions struct {
	Kind nat.Kind // how it translates; NewRouter says which kinds there are

	Inside  netip.Prefix // its address on its LAN, with the LAN's length
	Outside netip.Prefix // its public address, with the uplink's length
	Uplink  Network      // what its outside is plugged into: a Switch, or another Router
	Gateway netip.Addr   // where it sends what is not on the uplink; invalid: to the router that is the uplink, or nowhere
}

// A Router is a namespace that translates between its LAN, an interface "lan",
// and its uplink, an interface "wan". IPv4 only. Phones are put behind it by
// Plug. All methods may be called from any goroutine.
type Router struct {
	// Constant after NewRouter.
	lan     *Switch // its namespace is the router's
	inside  netip.Prefix
	outside int // length of the uplink's prefix
	gateway netip.Addr
	kind    nat.Kind

	mu       sync.Mutex
	public   netip.Addr // Guarded by mu.
	forwards []forward  // Guarded by mu.
	dir      string     // Guarded by mu. Files of miniupnpd; "": none.
}

// A forward is a port that is open from outside.
type forward struct {
	proto  uint8
	public uint16
	to     netip.AddrPort
}

// The interfaces of a router.
const (
	lanName = bridgeName
	wanName = "wan"
)

// NewRouter makes a router that runs. The name is for messages only. The
// caller must Close it.
//
// Kinds with Refresh: Both are translated by conntrack: Mapping and Filtering
// AddressAndPortDependent, Ports Overload (masquerade) or Random (masquerade
// with random ports). Kinds with Refresh: OutboundOnly are translated by maps
// that the router fills by itself: every Mapping, every Filtering, Ports
// Preserve, Random, Parity or Sequential, with and without Hairpin. Any other
// kind is an error; the package's comment lists them. A Silent NAT is one of
// them, because what TCP sends to no mapping is answered by the router's own.
func NewRouter(name string, o RouterOptions) (*Router, error) {
	if err := expressible(o.Kind); err != nil {
		return nil, fmt.Errorf("router %q: %w", name, err)
	}
	lan, err := NewSwitch(name)
	if err != nil {
		return nil, err
	}
	r := &Router{lan: lan, inside: o.Inside, outside: o.Outside.Bits(), gateway: o.Gateway,
		kind: o.Kind.WithDefaults(), public: o.Outside.Addr()}
	if up, ok := o.Uplink.(*Router); ok && !r.gateway.IsValid() {
		r.gateway = up.inside.Addr()
	}
	if err := r.start(o); err != nil {
		r.Close()
		return nil, fmt.Errorf("router %q: %w", name, err)
	}
	return r, nil
}

func (r *Router) start(o RouterOptions) error {
	s := r.Space()
	if err := s.AddAddr(lanName, r.inside); err != nil {
		return err
	}
	if err := o.Uplink.Plug(End{Space: s, Interface: wanName, Addr: o.Outside}); err != nil {
		return err
	}
	if err := r.route(); err != nil {
		return err
	}
	for _, v := range []struct{ key, value string }{
		{"net/ipv4/ip_forward", "1"},
		{"net/ipv4/conf/all/send_redirects", "0"},
		{"net/ipv4/conf/lan/send_redirects", "0"},
		{"net/ipv4/conf/all/rp_filter", "0"},
		{"net/ipv4/conf/lan/rp_filter", "0"},
		// With maps the source is the router's own before it is routed.
		{"net/ipv4/conf/lan/accept_local", "1"},
	} {
		if err := s.Sysctl(v.key, v.value); err != nil {
			return err
		}
	}
	if err := r.translate(); err != nil {
		return err
	}
	return r.timeouts()
}

// route sets the default route, unless it is there or leads nowhere.
func (r *Router) route() error {
	if !r.gateway.IsValid() {
		return nil
	}
	err := r.Space().Route(anywhere, r.gateway)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

var anywhere = netip.MustParsePrefix("0.0.0.0/0")

// Space returns the router's namespace.
func (r *Router) Space() *Space { return r.lan.space }

// Public returns the router's public address.
func (r *Router) Public() netip.Addr {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.public
}

// Plug lays a cable from e to the router's LAN and makes the router e's
// default route.
func (r *Router) Plug(e End) error {
	if err := r.lan.Plug(e); err != nil {
		return err
	}
	return e.Space.Route(anywhere, r.inside.Addr())
}

// Forward opens a port of the public address for everybody outside, for "udp"
// or "tcp": what comes there goes to an inside host, as people configure it
// for a server at home. A router that translates by maps forgets its mappings.
func (r *Router) Forward(proto string, port uint16, to netip.AddrPort) error {
	number, ok := map[string]uint8{"udp": protoUDP, "tcp": protoTCP}[proto]
	if !ok {
		return fmt.Errorf("forward in %q: no protocol %q", r.Space().name, proto)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forwards = append(r.forwards, forward{number, port, to})
	return r.translateLocked()
}

// SetPublic gives the router another public address in a prefix of the same
// length, as when a provider cuts the line every night: mappings are gone,
// forwarded ports are open at the new address.
func (r *Router) SetPublic(addr netip.Addr) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.Space()
	err := s.onLink(wanName, func(h *netlink.Handle, link netlink.Link) error {
		return h.AddrDel(link, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(r.public, r.outside))})
	})
	if err != nil {
		return err
	}
	if err := s.AddAddr(wanName, netip.PrefixFrom(addr, r.outside)); err != nil {
		return err
	}
	r.public = addr
	if err := r.route(); err != nil { // it went with the address
		return err
	}
	return r.forget()
}

// Reboot forgets all mappings. Forwarded ports stay.
func (r *Router) Reboot() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.forget()
}

// forget drops all mappings. Called with mu held.
func (r *Router) forget() error {
	if err := r.translateLocked(); err != nil {
		return err
	}
	h, err := r.Space().handle()
	if err != nil {
		return err
	}
	defer h.Close()
	if err := h.ConntrackTableFlush(netlink.ConntrackTable); err != nil {
		return fmt.Errorf("forget connections of %q: %w", r.Space().name, err)
	}
	return nil
}

// timeouts sets how long conntrack keeps what is idle, in whole seconds.
func (r *Router) timeouts() error {
	if !tracked(r.kind) {
		return nil
	}
	for key, d := range map[string]time.Duration{
		"udp_timeout":             r.kind.Lifetime,
		"udp_timeout_stream":      r.kind.Lifetime,
		"tcp_timeout_established": r.kind.TCP,
	} {
		seconds := fmt.Sprint(int64(max(d, time.Second) / time.Second))
		if err := r.Space().Sysctl("net/netfilter/nf_conntrack_"+key, seconds); err != nil {
			return err
		}
	}
	return nil
}

// Close lets the router, its cables and what runs on it go.
func (r *Router) Close() {
	r.lan.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir != "" {
		_ = os.RemoveAll(r.dir)
		r.dir = ""
	}
}
