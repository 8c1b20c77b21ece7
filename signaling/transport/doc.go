// Package transport carries SIP messages over UDP and TCP, and names flows.
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
