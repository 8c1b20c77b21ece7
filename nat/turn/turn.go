// Package turn is a STUN and TURN service for endpoints that no media can reach
// otherwise: it answers Binding requests (RFC 8489), and relays datagrams of
// clients who prove who they are to peers that they name (RFC 8656), over UDP
// and TCP towards the client and UDP towards the peer.
//
// Behind the sockets stands pion/turn. It is one that a single datagram can
// crash, that permits every peer and knows no quota, so it gets to see only
// what this package has judged and written anew:
//
//	socket ── guard ── judge ──────────────────▶ library ── relay socket ── peer
//	          nat.STUN  │ nonce, credentials,     (pion.go)   peers, octets
//	                    │ quotas, peers
//	                    ▼
//	             answer 401, 403, 486, 508 … or nothing
//
// The guard drops what is not STUN or ChannelData to the letter. The judge
// answers what is refused itself, and keeps beside the library what each
// allocation has, to know before the library does what would be too much. A
// relay socket asks once more about every datagram that leaves.
//
// The service runs in a process of its own (Serve), which its parent starts,
// watches and starts again (Supervise): whatever happens to it costs no call.
package turn
