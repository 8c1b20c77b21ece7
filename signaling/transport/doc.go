// Package transport carries SIP messages over UDP, TCP, TLS and WebSockets, and
// names flows.
//
// # UDP
//
// A UDP listener reads and writes datagrams in batches, and knows no SIP. It
// starts no goroutine: whoever reads it owns the reading goroutine and the
// Batch, and it may be written to from any number of goroutines.
//
// # TCP
//
// A TCP listener finds the messages in its streams and hands them to a
// Handler. One goroutine accepts, and each connection has one that reads. Send
// writes at once what the kernel has room for; only while something is queued,
// or while we open it, a connection has a second goroutine. An idle connection
// has no buffer: it keeps about 6 KB of ours.
//
// All that a far end can make us keep or do is bounded: connections, in all
// and for each source; the time for a message to become whole, for silence,
// for what we write; the octets of begun messages and of queues; answers to
// pings. StreamOptions has the numbers. Who goes beyond one is cut and
// counted, and nobody waits for it.
//
// A request to an address goes by a connection that we opened to it, or by one
// that the far end opened and that Alias named (RFC 5923); a response by the
// connection of its request, and by a new one if that is gone (RFC 3261
// section 18.2.2). When the far end closes its half of a connection, the whole
// of it ends.
//
// # TLS and WebSocket
//
// A listener of streams with StreamOptions.TLS, WebSocket or both is one of TLS
// 1.2 and 1.3, ws or wss (RFC 7118). Nothing above changes: crypto/tls and the
// frames of RFC 6455 are given the octets that a connection has read, and give
// the octets that it is to write, and neither waits for the network. Who reads
// a connection does its handshakes first, with deadlines of their own. Those
// that others begin are bounded, in all and for each source, where the oldest
// makes room for the newest; they take turns to compute, on half of the
// processors. An idle connection of TLS keeps what crypto/tls keeps: some 10 KB,
// and up to 17 KB more once a record of full length has come.
//
// Whether a far end is who it should be is decided in its handshake, resumed or
// not: by RFC 5922 section 7 when we connect, by the chain of its certificate
// when it does, where Identity then has the names. It is the caller who knows
// which of them may do what.
//
// # What a far end sees of us
//
// Datagrams and segments leave with TTL (hop limit) 64 and flow label 0,
// whatever came in on the other side. Datagrams may be fragmented on the way
// (no DF, no path MTU discovery): a request with a large body reaches a phone
// in fragments or not at all, and RFC 3261 section 18.1.1 has no other answer
// where TCP is not spoken. The IP ID of what leaves is the kernel's own, never
// copied, and so is the port of a connection that we open.
//
// # ICMP
//
// RFC 3261 section 18.4 lets a transport report ICMP errors to the
// transaction. We do not: the sockets are unconnected and do not ask for
// errors (IP_RECVERR), because an ICMP message is as easily forged as a
// datagram, and one forged packet must not end a call. A peer that is gone is
// found by timers B, F and H. What the local kernel refuses at once (no route,
// too long, filtered) is reported at the datagram.
package transport
