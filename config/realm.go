package config

import (
	"fmt"
	"net/netip"
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
		c.Policy.Realms = append(c.Policy.Realms, policy.Realm{Name: realm.Name, Trust: realm.Trust, Ref: realm.Ref})
	}
	if len(file.Realms) == 0 {
		start := hcl.Range{Filename: r.file, Start: hcl.InitialPos, End: hcl.InitialPos}
		r.fail(start, "No realm", "A border needs networks that it stands between: write realm \"outside\" { ... } and realm \"inside\" { ... }.")
	}
}

func (r *reader) realm(b *realmBlock) Realm {
	e := Realm{Name: b.Name, Ref: r.ref(b.Range)}
	r.boolean(b.Trust, &e.Trust)
	r.realmAddress(b, &e.Address)
	signaling, media := r.advertise(only(r, "advertise", b.Advertise))
	for _, l := range b.Listen {
		e.Listen = append(e.Listen, r.listen(l, e.Address, signaling))
	}
	if len(b.Listen) == 0 {
		r.fail(b.Range, "Realm without listener", "Nothing would arrive in realm %q. Write listen \"udp\" {} in it.", b.Name)
	}
	e.Media = r.media(b, e.Address)
	e.Media.Advertise = e.Media.Addr
	if media.IsValid() {
		e.Media.Advertise = media
	}
	e.Topology = r.topology(b)
	return e
}

func (r *reader) realmAddress(b *realmBlock, to *netip.Addr) {
	switch {
	case b.Address != nil && b.Interface != nil:
		r.fail(b.Interface.Range, "Address given twice", "Write either address or interface, not both.")
	case b.Address != nil:
		r.address(b.Address, "203.0.113.7", to)
	case b.Interface != nil:
		r.interfaceAddress(b.Interface, to)
	default:
		r.fail(b.Range, "Realm without address", "Say where realm %q is: write address = \"203.0.113.7\" or interface = \"eth0\".", b.Name)
	}
}

func (r *reader) advertise(b *advertiseBlock) (signaling, media netip.Addr) {
	if b == nil {
		return
	}
	r.address(b.Signaling, "203.0.113.7", &signaling)
	r.address(b.Media, "203.0.113.7", &media)
	return
}

func (r *reader) listen(b *listenBlock, address, advertised netip.Addr) Listen {
	if b.Transport != "udp" {
		words := []string{"udp"}
		r.fail(b.TransportRange, "Unknown transport", "A listener cannot be %q.%s It is one of: %s.", b.Transport,
			didYouMean(b.Transport, words, quoted), listed(words, quoted))
	}
	port := sipPort
	before := len(r.diags)
	r.integer(b.Port, 1, 65535, "5060", &port)
	r.address(b.Address, "203.0.113.7", &address)
	if len(r.diags) > before {
		return Listen{} // Nothing that other listeners could be compared with.
	}
	if !advertised.IsValid() {
		advertised = address
	}
	return Listen{
		Transport: "udp",
		Addr:      netip.AddrPortFrom(address, uint16(port)),
		Host:      hostPort(advertised, port),
		Ref:       r.ref(b.Range),
	}
}

// hostPort writes the sent-by of our Via; the default port is left out.
func hostPort(a netip.Addr, port int) string {
	if port == sipPort {
		return a.String()
	}
	return a.String() + ":" + strconv.Itoa(port)
}

func (r *reader) media(b *realmBlock, address netip.Addr) Media {
	m := Media{Addr: address, Ports: mediaPorts, Ref: r.ref(b.Range)}
	k := only(r, "media", b.Media)
	if k == nil {
		return m
	}
	m.Ref = r.ref(k.Range)
	before := len(r.diags)
	r.address(k.Address, "203.0.113.7", &m.Addr)
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
