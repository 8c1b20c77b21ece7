package firewall

import (
	"net/netip"
	"time"
)

// A Kernel refuses packets before a socket of ours sees them. An engine may
// fail at any call: what it does not refuse, the Guard refuses in user space, so
// that a failure costs speed and nothing else. Its methods are called by one
// goroutine at a time, but Counters, which any may call.
type Kernel interface {
	// Name says which engine it is: "xdp", "tcx", "clsact" or "nftables".
	Name() string

	// Ban drops what comes from prefix, whatever port it is for, until after has
	// passed: an IPv4 address, or a /64, /56 or /48 of IPv6. A ban that exists gets
	// the new time.
	Ban(prefix netip.Prefix, after time.Duration) error
	// Unban lifts a ban; one that does not exist is no error.
	Unban(prefix netip.Prefix) error
	// Banned returns what the kernel has banned, those of an earlier process that
	// was killed among them.
	Banned() ([]Banned, error)

	// Trust replaces the list of those who are neither banned nor policed: peers,
	// resolvers, what the operator allows.
	Trust(prefixes []netip.Prefix) error
	// Spare lets a flow pass though its address is banned, and unpoliced, or takes
	// that back: somebody has registered by it. Carrier-grade NATs put phones and
	// scanners behind one address.
	Spare(flow Spared, on bool) error

	// Police replaces the bounds of what comes from anybody else.
	Police(p Policing) error

	// Counters returns what was dropped since the engine was opened.
	Counters() (Counters, error)

	// Close takes everything of ours out of the kernel.
	Close() error
}

// Banned is one ban in the kernel.
type Banned struct {
	Prefix netip.Prefix
	Left   time.Duration // until it ends
}

// Spared is a flow of a user agent that registered.
type Spared struct {
	Remote netip.AddrPort
	Local  netip.AddrPort
	TCP    bool // else UDP
}

// Policing bounds what strangers may send to our ports. A source is an IPv4
// address or an IPv6 /64. A rate of 0 leaves unpoliced.
type Policing struct {
	UDP []netip.AddrPort // listeners, whose packets are counted
	TCP []netip.AddrPort // listeners, whose SYNs are counted

	Source Rate // packets of one source
	All    Rate // packets of all strangers together

	// Fragments have no ports, whatever they belong to: these bounds are for
	// all that come to an address of a listener, before they are put together.
	SourceFragments Rate
	AllFragments    Rate
}

// A Rate is a token bucket.
type Rate struct {
	PerSecond int
	Burst     int // packets that may come at once; at least 1
}

// Counters are packets that were dropped in the kernel, by cause.
type Counters struct {
	Banned    uint64 // from a banned prefix
	Source    uint64 // over the rate of their source
	All       uint64 // over the rate of all strangers
	Fragments uint64 // over one of the rates of fragments
}
