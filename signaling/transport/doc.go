// Package transport carries SIP messages over UDP: it opens listeners, reads
// and writes datagrams in batches, and names flows.
//
// It knows no SIP. It starts no goroutine: whoever reads a listener owns the
// reading goroutine and the Batch, and a listener may be written to from any
// number of goroutines.
//
// # What a far end sees of us
//
// Datagrams leave with TTL (hop limit) 64 and flow label 0, whatever came in
// on the other side. They may be fragmented on the way (no DF, no path MTU
// discovery): a request with a large body reaches a phone in fragments or not
// at all, and RFC 3261 section 18.1.1 has no other answer where TCP is not
// spoken. The IP ID of what leaves is the kernel's own, never copied.
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
