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
// pairs are used: an even port and the odd one after it.
type RealmPool struct {
	Name        string
	Addr        netip.Addr // ours in this realm; never unspecified
	First, Last uint16     // both included
}

// An Engine relays media. Its methods are called by many goroutines (the
// shards) and never wait for the network; those of one Stream are called by
// one goroutine at a time.
type Engine interface {
	// Open takes a pair of ports on both sides of one media line. The error
	// is an *Exhausted when a realm has no pair left; then nothing is taken.
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
	Mux     [2]bool  // by side: RTP and RTCP on one port from the start (RFC 5761)
	RTCP    bool     // false: not RTP (T.38 over UDPTL for instance); one port a side, what comes is passed unread
	RTCPKey [16]byte // of the call, secret: makes the CNAMEs that a side sees; equal for all streams of a call, so that they stay one participant's
}

// A Stream is one open media line.
type Stream interface {
	// Local returns where the far end of that side has to send to.
	Local(side Side) Local

	// Set says what the far end of that side is, as the last offer/answer
	// left it. It may be called while packets flow, and for one side long
	// before the other. Packets are relayed as soon as both are known.
	Set(side Side, r Remote)

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
	RTCPPort uint16 // equal to Port when opened with Mux; 0 when opened without RTCP
}

// RTP returns the address and port for RTP, or for what is passed unread.
func (l Local) RTP() netip.AddrPort { return netip.AddrPortFrom(l.Addr, l.Port) }

// RTCP returns the address and port for RTCP; not valid if there is none.
func (l Local) RTCP() netip.AddrPort {
	if l.RTCPPort == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(l.Addr, l.RTCPPort)
}

// Remote is the far end of one side as its session description says. The zero
// Remote is nobody: nothing is taken from it and nothing sent to it.
type Remote struct {
	RTP      netip.AddrPort // not valid or port 0: nobody
	RTCP     netip.AddrPort // not valid or port 0: no RTCP; not used with Mux
	Mux      bool           // it sends and wants RTCP on its RTP port (RFC 5761)
	Opaque   bool           // it sends something else than RTP now, as when a call becomes a fax: passed unread
	Sends    bool           // it may send: its direction, as agreed, includes send
	Receives bool           // it wants to receive
}

// PortUse is the use of one realm's pool, in pairs of ports: each side of a
// stream holds exactly one, also where it needs a single port.
type PortUse struct {
	Realm   string
	Total   int
	InUse   int
	Resting int    // given back, or found taken by another process, and waiting
	Skipped uint64 // ports that another process had when we wanted them, since the start
}

// ErrClosed is the error of an Open after Close.
var ErrClosed = errors.New("the media engine is closed")

// Exhausted is the error of an Open that found no free pair in a realm.
type Exhausted struct{ Realm string }

func (e *Exhausted) Error() string {
	return fmt.Sprintf("no media port is free in realm %q", e.Realm)
}
