package public

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// A Method is a way to learn the public address.
type Method string

// The methods.
const (
	Auto   Method = "auto"   // PCP, then NAT-PMP, then UPnP
	STUN   Method = "stun"   // a server that the configuration names
	UPnP   Method = "upnp"   // Internet Gateway Device 1 and 2
	PCP    Method = "pcp"    // RFC 6887
	NATPMP Method = "natpmp" // RFC 6886
	Fixed  Method = "fixed"  // the configuration says the address

	// Own is what a State has where the interface's own address is public.
	Own Method = "own"
)

// A Source says how an address is learned.
type Source struct {
	Method Method
	Server string     // for STUN only: host:port, the host looked up each time
	Addr   netip.Addr // for Fixed only
}

// A Transport is a protocol that a router forwards.
type Transport string

// The transports.
const (
	UDP Transport = "udp"
	TCP Transport = "tcp"
)

// number is the protocol's (IANA), as PCP wants it.
func (t Transport) number() byte {
	if t == TCP {
		return 6
	}
	return 17
}

// A Port is a port of ours on the local address.
type Port struct {
	Transport Transport
	Port      uint16
}

func (p Port) String() string { return fmt.Sprintf("%s %d", p.Transport, p.Port) }

// A Range is the ports that media use, UDP, both ends included. The zero
// Range has none.
type Range struct{ First, Last uint16 }

func (r Range) size() int {
	if r.First == 0 || r.Last < r.First {
		return 0
	}
	return int(r.Last) - int(r.First) + 1
}

// Limits of ours.
const (
	// DefaultEvery is how often an address is asked for again.
	DefaultEvery = 30 * time.Second
	// DefaultMaxPorts bounds the media ports that a router is asked for one by
	// one: home routers keep some dozens to some hundreds of mappings.
	DefaultMaxPorts = 64
)

// Options says what is to be learned. It is read once.
type Options struct {
	Realm     string     // its name, for messages
	Local     netip.Addr // the realm's own address; everything is asked from it
	Signaling Source
	Media     Source // the zero Source: the same as Signaling

	Ports      []Port // of signaling, to be forwarded by the router; any external port will do
	MediaPorts Range  // to be forwarded by the router under the same numbers

	Every    time.Duration // between two questions; 0: DefaultEvery
	MaxPorts int           // 0: DefaultMaxPorts

	// Gateway is the router to ask; invalid: the default route of Local's
	// interface, read from the kernel each time.
	Gateway netip.Addr

	// Key ties the mappings that PCP makes to us. A process that starts again
	// with the same key takes over what it left behind when it crashed; with
	// another it has to wait until the router forgets. Empty: random.
	Key []byte

	// Changed is called when a public address or an external port is not what
	// it was when New returned or Changed was called last, from a goroutine of
	// the Watch, one call after the other. It must not block for long and must not call Close. May
	// be nil.
	Changed func(State)

	Log *slog.Logger // nil: silent

	search time.Duration // how long gateways may take to answer a search; 0: searchFor
}

func (o *Options) defaults() {
	o.Local = o.Local.Unmap()
	if o.Media == (Source{}) {
		o.Media = o.Signaling
	}
	if o.Every <= 0 {
		o.Every = DefaultEvery
	}
	if o.MaxPorts <= 0 {
		o.MaxPorts = DefaultMaxPorts
	}
	if len(o.Key) == 0 {
		o.Key = make([]byte, 16)
		rand.Read(o.Key)
	}
	if o.search <= 0 {
		o.search = searchFor
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// A port is one that is to be mapped.
type port struct {
	Port
	same bool // the external port must be the same
}

// signaling returns the ports of signaling to be mapped.
func (o *Options) signaling() (list []port) {
	for _, p := range o.Ports {
		if !slices.Contains(list, port{Port: p}) {
			list = append(list, port{Port: p})
		}
	}
	return list
}

// media returns the ports of media to be mapped one by one: all, or none when
// they are too many.
func (o *Options) media() (list []port) {
	if o.MediaPorts.size() > o.MaxPorts {
		return nil
	}
	for i := range o.MediaPorts.size() {
		list = append(list, port{Port{UDP, o.MediaPorts.First + uint16(i)}, true})
	}
	return list
}
