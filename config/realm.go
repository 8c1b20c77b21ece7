package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
)

const sipPort = 5060 // RFC 3261 section 19.1.2

// Ours: the range that most SBCs and firewalls are set up for, 5000 calls.
var mediaPorts = [2]uint16{20000, 29999}

func (r *reader) realms(file *fileBlock, c *Config) {
	r.realmNames.kind = "realm"
	for _, b := range file.Realms {
		r.add(&r.realmNames, b.Name, b.NameRange)
		realm := r.realm(b)
		c.Realms = append(c.Realms, realm)
		c.Policy.Realms = append(c.Policy.Realms, policy.Realm{Name: realm.Name, Trust: realm.Trust, Emergency: realm.Emergency, Limits: realm.Limits, Ref: realm.Ref})
	}
	if len(file.Realms) == 0 {
		start := hcl.Range{Filename: r.file, Start: hcl.InitialPos, End: hcl.InitialPos}
		r.fail(start, "No realm", "A border needs networks that it stands between: write realm \"outside\" { ... } and realm \"inside\" { ... }.")
	}
}

func (r *reader) realm(b *realmBlock) Realm {
	e := Realm{Name: b.Name, Ref: r.ref(b.Range)}
	r.boolean(b.Trust, &e.Trust)
	r.nat(b, &e)
	r.realmAddress(b, &e.Address)
	e.Media = r.media(b, e.Address)
	var at []hcl.Range
	for _, l := range b.Listen {
		for _, one := range r.listen(l, e.Address) {
			e.Listen, at = append(e.Listen, one), append(at, l.Range)
		}
	}
	r.listenAt = append(r.listenAt, at)
	if len(b.Listen) == 0 {
		r.fail(b.Range, "Realm without listener", "Nothing would arrive in realm %q. Write listen \"udp\" {} in it.", b.Name)
	}
	r.advertise(only(r, "advertise", b.Advertise), &e)
	e.Topology = r.topology(b)
	e.Limits = r.peerLimits(only(r, "limits", b.Limits))
	for _, t := range r.texts(b.Emergency, `"112"`) {
		if t.s == "" || len(t.s) > 32 || strings.ContainsAny(t.s, " \t@:") {
			r.fail(t.at, "Not a number", "%q is none that is dialled. Write one like \"112\".", t.s)
			continue
		}
		e.Emergency = append(e.Emergency, t.s)
	}
	return e
}

func (r *reader) realmAddress(b *realmBlock, to *Addrs) {
	switch {
	case b.Address != nil && b.Interface != nil:
		r.fail(b.Interface.Range, "Address given twice", "Write either address or interface, not both.")
	case b.Address != nil:
		r.addresses(b.Address, to)
	case b.Interface != nil:
		r.interfaceAddress(b.Interface, to)
	default:
		r.fail(b.Range, "Realm without address", "Say where realm %q is: write address = %s or interface = \"eth0\".", b.Name, exampleAddress)
	}
}

// has finds addresses that stand for none of ours. Where ours are wrong, that
// was said.
func (r *reader) has(a *hcl.Attribute, advertised, ours Addrs, what string) bool {
	for _, one := range advertised.All() {
		if ours.IsValid() && !ours.Of(one).IsValid() {
			r.fail(a.Expr.Range(), "Nothing to advertise", "%q is %s, and the realm has no %s of that family. Write an address for %s, or give the realm one of each family.",
				one, family(one), what, ours)
			return false
		}
	}
	return true
}

// otherPorts are the ports of transports that have another one than SIP: RFC 3261
// section 19.1.2, and those of HTTP for browsers (RFC 7118 section 5).
var otherPorts = map[string]int{policy.TLS: 5061, policy.WS: 80, policy.WSS: 443}

// transports are those that we speak.
var transports = []string{policy.UDP, policy.TCP, policy.TLS, policy.WS, policy.WSS}

// listen reads a listener: one of each family that it has an address of.
func (r *reader) listen(b *listenBlock, address Addrs) []Listen {
	before := len(r.diags)
	if !slices.Contains(transports, b.Transport) {
		r.fail(b.TransportRange, "Unknown transport", "A listener cannot be %q.%s It is one of: %s.", b.Transport,
			didYouMean(b.Transport, transports, quoted), listed(transports, quoted))
	}
	port := sipPort
	if p, ok := otherPorts[b.Transport]; ok {
		port = p
	}
	r.integer(b.Port, 1, 65535, "5060", &port)
	shape := Listen{Transport: b.Transport}
	r.stream(b, &shape)
	r.addresses(b.Address, &address)
	if len(r.diags) > before {
		return nil // Nothing that other listeners could be compared with.
	}
	var out []Listen
	for _, a := range address.All() {
		l := shape
		l.Addr, l.Host, l.Ref = netip.AddrPortFrom(a, uint16(port)), HostPort(a, port), r.ref(b.Range)
		out = append(out, l)
	}
	return out
}

// HostPort writes the sent-by of our Via; the default port is left out.
func HostPort(a netip.Addr, port int) string {
	host := a.String()
	if a.Is6() {
		host = "[" + host + "]" // RFC 3261 section 25.1, IPv6reference
	}
	if port == sipPort {
		return host
	}
	return host + ":" + strconv.Itoa(port)
}

func (r *reader) media(b *realmBlock, address Addrs) Media {
	m := Media{Addr: address, Ports: mediaPorts, Ref: r.ref(b.Range)}
	k := only(r, "media", b.Media)
	if k == nil {
		return m
	}
	m.Ref = r.ref(k.Range)
	before := len(r.diags)
	r.addresses(k.Address, &m.Addr)
	r.ports(k.Ports, &m.Ports)
	if len(r.diags) > before {
		return Media{} // Nothing that other ranges could be compared with.
	}
	return m
}

// ports reads a range like "20000-29999".
func (r *reader) ports(a *hcl.Attribute, to *[2]uint16) {
	t, ok := r.text(a, `"20000-29999"`)
	if !ok {
		return
	}
	low, high, both := strings.Cut(t.s, "-")
	first, err1 := strconv.ParseUint(low, 10, 16)
	last, err2 := strconv.ParseUint(high, 10, 16)
	switch {
	case !both || err1 != nil || err2 != nil:
		r.fail(t.at, "Not a range of ports", "%q is no range. A range is two ports from 1024 to 65535: \"20000-29999\".", t.s)
	case first < 1024:
		r.fail(t.at, "Privileged ports", "Ports below 1024 are not for media. Begin at 1024 or above: \"20000-29999\".")
	case last <= first:
		r.fail(t.at, "Range of ports too small", "A call needs at least a pair of ports, and the lower one stands first: \"20000-29999\".")
	case first%2 != 0:
		// RFC 3550 section 11: RTP takes an even port and RTCP the next.
		r.fail(t.at, "Odd first port", "RTP takes an even port and RTCP the odd one above it. Write %q.", fmt.Sprintf("%d-%d", first-1, last))
	default:
		*to = [2]uint16{uint16(first), uint16(last)}
	}
}
