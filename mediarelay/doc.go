// Package mediarelay is the model of relayed media: which far end may send to
// which local port, what happens to a packet on the way to the other side,
// and what is counted. Engines carry it out: they own the sockets and hand
// each datagram to a Session, which says where it goes or why it goes
// nowhere.
//
// A stream is one media line of a call. It holds one pair of ports on each side,
// and has two flows: what comes from side A and what comes from side B. A flow
// is pinned to the address that the session description of its far end names;
// nobody else is heard. While an INVITE forks, a side may have several far
// ends, of which one is audible (see Stream). Each side is of one family, IPv4
// or IPv6, whatever the other is.
//
// A pair is for RTP and RTCP (RFC 3550 section 11). A far end may have both on
// one port (RFC 5761), or RTCP at another address (RFC 3605), whatever the other
// has. Payload types may change on the way (PayloadMap). RTCP is read: what
// names people is taken out, and a far end ends and names its own sources only.
//
// The package does no I/O and knows no clock: times are arguments, and random
// choices come from a generator that is passed in. A Pool and a Model belong
// to one goroutine. A Session belongs to one worker, except for Set, Stats
// and what is documented as atomic.
package mediarelay
