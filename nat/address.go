package nat

import "net/netip"

// A Place says who can reach an address.
type Place uint8

// The places. Public is the zero Place. The prefixes for documentation
// (RFC 5737, RFC 3849) are Public: they are nobody's, and laboratories use
// them as the Internet.
const (
	Public      Place = iota
	Private           // RFC 1918, RFC 4193: inside of a network
	Shared            // RFC 6598: between a carrier's NAT and its customers
	Loopback          // this host
	LinkLocal         // RFC 3927, RFC 4291 section 2.5.6: this link
	Multicast         // a group
	Unspecified       // no host: "this network" (RFC 6890), ::
	Reserved          // no host has it: class E and broadcast, what the IETF keeps
	None              // not an address
	places
)

var placeNames = [places]string{
	"public", "private", "shared", "loopback", "link-local",
	"multicast", "unspecified", "reserved", "not an address",
}

// String returns the place as operators read it: "private".
func (p Place) String() string {
	if p < places {
		return placeNames[p]
	}
	return "unknown"
}

// special has every prefix that is not Public (RFC 6890 and its registries).
// What stands earlier decides.
var special = []struct {
	prefix netip.Prefix
	place  Place
}{
	{netip.MustParsePrefix("0.0.0.0/8"), Unspecified},
	{netip.MustParsePrefix("10.0.0.0/8"), Private},
	{netip.MustParsePrefix("100.64.0.0/10"), Shared},
	{netip.MustParsePrefix("127.0.0.0/8"), Loopback},
	{netip.MustParsePrefix("169.254.0.0/16"), LinkLocal},
	{netip.MustParsePrefix("172.16.0.0/12"), Private},
	{netip.MustParsePrefix("192.0.0.0/24"), Reserved}, // RFC 6890 section 2.2.2
	{netip.MustParsePrefix("192.168.0.0/16"), Private},
	{netip.MustParsePrefix("198.18.0.0/15"), Reserved}, // RFC 2544: benchmarks
	{netip.MustParsePrefix("224.0.0.0/4"), Multicast},
	{netip.MustParsePrefix("240.0.0.0/4"), Reserved},

	{netip.MustParsePrefix("::/128"), Unspecified},
	{netip.MustParsePrefix("::1/128"), Loopback},
	{netip.MustParsePrefix("::/96"), Reserved},         // RFC 4291 section 2.5.5.1: IPv4-compatible
	{netip.MustParsePrefix("64:ff9b:1::/48"), Private}, // RFC 8215: a translator inside of a network
	{netip.MustParsePrefix("100::/64"), Reserved},      // RFC 6666: discarded
	{netip.MustParsePrefix("5f00::/16"), Private},      // RFC 9602: segment identifiers
	{netip.MustParsePrefix("fc00::/7"), Private},
	{netip.MustParsePrefix("fe80::/10"), LinkLocal},
	{netip.MustParsePrefix("fec0::/10"), Private}, // RFC 3879: site-local, of old
	{netip.MustParsePrefix("ff00::/8"), Multicast},
}

// carriers has the prefixes whose addresses hold an IPv4 address that a
// translator or the end of a tunnel will send to.
var carriers = []struct {
	name   string
	prefix netip.Prefix
	at     [2]int // where the four octets begin; the second may be 0: none
	invert bool   // the second is written with all bits inverted
}{
	{"NAT64", netip.MustParsePrefix("64:ff9b::/96"), [2]int{12, 0}, false}, // RFC 6052 section 2.1
	{"6to4", netip.MustParsePrefix("2002::/16"), [2]int{2, 0}, false},      // RFC 3056 section 2
	{"Teredo", netip.MustParsePrefix("2001::/32"), [2]int{4, 12}, true},    // RFC 4380 section 4: server, client
}

// reasons has what Refuse says: the place as such, then inside of each carrier.
var reasons = func() (text [4][places]string) {
	text[0] = placeNames
	for i, c := range carriers {
		for p := range places {
			text[1+i][p] = placeNames[p] + ", inside of " + c.name
		}
	}
	return text
}()

// PlaceOf returns who can reach addr. An IPv4 address that is written in IPv6
// (::ffff:10.0.0.1) is judged as itself, and one that NAT64, 6to4 or Teredo
// would lead to counts where its own place is not Public.
func PlaceOf(addr netip.Addr) Place {
	p, _ := placeOf(addr)
	return p
}

// Refuse reports whether nothing may be sent to addr, and addr not be believed
// to be ours, on the word of somebody outside: a server or router that says
// what our public address is, a client that names its peer. why is the place
// ("private", "loopback, inside of 6to4"), and empty for what is fine.
//
// Addresses of the operator's own that are public are for the caller to refuse.
func Refuse(addr netip.Addr) (why string, bad bool) {
	p, inside := placeOf(addr)
	if p == Public {
		return "", false
	}
	return reasons[inside][p], true
}

// placeOf returns the place of addr and in which carrier it was found: 0 none,
// else 1 + the index into carriers.
func placeOf(addr netip.Addr) (p Place, inside int) {
	if !addr.IsValid() {
		return None, 0
	}
	addr = addr.Unmap().WithZone("") // a prefix contains no address with a zone
	for i := range special {
		if special[i].prefix.Contains(addr) {
			return special[i].place, 0
		}
	}
	for i := range carriers {
		c := &carriers[i]
		if !c.prefix.Contains(addr) {
			continue
		}
		b := addr.As16()
		if p, _ := placeOf(embedded(&b, c.at[0], false)); p != Public {
			return p, 1 + i
		}
		if c.at[1] != 0 {
			p, _ := placeOf(embedded(&b, c.at[1], c.invert))
			return p, 1 + i
		}
	}
	return Public, 0
}

// embedded reads the IPv4 address at an offset.
func embedded(b *[16]byte, at int, invert bool) netip.Addr {
	v := [4]byte(b[at : at+4])
	if invert {
		for i := range v {
			v[i] = ^v[i]
		}
	}
	return netip.AddrFrom4(v)
}
