// Package netns builds small networks out of Linux network namespaces, for
// tests and for the demo: spaces joined by veth cables, switches and routers
// between them, processes that run in them, sockets opened in them by the
// calling process, and captures of every frame that passes an interface.
//
// Namespaces have no name: they are held open by a thread of this process and
// by nothing else, so that nothing can be left behind, whatever ends the
// process, and any number of tests can run side by side.
//
// # Routers
//
// A [Router] is a namespace that forwards between its LAN and its uplink, and
// a NAT in the words of RFC 4787, as package lab/nat has them. nf_tables give
// two sorts; no program is needed for either.
//
// Conntrack, as in every router with Linux: masquerade, with preserved or
// random ports. It refreshes a mapping by packets of both directions and so
// hides what a phone without keep-alives of its own suffers elsewhere; its
// port-preserving mapping is address-and-port-dependent and looks like an
// endpoint-independent one until two hosts want the same port, which it
// overloads. It never hairpins but to forwarded ports.
//
// Maps that rules fill by themselves, with the lifetime of the mapping as the
// lifetime of their elements: every mapping and filtering, hairpin, preserved,
// random, sequential ports and parity; only outbound packets refresh. TCP is
// translated alike, with one lifetime, without a look at its state.
//
// What nf_tables have no words for stays in lab/nat: refresh by both
// directions with any other than conntrack's mapping and filtering,
// overloaded ports with them, a pool of public addresses, paired or arbitrary,
// a table's bound over both protocols together, a NAT that is silent towards
// TCP, and TCP mappings that live as long as the connection's state says.
// Routers translate neither ICMP nor fragments by maps, and no IPv6 at all.
//
// # Rights
//
// It needs the right to create namespaces (CAP_SYS_ADMIN and CAP_NET_ADMIN);
// [Require] skips the tests of those who do not have it.
package netns
