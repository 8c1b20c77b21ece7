package sim

import "net/netip"

// The realms.
const (
	inside  = 0
	outside = 1
)

var realmNames = []string{"inside", "outside"}

// A listener is where the SBC takes SIP.
type listener struct {
	realm  int
	addr   netip.AddrPort
	stream bool
}

// listeners are one for each realm, address family and transport.
var listeners = []listener{
	{inside, netip.MustParseAddrPort("192.168.1.1:5060"), false},
	{outside, netip.MustParseAddrPort("203.0.113.7:5060"), false},
	{inside, netip.MustParseAddrPort("[fd00:1::1]:5060"), false},
	{outside, netip.MustParseAddrPort("[2001:db8:7::7]:5060"), false},
	{inside, netip.MustParseAddrPort("192.168.1.1:5060"), true},
	{outside, netip.MustParseAddrPort("203.0.113.7:5060"), true},
	{inside, netip.MustParseAddrPort("[fd00:1::1]:5060"), true},
	{outside, netip.MustParseAddrPort("[2001:db8:7::7]:5060"), true},
}

// media are the SBC's addresses of RTP in each realm, of either family.
var media = [][2]netip.Addr{
	{netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("fd00:1::2")},
	{netip.MustParseAddr("203.0.113.8"), netip.MustParseAddr("2001:db8:7::8")},
}

// listenerAt returns the listener of the SBC with an address, -1 if there is
// none.
func listenerAt(addr netip.AddrPort, stream bool) int {
	for i, l := range listeners {
		if l.addr == addr && l.stream == stream {
			return i
		}
	}
	return -1
}

// strangers are addresses that nobody configured, by listener.
var strangers = []netip.AddrPort{
	netip.MustParseAddrPort("192.168.1.99:5060"), netip.MustParseAddrPort("192.0.2.66:5088"),
	netip.MustParseAddrPort("[fd00:1::99]:5060"), netip.MustParseAddrPort("[2001:db8:66::66]:5088"),
	netip.MustParseAddrPort("192.168.1.99:40123"), netip.MustParseAddrPort("192.0.2.66:40123"),
	netip.MustParseAddrPort("[fd00:1::99]:40123"), netip.MustParseAddrPort("[2001:db8:66::66]:40123"),
}

// A neighbour is a peer of the SBC as both sides know it.
type neighbour struct {
	name     string
	realm    int
	addr     netip.AddrPort
	domain   string
	prefix   string // first digit of the numbers that are routed to it
	word     string // of its canary
	inner    netip.Addr
	listener int // of the SBC, by which it is reached
}

// stream reports whether the neighbour speaks TCP.
func (n *neighbour) stream() bool { return listeners[n.listener].stream }

// neighbours are who they are in a world of UDP and IPv4.
var neighbours = []neighbour{
	{name: "pbx", realm: inside, addr: netip.MustParseAddrPort("192.168.1.10:5060"), prefix: "1", word: "kiwilan", inner: netip.MustParseAddr("10.66.55.44")},
	{name: "desk", realm: inside, addr: netip.MustParseAddrPort("192.168.1.20:5070"), domain: "desk.lan.test", prefix: "2", word: "plumlan", inner: netip.MustParseAddr("10.77.12.3")},
	{name: "itsp", realm: outside, addr: netip.MustParseAddrPort("198.51.100.5:5060"), domain: "sip.itsp.test", prefix: "3", word: "mangowan", inner: netip.MustParseAddr("172.20.7.66")},
	{name: "backup", realm: outside, addr: netip.MustParseAddrPort("198.51.100.6:5060"), prefix: "4", word: "figwan", inner: netip.MustParseAddr("172.21.9.99")},
}

// sixes are the addresses of the neighbours in IPv6.
var sixes = []netip.AddrPort{
	netip.MustParseAddrPort("[fd00:1::10]:5060"), netip.MustParseAddrPort("[fd00:1::20]:5070"),
	netip.MustParseAddrPort("[2001:db8:5::5]:5060"), netip.MustParseAddrPort("[2001:db8:5::6]:5060"),
}

// A set is one of neighbours, by index.
type set uint8

func (s set) has(i int) bool { return s&(1<<i) != 0 }

// neighbours returns who is around the SBC: in IPv6 and by TCP where the
// options say so.
func (o *Options) neighbours() []neighbour {
	list := append([]neighbour(nil), neighbours...)
	for i := range list {
		n := &list[i]
		n.listener = n.realm
		if o.IP6.has(i) {
			n.addr = sixes[i]
			n.listener += 2
		}
		if o.TCP.has(i) {
			n.listener += 4
		}
	}
	if o.Phones > 0 {
		list[registrarAt].domain = voiceDomain
	}
	return list
}

// neighbourAt returns the neighbour that is meant by the far end of a flow, -1
// if it is none. The port from which a connection was made says nothing.
func (w *world) neighbourAt(by int, remote netip.AddrPort) int {
	for i := range neighbours {
		at := w.neighbours[i].addr
		if at == remote || listeners[by].stream && at.Addr() == remote.Addr() {
			return i
		}
	}
	return -1
}
