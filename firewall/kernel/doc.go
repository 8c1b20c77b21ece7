// Package kernel has the engines that refuse packets before a socket of ours is
// touched: [firewall.Kernel] by the program of package fastpath, attached by tcx,
// clsact or XDP, and by nftables. Each does the same, and one test holds all of
// them to it; they differ in what they cost, where they work and what a process
// that is killed leaves behind.
//
//	           needs                                  a killed process leaves
//	xdp        CAP_BPF, CAP_NET_ADMIN; a driver       nothing
//	tcx        CAP_BPF, CAP_NET_ADMIN; Linux 6.6      nothing
//	clsact     CAP_BPF, CAP_NET_ADMIN; Linux 5.18     a filter that passes everything after leaseTime
//	nftables   CAP_NET_ADMIN; nf_tables               its table; the next process adopts the bans
//
// With the first three the bans of a killed process come back from where its
// successor keeps them. [Open] takes tcx before XDP: it works on every device
// that has Ethernet frames and changes nothing in a driver (queues, offloads, the
// largest MTU), and a packet that it drops costs some hundred nanoseconds more
// than one that XDP drops. XDP is for who asks for it.
//
// # The table
//
// The engine nftables owns table inet sbc of its network namespace: one border a
// namespace. It is written in one transaction, hooked before conntrack puts
// fragments together, and accepts what it does not refuse, so that the rules of
// others hold as before. Bans are in a set for each length (/32; /64, /56, /48)
// whose key is the masked address: a hash, in which one ban may contain another,
// and not an interval set, which refuses that. Trust is an interval set.
//
// # Fragments
//
// A fragment has no ports, so that it cannot be told whether it belongs to a
// flow that is spared. Those between two addresses that have such a flow are
// policed as fragments instead of being dropped for a ban: a phone behind a
// carrier's NAT that a scanner shares may send an INVITE over the MTU.
package kernel
