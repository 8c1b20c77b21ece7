package nat

import "time"

// A Dependence says on how much of the far end something depends: whether a
// mapping is used again (RFC 4787 section 4.1), and from where a packet may
// come in (section 5). The zero value is EndpointIndependent.
type Dependence uint8

const (
	// EndpointIndependent does not look at the far end at all.
	EndpointIndependent Dependence = iota
	// AddressDependent looks at the far end's address.
	AddressDependent
	// AddressAndPortDependent looks at the far end's address and port.
	AddressAndPortDependent
)

// String returns RFC 4787's name, in lower case.
func (d Dependence) String() string {
	switch d {
	case EndpointIndependent:
		return "endpoint-independent"
	case AddressDependent:
		return "address-dependent"
	}
	return "address-and-port-dependent"
}

// Ports says how a mapping gets its port (RFC 4787 section 4.2).
type Ports uint8

const (
	// Preserve takes the inside's own port when it is free, else one at
	// random.
	Preserve Ports = iota
	// Overload takes the inside's own port even where another host has it:
	// who has sent to the far end gets the packet, the newest first. RFC 4787
	// REQ-3 forbids it ("port overloading"); it is common.
	Overload
	// Random takes any port.
	Random
	// Parity takes any port that is even where the inside's is even, and odd
	// where it is odd (RFC 4787 section 4.2.2).
	Parity
	// Sequential takes the next one.
	Sequential
)

// String returns the name of the constant in lower case.
func (p Ports) String() string {
	return [...]string{"preserve", "overload", "random", "parity", "sequential"}[p]
}

// Refresh says which packets keep a mapping alive (RFC 4787 section 6).
type Refresh uint8

const (
	// OutboundOnly is what REQ-6 demands at least, and what a keep-alive may
	// rely on.
	OutboundOnly Refresh = iota
	// Both directions refresh, as with Linux' conntrack.
	Both
)

// String returns the name in words.
func (r Refresh) String() string {
	if r == Both {
		return "both"
	}
	return "outbound only"
}

// A Kind is how a NAT behaves. It is a value and may be copied and changed.
type Kind struct {
	Mapping   Dependence
	Filtering Dependence
	Ports     Ports
	Refresh   Refresh

	Lifetime time.Duration // of a UDP mapping without a packet that refreshes; 0: RFC 4787 REQ-5's recommended 5 min
	TCP      time.Duration // of an idle connection; 0: RFC 5382 REQ-5's 2 h 4 min
	Opening  time.Duration // of a TCP mapping that is not yet, or no longer, a connection; 0: RFC 5382 REQ-5's 4 min

	Hairpin   bool // inside hosts reach each other by their public addresses (RFC 4787 REQ-9)
	Silent    bool // a TCP segment for which there is no connection is dropped, else answered by RST
	Arbitrary bool // with several public addresses: any for each mapping, else one for each host ("paired", REQ-2)

	// Of the public addresses: First to Last are given out; 0: 1024 and 65535.
	First, Last uint16
	Max         int // mappings in all; 0: mappingsMax
}

// RFC 4787 REQ-5 and RFC 5382 REQ-5.
const (
	udpLifetime = 5 * time.Minute
	tcpLifetime = 2*time.Hour + 4*time.Minute
	tcpOpening  = 4 * time.Minute
)

// Ours: what a better home router has; a simulation with more hosts behind
// one NAT sets Kind.Max.
const mappingsMax = 4096

// WithDefaults returns the kind with what is 0 replaced as its fields say.
func (k Kind) WithDefaults() Kind {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&k.Lifetime, udpLifetime)
	set(&k.TCP, tcpLifetime)
	set(&k.Opening, tcpOpening)
	if k.First == 0 {
		k.First = 1024
	}
	if k.Last == 0 {
		k.Last = 65535
	}
	if k.Max <= 0 {
		k.Max = mappingsMax
	}
	return k
}

// The kinds that have names. The first four are those of RFC 3489 section 5.
var (
	FullCone = Kind{Hairpin: true}

	AddressRestricted = Kind{Filtering: AddressDependent}

	PortRestricted = Kind{Filtering: AddressAndPortDependent}

	Symmetric = Kind{Mapping: AddressAndPortDependent, Filtering: AddressAndPortDependent, Ports: Random}

	// CarrierGrade is what RFC 6888 asks of a CGN, with a block of ports that
	// many customers share.
	CarrierGrade = Kind{Filtering: AddressDependent, Ports: Parity, Hairpin: true, Lifetime: 2 * time.Minute, First: 32768, Last: 34815}

	// Impatient is a cheap router that forgets UDP after 20 s.
	Impatient = Kind{Filtering: AddressAndPortDependent, Lifetime: 20 * time.Second}

	// Masquerade is Linux' conntrack with masquerade. Its refresh hides from
	// tests what Impatient shows.
	Masquerade = Kind{Mapping: AddressAndPortDependent, Filtering: AddressAndPortDependent, Ports: Overload,
		Refresh: Both, Lifetime: 2 * time.Minute, TCP: 5 * 24 * time.Hour}

	// MasqueradeRandom is Linux' masquerade with random ports.
	MasqueradeRandom = Kind{Mapping: AddressAndPortDependent, Filtering: AddressAndPortDependent, Ports: Random,
		Refresh: Both, Lifetime: 2 * time.Minute, TCP: 5 * 24 * time.Hour}
)

// Named returns the kinds that have names, by name, in a fixed order.
func Named() []struct {
	Name string
	Kind Kind
} {
	return []struct {
		Name string
		Kind Kind
	}{
		{"full cone", FullCone},
		{"address-restricted", AddressRestricted},
		{"port-restricted", PortRestricted},
		{"symmetric", Symmetric},
		{"carrier-grade", CarrierGrade},
		{"impatient", Impatient},
		{"masquerade", Masquerade},
		{"masquerade with random ports", MasqueradeRandom},
	}
}
