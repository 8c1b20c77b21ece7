// Command media holds many calls at once and sends media through a relay,
// first through the socket engine and then through rtpengine in user space,
// with the same sender and receiver.
//
// The network is a LAN, the relay and an ITSP, each in a namespace, joined by
// cables of veth. The relay has one core to itself and the load the other.
// Every packet carries the time at which it was sent; the kernel stamps it
// when it arrives. The direct way, forwarded by the kernel where the relay
// would be, is measured first, to see what the network adds by itself.
//
//	go run ./bench/media -calls 500 -seconds 60
//
// It needs root, two cores and rtpengine. The exit status is 1 when a goal
// was missed.
package main
