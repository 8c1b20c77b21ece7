package signaling

import (
	"net/netip"
	"strings"

	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// redirect is b2bua.Options.Redirect: a Contact is followed where its host is
// that of a peer in the realm of the one that redirects. To anybody else we
// would be an open relay.
func (o *Options) redirect(from int, contact sip.URI, raw []byte) (b2bua.Target, bool) {
	peers := o.Rules.Options().Peers
	realm := peers[from].Realm
	host := strings.ToLower(string(contact.Host.Of(raw)))
	addr, port := netip.Addr{}, uint16(contact.Port)
	to := -1
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		if p, ok := o.Rules.Peer(realm, netip.AddrPortFrom(a, orDefault(port))); ok {
			to, addr = p, a
		}
	} else {
		to, addr = o.namedPeer(realm, host)
	}
	if to < 0 || contact.User.Empty() {
		return b2bua.Target{}, false
	}
	p := &peers[to]
	if port == 0 && addr == p.Target.Addr {
		port = p.Target.Port
	}
	listener, ok := o.listenerTo(p, addr)
	if !ok {
		return b2bua.Target{}, false
	}
	return b2bua.Target{
		Peer: to, Host: hostOf(p), User: append([]byte(nil), contact.User.Of(raw)...), Follow: p.Redirect == policy.RedirectFollow, Open: p.Target.Transport == "",
		Rule: edit.Reason("redirected by peer " + peers[from].Name), Flow: b2bua.Flow{Listener: listener, Remote: addrPort(addr, orDefault(port))},
	}, true
}

// namedPeer returns the peer of a realm that a name means, and where it is.
func (o *Options) namedPeer(realm int, host string) (int, netip.Addr) {
	for i, p := range o.Rules.Options().Peers {
		if p.Realm == realm && !p.Gone && (strings.EqualFold(p.Domain, host) || strings.EqualFold(p.Target.Host, host)) {
			for _, a := range o.Rules.Resolved(i) {
				return i, a
			}
		}
	}
	return -1, netip.Addr{}
}

func orDefault(port uint16) uint16 {
	if port == 0 {
		return 5060
	}
	return port
}
