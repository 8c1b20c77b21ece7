// Package public learns, and keeps learning, the address and ports by which
// the world reaches a realm of ours that stands behind a router.
//
// A [Watch] asks in the background: the router by PCP (RFC 6887), NAT-PMP
// (RFC 6886) or UPnP (Internet Gateway Device 1 and 2), or a STUN server that
// the configuration names (RFC 8489). A router is also asked to forward the
// realm's ports; what it grants is renewed at half its lifetime, made anew
// when the router has lost it, and given back by Close. What is known is a
// [State], a snapshot: nobody waits for the network.
//
//	Watch ── a learner for signaling ── way ── pcp ─────── wire
//	     └── a learner for media, if it     ├─ natpmp
//	         is learned in another way or   ├─ upnp ────── search
//	         has ports of its own           └─ stun
//
// Whatever a router or server says is the word of a stranger. An answer counts
// when it comes from the very address that was asked and repeats what only the
// asked one knows (the nonce, the transaction ID); an address that cannot be
// ours (private, shared, multicast, of another family) is refused, and State
// says so in words.
package public
