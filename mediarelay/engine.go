package mediarelay

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// A SessionID names the call that holds a stream, for lists and ledgers.
type SessionID uint64

// Options of an engine and of the Model.
type Options struct {
	Realms []RealmPool
	Rest   time.Duration // before a port is used again, so that late packets reach nobody; 0: DefaultRest
}

// DefaultRest is how long ports rest before they are used again.
//
// Ours: a far end whose BYE was lost hears of the end by a retransmission;
// the first four come within 5 s (RFC 3261 section 17.1.2.1). A packet that
// is later still meets a port that is pinned to another address.
const DefaultRest = 5 * time.Second

// A RealmPool is the range of ports that media uses in one realm. Only whole
// pairs are used: an even port and the odd one after it. Both addresses share
// the range: a pair that is out belongs to one stream, whichever its family.
type RealmPool struct {
	Name        string
	Addr        netip.Addr // IPv4, ours in this realm; not valid: none
	Addr6       netip.Addr // IPv6, likewise; at least one of them is valid, and none unspecified
	First, Last uint16     // both included

	// Keep is how many free pairs are left for lines that are Urgent.
	Keep int

	// NAT says that far ends in this realm may be behind NATs: one whose
	// description names another address than its signaling comes from is
	// sought where its signaling comes from. See the package's latch.
	NAT bool

	// Routed are prefixes that lead to far ends of this realm although they
	// are not public. With NAT a far end that names any other private address
	// is not there, unless its signaling comes from the very same one.
	Routed []netip.Prefix
}

// Of returns the pool's address of one family; not valid: it has none.
func (p *RealmPool) Of(ip6 bool) netip.Addr {
	if ip6 {
		return p.Addr6
	}
	return p.Addr
}

// An Engine relays media. Its methods are called by many goroutines (the
// shards) and never wait for the network; those of one Stream are called by
// one goroutine at a time.
type Engine interface {
	// Open takes a pair of ports on both sides of one media line. The error
	// is an *Exhausted when a realm has no pair left, and a *NoFamily when it
	// has no address of the family asked for; then nothing is taken.
	Open(o Open) (Stream, error)

	// Ports returns the use of each realm's pool, in the order of
	// Options.Realms.
	Ports() []PortUse

	// Live reports whether a stream has the local address and port a now: a
	// description that names it is a spiral, one that names another port of
	// ours is a mistake or an attack.
	Live(a netip.AddrPort) bool

	// Close closes every stream and gives everything back.
	Close() error
}

// Open says what a stream is to be.
type Open struct {
	Session SessionID
	Realm   [2]int   // index into Options.Realms, by side
	IP6     [2]bool  // by side: its ports are at the realm's IPv6 address; false: at the IPv4 one
	Mux     [2]bool  // by side: RTP and RTCP on one port from the start (RFC 5761)
	Opaque  bool     // not RTP at first (T.38 over UDPTL for instance): the port for RTCP opens when Set names a far end that sends RTP
	Urgent  bool     // it may have the pairs that are kept for such lines
	RTCPKey [16]byte // of the call, secret: makes the CNAMEs that a side sees; equal for all streams of a call, so that they stay one participant's
}

// A Stream is one open media line.
type Stream interface {
	// Local returns where the far end of that side has to send to.
	Local(side Side) Local

	// Set says what the far end of that side is, as the last offer/answer
	// left it. It may be called while packets flow, and for one side long
	// before the other. Packets are relayed as soon as both are known.
	//
	// A far end of another family than the side's counts as nobody.
	//
	// Where the far end is behind a NAT, Set is what lets its latch learn: once,
	// and again only when the address, Mux or Signaling of r is another one, or
	// when it may send after it might not. A Set that repeats the far end
	// changes nothing.
	Set(side Side, r Remote)

	// Add says that the side has one more far end, of an early dialog beside
	// those before (a fork of the INVITE). The newest of them from which
	// media has come is the audible one: it alone is heard, and it alone
	// gets what the other side sends. Before any media came, the newest of
	// all gets that. Set ends this: only the one that it names remains.
	//
	// A far end with the RTP address and Signaling of one that is there takes
	// its place; one that is nobody changes nothing. The error is
	// ErrForks, or ErrRing where what goes to r would come back.
	Add(side Side, r Remote) error

	// Stats returns the counters, by the side from which packets came.
	Stats() [2]Stats

	// Close ends the stream: when it returns, no packet is forwarded any
	// more, and the ports rest. It returns the last counters. Closing again
	// does nothing but return them.
	Close() [2]Stats
}

// A Side is one of the two sides of a stream.
type Side uint8

// The sides: the caller's and the callee's.
const (
	A Side = iota
	B
)

// Other returns the opposite side.
func (s Side) Other() Side { return s ^ 1 }

func (s Side) String() string { return [2]string{"a", "b"}[s&1] }

// Local is where the far end of a side has to send to.
type Local struct {
	Addr     netip.Addr
	Port     uint16
	RTCPPort uint16 // equal to Port when opened with Mux; ours also while the stream is opaque
}

// RTP returns the address and port for RTP, or for what is passed unread.
func (l Local) RTP() netip.AddrPort { return netip.AddrPortFrom(l.Addr, l.Port) }

// RTCP returns the address and port for RTCP.
func (l Local) RTCP() netip.AddrPort { return netip.AddrPortFrom(l.Addr, l.RTCPPort) }

// Remote is the far end of one side as its session description says. The zero
// Remote is nobody: nothing is taken from it and nothing sent to it.
type Remote struct {
	RTP      netip.AddrPort // not valid or port 0: nobody
	RTCP     netip.AddrPort // not valid or port 0: no RTCP; not used with Mux
	Mux      bool           // it sends and wants RTCP on its RTP port (RFC 5761)
	Opaque   bool           // it sends something else than RTP now, as when a call becomes a fax: passed unread
	Sends    bool           // it may send: its direction, as agreed, includes send
	Receives bool           // it wants to receive
	Payload  *PayloadMap    // what its payload types become on the way to the other side; nil: they stay. Never changed after Set

	// Who else than RTP and RTCP may be the far end: the first of them that
	// sends is pinned.
	Signaling netip.Addr     // where its signaling comes from, where the realm has NAT; not valid: not known. It counts only where the description names another address
	Sources   []netip.Prefix // configured for this far end, in any realm. Never changed after Set
}

// NeedsRTCP reports whether a port for RTCP must be open for r: it is there,
// and what it sends is RTP with RTCP on a port of its own.
func (r *Remote) NeedsRTCP() bool { return !r.Opaque && !r.Mux && !nobody(plain(r.RTP)) }

// PortUse is the use of one realm's pool, in pairs of ports: each side of a
// stream holds exactly one, also where it needs a single port.
type PortUse struct {
	Realm   string
	Total   int
	InUse   int
	Resting int    // given back, or found taken by another process, and waiting
	Skipped uint64 // ports that another process had when we wanted them, since the start
	NoRTCP  uint64 // times that a line became RTP and its port for RTCP could not be opened, since the start
}

// ErrClosed is the error of an Open after Close.
var ErrClosed = errors.New("the media engine is closed")

// ErrForks is the error of an Add beyond the far ends that a side may have.
var ErrForks = fmt.Errorf("a side has at most %d far ends", forksMax)

// ErrRing is the error of an Add whose far end leads back to the stream
// through our own ports.
var ErrRing = errors.New("the far end leads back through our own ports")

// NoFamily is the error of an Open for a family that a realm has no address of.
type NoFamily struct {
	Realm string
	IP6   bool // what was asked for
}

func (e *NoFamily) Error() string {
	return fmt.Sprintf("realm %q has no %s address for media", e.Realm, familyName(e.IP6))
}

func familyName(ip6 bool) string {
	if ip6 {
		return "IPv6"
	}
	return "IPv4"
}

// Exhausted is the error of an Open that found no free pair in a realm.
type Exhausted struct{ Realm string }

func (e *Exhausted) Error() string {
	return fmt.Sprintf("no media port is free in realm %q", e.Realm)
}
