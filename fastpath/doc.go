// Package fastpath is the program that packets meet before a socket, and its
// maps: one source in C, for tcx, clsact and XDP. It knows no policy; who is
// banned, trusted or policed is what its caller writes.
//
// # The program
//
// fastpath.c is where to begin; packet.h reads headers, maps.h has the maps,
// refuse.h decides, bucket.h counts rates. For each packet:
//
//	from a banned address                       ┐
//	a fragment for an address of ours           │ unless its source is trusted,
//	UDP for a listener of ours                  │ or its flow is spared
//	a SYN of TCP for a listener of ours         ┘
//
// A ban drops; the rest take from the bucket of their source, then from the one
// of all strangers. Everything else goes up: what is not understood, what is for
// nobody of ours, and what belongs to somebody else on the machine. A fragment
// has no ports; that of a pair of addresses with a spared flow is not dropped
// for a ban, but takes from the buckets.
//
// A bucket is one number that all processors share, changed by compare and
// exchange. A share for each processor would refuse who hashes to one of them,
// and since only what is admitted writes, a flood does not contend for it.
//
// # Where it is attached
//
// [TCX] works on every device that has Ethernet frames, loopback too, and needs
// Linux 6.6; [Clsact] is the same program attached in the way of before; [XDP]
// runs in the driver, and only there: XDP that the kernel emulates copies each
// packet, and is slower than tcx.
//
// Programs of tcx and XDP go with the process that attached them, whatever ends
// it. That of clsact stays, and is held by a lease: see [Program.Lease].
//
// It needs CAP_BPF and CAP_NET_ADMIN, and no writable file system.
//
// The object is built for both orders of octets; only the little-endian one is
// run by tests.
package fastpath

//go:generate go tool bpf2go -cc clang-14 -target bpfel,bpfeb -type address -type rate -type bounds fastpath fastpath.c -- -Wall -Wextra -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu
