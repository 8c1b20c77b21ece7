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
// # The latch
//
// A far end behind a NAT does not know its own address (RFC 7362). In a realm
// with RealmPool.NAT, where a description names another address than the
// signaling comes from, a flow is pinned to the first who sends and may: the
// described address and port, if that address is public or routed; the
// described port of the signaling source's address; after half a second any
// port of it. The table in latch.go says so. RTP and RTCP learn each on its
// own, and so does every far end of a fork.
//
// A latch learns once. New signaling opens it again: another described
// address, another Signaling (a registration from elsewhere), or the leave to
// send after a hold. It learns nothing before both far ends are known, since
// nobody was told of the port yet. A far end whose NAT gives it another port
// in the middle of a call is silent until then, and counts as LatchClosed.
//
// What is sent goes to the pinned address only; before there is one, to the
// described address if it is public or routed, since two far ends that both
// wait for the other would be silent for ever; else nowhere. So whoever may
// make calls can have media sent to a public address of his choice, as without
// NAT, until something came from the address of his signaling.
//
// The limit: without SRTP or ICE a neighbour behind the same NAT cannot be told
// from the far end. He can win a flow whose far end sent nothing from the
// described port for half a second after the answer, and then keeps it until
// new signaling. No SSRC or payload type would tell them apart: he may have
// seen both.
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
