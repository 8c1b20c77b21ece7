// Package socket is the media engine that works everywhere: a UDP socket a
// port, and a few workers that wait for all of them with epoll. It needs no
// privilege.
//
// Each worker is one goroutine with its own epoll instance. Both sides of a
// stream belong to the same worker, so that a stream has one writer. A packet
// costs a recvfrom, a sendto and no allocation; a packet leaves from the
// local port of the side to which it goes, with TTL 64, DF and ID 0, or with
// hop limit 64 and flow label 0, whatever it came with. The two sides may be of
// different families.
//
// A line that is not RTP at first has its pair of ports as any other, but a
// socket for the first of them only; the one for RTCP opens when a far end is
// set that sends RTP.
package socket
