package transport

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"sbc/signaling/sip"
)

// A Handler is told what happens on the connections of a listener. Any of the
// functions may be nil. They are called by the goroutines of the connections,
// for different connections at the same time, and must not block: while
// Message runs, its connection reads nothing. They must not call Close.
type Handler struct {
	// Admit says whether a connection that was accepted may stay, before
	// anything is read of it; one that may not is reset. nil: each may.
	Admit func(remote netip.AddrPort) bool

	// Message gets what a connection brought, one after the other, in the order
	// of the stream. m and its octets are the callee's from then on. err is what
	// sip.Message.ParseStream said: after a *sip.Error that says Close nothing
	// more is read from f, and the callee answers, if it wants to, and calls
	// CloseAfter.
	Message func(f Flow, m *sip.Message, err error)

	// Closed tells that a connection is gone: no Message comes from it any more,
	// and a Send to f goes by another one. It is not told of connections that
	// were never up.
	Closed func(f Flow)

	// Failed tells that a message which Send took was not written, because no
	// connection came about or because it broke. token is the one that Send was
	// given, never 0; f is the flow of the connection that the message waited
	// for.
	Failed func(f Flow, token uint64)

	// Refused tells why a connection did not come about, theirs or ours, whose
	// handshake of TLS or WebSocket failed. err is for the operator of a network
	// that is trusted: it names the far end, what is wrong and what helps. From
	// elsewhere anybody can cause any number of them. It is not told of far ends
	// that only went away.
	Refused func(f Flow, why Cut, err error)
}

// Ours:
const (
	// 16,384: a quarter of the 65,536 descriptors that our unit asks for.
	connectionsDefault = 16384
	// 256: a PBX that opens one a phone, or the phones of an office behind one
	// address.
	sourceDefault = 256
	// 35 minutes: longer than the half hour in which RFC 4028 refreshes
	// sessions, so that a call's connection outlives its silence.
	idleDefault = 35 * time.Minute
	// 30 s: who connects has something to say.
	firstDefault = 30 * time.Second
	// 10 s: three retransmissions of TCP in the middle of a message.
	messageDefault = 10 * time.Second
	// 4 s: SYNs at 0, 1 and 3 s; timers B and F leave 28 s for the next target.
	connectDefault = 4 * time.Second
	// 10 s: what is queued has left within a third of timer B.
	writeDefault = 10 * time.Second
	// 2 s for the far end to read our last answer.
	closeDefault = 2 * time.Second
	// 256 KiB: some two hundred messages beyond what the kernel holds.
	queueDefault = 256 << 10
	// 64 MiB over all connections of a listener.
	memoryDefault = 64 << 20

	descriptorsShare = 4 // of all descriptors, one in so many for streams
	dialledShare     = 8 // of the connections, one in so many for those that we open
)

// StreamOptions are what a listener of streams needs to know. A limit of 0 is
// the default.
type StreamOptions struct {
	ID      ListenerID
	Realm   string         // for messages to the operator
	Addr    netip.AddrPort // port 0: the kernel chooses
	Handler Handler

	// Connections is how many there may be at once, theirs and ours; 0: 16,384.
	// One in eight is kept for those that we open. Beside this, all listeners of
	// the process have together no more than a quarter of RLIMIT_NOFILE: the
	// ports of media have the first claim on descriptors.
	Connections int
	PerSource   int // accepted from one IPv4 address, or IPv6 /64; 0: 256

	Idle    time.Duration // silence in both directions that ends a connection; 0: 35 minutes
	First   time.Duration // from accept to the first whole message; 0: 30 s, never more than Idle
	Message time.Duration // from the first to the last octet of a message, and for the request of a WebSocket; 0: 10 s
	Connect time.Duration // for a connection that we open; 0: 4 s
	Write   time.Duration // for what is queued to leave; 0: 10 s
	Close   time.Duration // from CloseAfter to the end; 0: 2 s

	// TLS and WebSocket say what the streams are made of; nil: not of that. Both:
	// secure WebSockets.
	TLS       *TLS
	WebSocket *WebSocket

	Handshake           time.Duration // for a handshake of TLS; 0: 5 s
	Handshakes          int           // of TLS or WebSocket that others began, at once; 0: 512
	HandshakesPerSource int           // of these, from one IPv4 address, or IPv6 /64; 0: 64

	Queue  int // octets that wait to be written to one connection; 0: 256 KiB
	Memory int // octets of begun messages and of queues, all connections together; 0: 64 MiB
}

func (o StreamOptions) withDefaults() StreamOptions {
	for _, d := range []struct {
		value *time.Duration
		or    time.Duration
	}{
		{&o.Idle, idleDefault}, {&o.First, firstDefault}, {&o.Message, messageDefault},
		{&o.Connect, connectDefault}, {&o.Write, writeDefault}, {&o.Close, closeDefault}, {&o.Handshake, handshakeDefault},
	} {
		if *d.value <= 0 {
			*d.value = d.or
		}
	}
	for _, d := range []struct {
		value *int
		or    int
	}{
		{&o.Connections, connectionsDefault}, {&o.PerSource, sourceDefault}, {&o.Queue, queueDefault}, {&o.Memory, memoryDefault},
		{&o.Handshakes, handshakesDefault}, {&o.HandshakesPerSource, handshakesSourceDefault},
	} {
		if *d.value <= 0 {
			*d.value = d.or
		}
	}
	o.First = min(o.First, o.Idle)
	return o
}

// descriptorsMax returns how many connections all listeners of the process may
// have together.
func descriptorsMax() int64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return connectionsDefault
	}
	return int64(min(limit.Cur, 1<<30) / descriptorsShare)
}
